/** A topic that takes smaller batches than the producer makes: records go on in smaller ones, none is lost or moved. */
import { expect, it } from 'vitest';
import type { ProduceStreamRequest } from '../../gen/bellwether/v1/log_service.js';
import { BellwetherError } from '../../src/errors.js';
import { plain } from '../../src/client/consumed-batch.js';
import { stampProducer } from '../../src/records/batch-encode.js';
import { readBatchHeader } from '../../src/records/batch-header.js';
import { leaderAt, rejection, startBroker, startClient } from './harness.js';
import { refused, ScriptedLog } from './producer-rig.js';

/** A leader of a topic whose `max_message_bytes` is that; and how large what it accepted was. */
async function leaderOf(limitBytes: number, named = true) {
  const log = new ScriptedLog();
  const accepted: number[] = [];
  const produceStream = (request: ProduceStreamRequest) => {
    const sizeBytes = request.recordBatch.length;
    const metadata = named ? { limit_bytes: String(limitBytes), size_bytes: String(sizeBytes) } : {};
    if (sizeBytes > limitBytes) {
      return refused(request, new BellwetherError('RECORD_BATCH_TOO_LARGE', 'too large', { metadata }));
    }
    try {
      const response = log.append({ ...request, recordBatch: unpacked(request.recordBatch) });
      accepted.push(sizeBytes);
      return response;
    } catch (error) {
      return refused(request, new BellwetherError('OUT_OF_ORDER_SEQUENCE', String(error)));
    }
  };
  const broker = await startBroker({
    initProducer: () => ({ producerId: 7, producerEpoch: 0 }),
    produceStream,
  });
  broker.script.partitionLeader = () => leaderAt(broker.address, 1);
  return { log, accepted, broker, client: await startClient([broker.address]) };
}

/** What the records are, and whose. */
function unpacked(recordBatch: Uint8Array): Uint8Array {
  const header = readBatchHeader(recordBatch);
  const { producerId: id, producerEpoch: epoch, baseSequence } = header;
  const batch = plain(recordBatch, header);
  stampProducer(batch, { id, epoch, baseSequence });
  return batch;
}

const records = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ partition: 0, value: String(n).padStart(100, '0') }));
const values = (count: number) => records(count).map(({ value }) => value);

it.each(['none', 'gzip'] as const)(
  'with compression %s every record arrives once, in order, and knows where',
  async (compression) => {
    const { log, accepted, client } = await leaderOf(700);
    const producer = client.producer({ compression, batchBytes: 64 * 1024 });
    const places = await Promise.all(records(600).map((record) => producer.send('orders', record)));
    expect(log.values).toEqual(values(600));
    expect(places.map(({ offset }) => offset)).toEqual(values(600).map((_, n) => n));
    expect(Math.max(...accepted)).toBeLessThanOrEqual(700);
  },
);

it('without sequences every record arrives once too; a smaller batch behind may overtake', async () => {
  const { log, client } = await leaderOf(700);
  await client.producer({ acks: 1, batchBytes: 64 * 1024 }).sendAll('orders', records(600));
  expect(log.values.toSorted()).toEqual(values(600));
});

it('batches are made to the measure from then on', async () => {
  const { broker, accepted, client } = await leaderOf(2000);
  const producer = client.producer();
  await producer.sendAll('orders', records(200));
  const calls = broker.count('produceStream');
  accepted.length = 0;
  await producer.sendAll('orders', records(200));
  expect(broker.count('produceStream') - calls).toBe(accepted.length);
  expect(Math.min(...accepted.slice(0, -1))).toBeGreaterThan(1500);
});

it('a record that is too large alone fails alone', async () => {
  const { log, client } = await leaderOf(700);
  const producer = client.producer();
  const sent = records(20);
  sent[9] = { partition: 0, value: 'x'.repeat(800) };
  const ranges = await producer.sendAllSettled('orders', sent);
  const failed = ranges.filter(({ error }) => error !== undefined);
  expect(failed).toMatchObject([{ recordCount: 1, error: { reason: 'RECORD_BATCH_TOO_LARGE' } }]);
  const before = ranges.slice(0, ranges.indexOf(failed[0]!)).reduce((sum, each) => sum + each.recordCount, 0);
  expect(before).toBe(9);
  expect(log.values).toEqual(values(20).filter((_, n) => n !== 9));
  expect(ranges.reduce((sum, { recordCount }) => sum + recordCount, 0)).toBe(20);
});

it('sendAll tells every range, and rejects with the record that is too large', async () => {
  const { client } = await leaderOf(700);
  const producer = client.producer();
  const ranges = await producer.sendAll('orders', records(20));
  expect(ranges.length).toBeGreaterThan(1);
  expect(
    ranges.reduce((next, { baseOffset, recordCount }) => (baseOffset === next ? next + recordCount : NaN), 0),
  ).toBe(20);
  const error = await rejection(
    producer.sendAll('orders', [...records(3), { value: 'x'.repeat(800), partition: 0 }]),
  );
  expect([error.reason, error.metadata['limit_bytes']]).toEqual(['RECORD_BATCH_TOO_LARGE', '700']);
});

it('where the refusal does not name the limit, halves find it', async () => {
  const { log, client } = await leaderOf(700, false);
  await client.producer().sendAll('orders', records(50));
  expect(log.values).toEqual(values(50));
});

it('flush and close wait for the parts, and nothing stays in the buffer', async () => {
  const { log, client } = await leaderOf(700);
  const producer = client.producer();
  const sent = producer.sendAll('orders', records(50));
  await producer.close();
  expect([log.values.length, producer.bufferedBytes]).toEqual([50, 0]);
  await sent;
});
