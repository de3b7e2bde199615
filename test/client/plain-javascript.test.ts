/** What plain JavaScript hands in beside the types: taken as it is meant, or refused by name, and never guessed. */
import { expect, it } from 'vitest';
import type { FakeBroker } from './fake-broker.js';
import { leaderAt, ORDERS, PRODUCED, rejection, startBroker, startClient } from './harness.js';
import { decodeRecordBatch } from '../../src/records/batch-decode.js';

/** A leader that keeps the batches it gets, by either way. */
async function leader(batches: Uint8Array[] = []): Promise<FakeBroker> {
  const broker = await startBroker({
    initProducer: () => ({ producerId: 7, producerEpoch: 0 }),
    produce: ({ recordBatch }) => {
      batches.push(recordBatch ?? new Uint8Array());
      return PRODUCED;
    },
    produceStream: ({ requestId, recordBatch }) => {
      batches.push(recordBatch);
      return { requestId, baseOffset: 0, term: 1, recordCount: 1, error: undefined, duplicate: false };
    },
  });
  broker.script.partitionLeader = () => leaderAt(broker.address, 1);
  return broker;
}

/** What JSON.parse gives: the compiler does not know what is in it, as in plain JavaScript. */
const untyped = (json: string) => JSON.parse(json) as never;
const bytes = (text: string) => Buffer.from(text);

it('text is UTF-8 and null is a tombstone, for produce and producer alike', async () => {
  const batches: Uint8Array[] = [];
  const client = await startClient([(await leader(batches)).address]);
  const headers = [{ key: 'h', value: 'ö' }, { key: 'n', value: null }, { key: 'u' }];
  const record = { key: 'kk', value: 'str', headers };
  const tombstone = { key: null, value: null };
  const producer = client.producer();
  for (const each of [record, tombstone]) {
    await client.produce(ORDERS, [each]);
    await producer.send('orders', { ...each, partition: 0 });
  }
  const read = batches.flatMap((batch) =>
    decodeRecordBatch(batch).map(({ offset, timestampMs, ...it }) => it),
  );
  const first = {
    key: bytes('kk'),
    value: bytes('str'),
    headers: [
      { key: 'h', value: bytes('ö') },
      { key: 'n', value: undefined },
      { key: 'u', value: undefined },
    ],
  };
  const second = { key: undefined, value: undefined, headers: [] };
  expect(read).toEqual([first, first, second, second]);
});

it.each([
  ['record', '"text"'],
  ['record', 'null'],
  ['key', '{"key":7,"value":"v"}'],
  ['value', '{"value":7}'],
  ['value', '{"value":{"a":1}}'],
  ['value', '{"value":[1,2]}'],
  ['headers', '{"value":"v","headers":{"h":"x"}}'],
  ['headers[0]', '{"value":"v","headers":["h"]}'],
  ['headers[0].key', '{"value":"v","headers":[{"value":"x"}]}'],
  ['headers[1].value', '{"value":"v","headers":[{"key":"h"},{"key":"i","value":1}]}'],
])('refuses by the name %s the record %s, and sends nothing', async (field, json) => {
  const broker = await leader();
  const client = await startClient([broker.address]);
  const sends = [client.produce(ORDERS, [untyped(json)]), client.producer().send('orders', untyped(json))];
  for (const error of await Promise.all(sends.map(rejection))) {
    expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', field]);
  }
  expect(broker.count('produce') + broker.count('produceStream')).toBe(0);
});

it.each([
  ['acks', '{"acks":"quorum"}'],
  ['acks', '{"acks":"1"}'],
  ['compression', '{"compression":"snappy"}'],
  ['linger', '{"linger":5}'],
  ['options', '"all"'],
])('a producer refuses %s in %s, and names what there is', async (field, json) => {
  const client = await startClient([(await leader()).address]);
  const error = await rejection(Promise.resolve().then(() => client.producer(untyped(json))));
  expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', field]);
  expect(error.message).toMatch(/all|gzip|lingerMs|object/);
});

it.each([
  ['acks', '{"acks":"quorum"}'],
  ['timeout', '{"timeout":5}'],
])('produce refuses %s in %s before anything is sent', async (field, json) => {
  const broker = await leader();
  const client = await startClient([broker.address]);
  const error = await rejection(client.produce(ORDERS, [{ value: 'v' }], untyped(json)));
  expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', field]);
  expect(broker.count('produce')).toBe(0);
});

it.each([
  ['from', '{"partitions":[{"topic":"orders","partition":0,"from":"begin"}]}'],
  ['from', '{"partitions":[{"topic":"orders","partition":0,"from":"3"}]}'],
  ['from', '{"partitions":[{"topic":"orders","partition":0,"from":-1}]}'],
  ['from.timestampMs', '{"partitions":[{"topic":"orders","partition":0,"from":{"timestamp":5}}]}'],
  ['partitions', '{"group":"g"}'],
  ['topics', '{"topics":["orders"]}'],
])('a consumer refuses %s in %s', async (field, json) => {
  const client = await startClient([(await leader()).address]);
  const error = await rejection(Promise.resolve().then(() => client.consumer(untyped(json))));
  expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', field]);
});

it('brokers and the partition to produce to are refused as text', async () => {
  const client = await startClient([(await leader()).address]);
  const errors = [startClient(untyped('"a:1"')), client.produce(untyped('"orders"'), [{ value: 'v' }])];
  const [brokers, ref] = await Promise.all(errors.map(rejection));
  expect([brokers?.reason, brokers?.metadata['field']]).toEqual(['INVALID_REQUEST', 'brokers']);
  expect([ref?.reason, ref?.metadata['field']]).toEqual(['INVALID_REQUEST', 'ref']);
});
