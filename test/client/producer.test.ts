/** The producer against scripted leaders, with real gRPC between them: order, retries, bounds. */
import { expect, it, vi } from 'vitest';
import type { ProduceStreamRequest } from '../../gen/bellwether/v1/log_service.js';
import { BellwetherError } from '../../src/errors.js';
import type { FakeBroker } from './fake-broker.js';
import { never } from './fake-broker.js';
import { leaderAt, notLeader, rejection, startBroker, startClient } from './harness.js';
import { refused, ScriptedLog } from './producer-rig.js';

const ONE = { partition: 0, value: 'one' };
const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => ({ partition: 0, value: String(n + from) }));
const texts = (count: number) => numbered(count).map(({ value }) => value);

/** A broker that appends to `log` and says that it leads. */
async function leader(log: ScriptedLog, term = 1): Promise<FakeBroker> {
  const broker = await startBroker({
    initProducer: () => ({ producerId: 7, producerEpoch: 0 }),
    produceStream: (request) => log.append(request),
  });
  broker.script.partitionLeader = () => leaderAt(broker.address, term);
  return broker;
}

it('records sent in one turn of the event loop are one batch, at consecutive offsets', async () => {
  const log = new ScriptedLog();
  const broker = await leader(log);
  const producer = (await startClient([broker.address])).producer();
  const places = await Promise.all(numbered(3).map((record) => producer.send('orders', record)));
  expect(places.map(({ offset }) => offset)).toEqual([0, 1, 2]);
  expect(broker.count('produceStream')).toBe(1);
  expect(await producer.sendAll('orders', numbered(2))).toEqual([
    { partition: 0, baseOffset: 3, recordCount: 2, term: 1 },
  ]);
});

it('a record alone waits for no turn of the event loop; those sent behind it share the next one', async () => {
  const log = new ScriptedLog();
  const broker = await leader(log);
  const producer = (await startClient([broker.address])).producer();
  await producer.send('orders', ONE);
  const turns = vi.spyOn(globalThis, 'setImmediate');
  const alone = producer.send('orders', ONE);
  expect(turns).not.toHaveBeenCalled();
  await new Promise((resolve) => process.nextTick(resolve));
  const behind = [producer.send('orders', ONE), producer.send('orders', ONE)];
  expect(turns).toHaveBeenCalledOnce();
  turns.mockRestore();
  await Promise.all([alone, ...behind]);
  expect(log.values).toHaveLength(4);
  expect(broker.count('produceStream')).toBe(3);
});

it('sendAllSettled tells what became of each record, in the order in which they were given', async () => {
  const log = new ScriptedLog();
  const broker = await leader(log);
  broker.script.produceStream = (request) =>
    request.partition === 0
      ? log.append(request)
      : refused(request, new BellwetherError('CORRUPT_RECORD_BATCH', 'damaged'));
  const producer = (await startClient([broker.address])).producer();
  const sent = [0, 0, 1, 1, -1, 0].map((partition, n) => ({ partition, value: String(n) }));
  const ranges = await producer.sendAllSettled('orders', sent);
  expect(ranges).toMatchObject([
    { partition: 0, baseOffset: 0, recordCount: 2, term: 1, error: undefined },
    { partition: 1, baseOffset: -1, recordCount: 2, error: { reason: 'CORRUPT_RECORD_BATCH' } },
    { partition: -1, baseOffset: -1, recordCount: 1, error: { reason: 'INVALID_REQUEST' } },
    { partition: 0, baseOffset: 2, recordCount: 1, term: 1, error: undefined },
  ]);
  expect(log.values).toEqual(['0', '1', '5']);
});

it('batches are full at batchBytes, and stay in order', async () => {
  const log = new ScriptedLog();
  const broker = await leader(log);
  const producer = (await startClient([broker.address])).producer({ batchBytes: 1024 });
  await producer.sendAll('orders', numbered(1000));
  expect(log.values).toEqual(texts(1000));
  expect(broker.count('produceStream')).toBeGreaterThan(5);
});

it('what a broker refuses as it does not lead goes to the leader that it names, in order', async () => {
  const log = new ScriptedLog();
  const next = await leader(log, 2);
  const old = await leader(log);
  old.script.produceStream = (request) => refused(request, notLeader(next.address, 2));
  const producer = (await startClient([old.address])).producer({ batchBytes: 1024 });
  await producer.sendAll('orders', numbered(500));
  expect(log.values).toEqual(texts(500));
});

it('a batch whose answer was lost with the leader is sent again and is in the log once', async () => {
  const log = new ScriptedLog();
  const next = await leader(log, 2);
  const old = await leader(log);
  old.script.produceStream = (request) => {
    log.append(request);
    next.script.partitionLeader = () => leaderAt(next.address, 2);
    old.kill();
    return never();
  };
  next.script.partitionLeader = () => leaderAt(old.address, 1);
  const producer = (await startClient([next.address, old.address])).producer();
  expect(await producer.send('orders', ONE)).toMatchObject({ offset: 0 });
  expect(log.values).toEqual(['one']);
});

it('without idempotence (acks 1) a lost answer is told as UNKNOWN and the batch is not sent again', async () => {
  const log = new ScriptedLog();
  const old = await leader(log);
  old.script.produceStream = () => {
    old.kill();
    return never();
  };
  const producer = (await startClient([old.address])).producer({ acks: 1 });
  const error = await rejection(producer.send('orders', ONE));
  expect([error.reason, error.outcome]).toEqual(['CONNECTION_LOST', 'UNKNOWN']);
});

it('a stream that a broker refuses, as it serves too many, has applied nothing: another one is opened', async () => {
  const log = new ScriptedLog();
  const broker = await leader(log);
  broker.script.produceStream = (request) => {
    if (broker.count('produceStream') > 1) return log.append(request);
    throw new BellwetherError('TOO_MANY_STREAMS', 'too many');
  };
  const producer = (await startClient([broker.address])).producer({ acks: 1 });
  expect(await producer.send('orders', ONE)).toMatchObject({ offset: 0 });
  expect([log.values, broker.count('produceStream')]).toEqual([['one'], 2]);
});

it('while every stream is refused the record is NOT_APPLIED, and the reason is told', async () => {
  const broker = await leader(new ScriptedLog());
  broker.script.produceStream = () => {
    throw new BellwetherError('TOO_MANY_STREAMS', 'too many');
  };
  const producer = (await startClient([broker.address])).producer({ deliveryTimeoutMs: 200 });
  const error = await rejection(producer.send('orders', ONE));
  expect([error.reason, error.outcome]).toEqual(['TOO_MANY_STREAMS', 'NOT_APPLIED']);
});

it('one pause for what every broker is busy with: refused NOT_APPLIED, then sent again in order', async () => {
  const log = new ScriptedLog();
  const broker = await leader(log);
  let refusals = 0;
  broker.script.produceStream = (request) => {
    if (refusals++ > 0) return log.append(request);
    return refused(request, new BellwetherError('UNCOMMITTED_BYTES_EXCEEDED', 'full'));
  };
  const producer = (await startClient([broker.address])).producer();
  await producer.sendAll('orders', numbered(3));
  expect(log.values).toEqual(['0', '1', '2']);
});

it('after a batch that can never be applied those behind it go on in the next epoch', async () => {
  const log = new ScriptedLog();
  const broker = await leader(log);
  const epochs = new Set<number>();
  let isFirst = true;
  broker.script.produceStream = (request) => {
    epochs.add(request.recordBatch[52] ?? -1);
    if (isFirst) {
      isFirst = false;
      return refused(request, new BellwetherError('CORRUPT_RECORD_BATCH', 'damaged'));
    }
    try {
      return log.append(request);
    } catch (error) {
      return refused(request, new BellwetherError('OUT_OF_ORDER_SEQUENCE', String(error)));
    }
  };
  const producer = (await startClient([broker.address])).producer({ batchBytes: 1024 });
  const sends = numbered(400).map((record) => producer.send('orders', record));
  const results = await Promise.allSettled(sends);
  const applied = texts(400).filter((_, n) => results[n]?.status === 'fulfilled');
  expect(applied.length).toBeGreaterThan(200);
  expect(log.values).toEqual(applied);
  expect([...epochs]).toEqual([0, 1]);
});

it('a record that nobody can take is rejected at its deadline, NOT_APPLIED, with what stood in the way', async () => {
  const broker = await startBroker({
    initProducer: () => ({ producerId: 7, producerEpoch: 0 }),
    partitionLeader: () => {
      throw new BellwetherError('NO_LEADER', 'no leader');
    },
  });
  const producer = (await startClient([broker.address])).producer({ deliveryTimeoutMs: 150 });
  const error = await rejection(producer.send('orders', ONE));
  expect([error.reason, error.outcome]).toEqual(['NO_LEADER', 'NOT_APPLIED']);
  expect(producer.bufferedBytes).toBe(0);
});

it('a record that never left tells what happened to those before it', async () => {
  const broker = await leader(new ScriptedLog());
  broker.script.produceStream = (request) => refused(request, new BellwetherError('DISK_FULL', 'no room'));
  const client = await startClient([broker.address]);
  const producer = client.producer({ deliveryTimeoutMs: 300, batchBytes: 1024 });
  const record = { partition: 0, value: Buffer.alloc(900) };
  const errors = await Promise.all(
    Array.from({ length: 12 }, () => rejection(producer.send('orders', record))),
  );
  const [first, last] = [errors[0], errors.at(-1)];
  expect([first?.reason, last?.reason]).toEqual(['DISK_FULL', 'SEND_TIMEOUT']);
  expect(last?.message).toContain('those before them failed with DISK_FULL: no room');
  expect([last?.outcome, (last?.cause as BellwetherError).reason]).toEqual(['NOT_APPLIED', 'DISK_FULL']);
});

it('a full buffer makes a send wait for room, and trySend say so', async () => {
  const log = new ScriptedLog();
  const broker = await leader(log);
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (answer = resolve));
  broker.script.produceStream = async (request: ProduceStreamRequest) => {
    await held;
    return log.append(request);
  };
  const producer = (await startClient([broker.address])).producer({ bufferBytes: 1024 * 1024 });
  const large = { partition: 0, value: new Uint8Array(700_000) };
  const first = producer.send('orders', large);
  const second = producer.send('orders', large);
  expect(producer.trySend('orders', ONE)).toBeUndefined();
  expect(producer.bufferedBytes).toBeLessThan(1024 * 1024);
  answer();
  expect([(await first).offset, (await second).offset]).toEqual([0, 1]);
  await producer.trySend('orders', ONE);
  expect(log.values).toHaveLength(3);
});

it('close sends what waits first, and refuses what comes later', async () => {
  const log = new ScriptedLog();
  const broker = await leader(log);
  const producer = (await startClient([broker.address])).producer({ lingerMs: 60_000 });
  const sent = producer.send('orders', ONE);
  await producer.close();
  expect(await sent).toMatchObject({ offset: 0 });
  expect(await rejection(producer.send('orders', ONE))).toMatchObject({
    reason: 'CLIENT_CLOSED',
    outcome: 'NOT_APPLIED',
    retryable: false,
    message: 'the producer is closed',
  });
});

it('closing the client refuses what its producer has not sent, now and later', async () => {
  const client = await startClient([(await leader(new ScriptedLog())).address]);
  const producer = client.producer({ lingerMs: 60_000 });
  const sent = rejection(producer.send('orders', ONE));
  await client.close();
  for (const error of [await sent, await rejection(producer.send('orders', ONE))]) {
    expect([error.reason, error.message]).toEqual(['CLIENT_CLOSED', 'the client is closed']);
  }
});

it('closing the client ends what is under way as UNKNOWN', async () => {
  const log = new ScriptedLog();
  const broker = await leader(log);
  broker.script.produceStream = () => never();
  const client = await startClient([broker.address]);
  const sent = rejection(client.producer().send('orders', ONE));
  await expect.poll(() => broker.count('produceStream')).toBe(1);
  await client.close();
  expect((await sent).outcome).toBe('UNKNOWN');
});

it('options out of their bounds are refused, naming the option', async () => {
  const client = await startClient(['127.0.0.1:1']);
  for (const [field, value] of Object.entries({
    batchBytes: 1,
    lingerMs: -1,
    bufferBytes: 1,
    deliveryTimeoutMs: 0,
  })) {
    expect(() => client.producer({ [field]: value })).toThrow(field);
  }
});
