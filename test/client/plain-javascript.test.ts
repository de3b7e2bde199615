/** What plain JavaScript hands in beside the types: taken as it is meant, or refused by name, and never guessed. */
import { expect, it } from 'vitest';
import { connect } from '../../src/client/connect.js';
import type { BellwetherClient } from '../../src/client/types.js';
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

const BEFORE: readonly [field: string, call: (client: BellwetherClient) => unknown][] = [
  ['ref', (client) => client.fetch(untyped('"orders"'), 0)],
  ['ref', (client) => client.fetch(untyped('null'), 0)],
  ['topic', (client) => client.fetch(untyped('{"partition":0}'), 0)],
  ['partition', (client) => client.fetch(untyped('{"topic":"orders"}'), 0)],
  ['partition', (client) => client.fetch(untyped('{"topic":"orders","partition":"0"}'), 0)],
  ['offset', (client) => client.fetch(ORDERS, untyped('"earliest"'))],
  ['max_records', (client) => client.fetch(ORDERS, 0, untyped('{"max_records":5}'))],
  ['maxBytes', (client) => client.fetch(ORDERS, 0, { maxBytes: 0 })],
  ['maxWaitMs', (client) => client.fetch(ORDERS, 0, { maxWaitMs: -1 })],
  ['allowFollower', (client) => client.fetch(ORDERS, 0, untyped('{"allowFollower":"no"}'))],
  ['options', (client) => client.fetch(ORDERS, 0, untyped('5000'))],
  ['ref', (client) => client.partitionLeader(untyped('"orders"'))],
  ['linearisable', (client) => client.partitionLeader(ORDERS, untyped('{"linearisable":true}'))],
  ['ref', (client) => client.explainLeader(untyped('"orders"'))],
  ['ref', (client) => client.listOffsets(untyped('"orders"'), 'latest')],
  ['at', (client) => client.listOffsets(ORDERS, untyped('"first"'))],
  ['topics', (client) => client.metadata(untyped('"orders"'))],
  ['topics[0]', (client) => client.metadata(untyped('[7]'))],
  ['options', (client) => client.metadata([], untyped('5000'))],
  ['options', (client) => client.partitionFailover(untyped('"orders"'))],
  ['failedLeader', (client) => client.partitionFailover(untyped('{"topic":"orders","partition":0}'))],
  [
    'failed_leader',
    (client) => client.partitionFailover(untyped('{"topic":"o","partition":0,"failed_leader":"n1"}')),
  ],
  [
    'expectedTerm',
    (client) =>
      client.partitionFailover(untyped('{"topic":"o","partition":0,"failedLeader":"n1","expectedTerm":"3"}')),
  ],
  [
    'dryRun',
    (client) =>
      client.partitionFailover(untyped('{"topic":"o","partition":0,"failedLeader":"n1","dryRun":"no"}')),
  ],
  ['options', (client) => client.listFailovers(untyped('"orders"'))],
  ['limit', (client) => client.listFailovers(untyped('{"limit":"5"}'))],
  ['partition', (client) => client.listFailovers(untyped('{"topic":"orders","partition":"0"}'))],
  [
    'afterSequence',
    (client) => client.watchLeadership(untyped('{"afterSequence":"5"}'))[Symbol.asyncIterator]().next(),
  ],
  ['timeoutMs', (client) => client.metadata([], untyped('{"timeoutMs":"5"}'))],
  ['topic', (client) => client.watchLeadership(untyped('{"topic":"orders"}'))[Symbol.asyncIterator]().next()],
  ['group', (client) => client.commitOffsets(untyped('7'), [])],
  ['offsets', (client) => client.commitOffsets('g', untyped('{"topic":"orders","partition":0,"offset":1}'))],
  ['offset', (client) => client.commitOffsets('g', untyped('[{"topic":"orders","partition":0}]'))],
  ['claim', (client) => client.commitOffsets('g', [], untyped('{"claim":"yes"}'))],
  ['generation', (client) => client.commitOffsets('g', [], untyped('{"generation":"1"}'))],
  ['partitions', (client) => client.fetchOffsets('g', untyped('{"topic":"orders","partition":0}'))],
  ['partitions[0]', (client) => client.fetchOffsets('g', untyped('["orders"]'))],
  ['partitions[0]', (client) => client.consumer(untyped('{"partitions":["orders"]}'))],
  [
    'group',
    (client) => client.consumer(untyped('{"partitions":[{"topic":"orders","partition":0}],"group":7}')),
  ],
  ['ref', (client) => client.consumer({ partitions: [ORDERS] }).pause(untyped('["orders"]'))],
  ['partitions', (client) => client.consumer({ partitions: [ORDERS] }).pause(untyped('"sa"'))],
  ['partitions', (client) => client.consumer({ partitions: [ORDERS] }).resume(untyped('"sa"'))],
  ['offsets', (client) => client.consumer({ partitions: [ORDERS], group: 'g' }).commit(untyped('"sa"'))],
  [
    'untilEnd',
    (client) => client.consumer(untyped('{"partitions":[{"topic":"o","partition":0}],"untilEnd":"no"}')),
  ],
  [
    'fallback',
    (client) => client.consumer(untyped('{"partitions":[{"topic":"o","partition":0}],"fallback":"end"}')),
  ],
  ['records', (client) => client.producer().sendAll('orders', untyped('{"value":"v"}'))],
  ['records', (client) => client.producer().sendAllSettled('orders', untyped('"v"'))],
  ['topic', (client) => client.producer().sendAll(untyped('{"topic":"orders"}'), [])],
  ['topic', (client) => client.producer().send(untyped('{"topic":"orders"}'), { value: 'v' })],
  ['topic', (client) => client.admin.createTopic(untyped('{"topic":"orders"}'))],
  ['replication_factor', (client) => client.admin.createTopic('orders', untyped('{"replication_factor":3}'))],
  ['config', (client) => client.admin.createTopic('orders', untyped('{"config":"retention_ms"}'))],
  [
    'config.retention_ms',
    (client) => client.admin.createTopic('orders', untyped('{"config":{"retention_ms":"5"}}')),
  ],
  ['topic', (client) => client.admin.deleteTopic(untyped('null'))],
  ['topic', (client) => client.admin.describeTopic(untyped('7'))],
  ['retention_ms', (client) => client.admin.alterTopicConfig('orders', untyped('{"retention_ms":5}'))],
  [
    'set.retention_ms',
    (client) => client.admin.alterTopicConfig('orders', untyped('{"set":{"retention_ms":"5"}}')),
  ],
  ['reset', (client) => client.admin.alterTopicConfig('orders', untyped('{"reset":"retention_ms"}'))],
  ['peerAddress', (client) => client.admin.addBroker('n4', untyped('7104'))],
  ['broker', (client) => client.admin.removeBroker(untyped('4'))],
  ['broker', (client) => client.admin.replaceBroker(untyped('{"id":"n4"}'))],
  ['ref', (client) => client.admin.reassignPartition(untyped('"orders"'), ['n1'])],
  ['replicas', (client) => client.admin.reassignPartition(ORDERS, untyped('"n1"'))],
  ['ref', (client) => client.admin.cancelReassignment(untyped('null'))],
  ['ref', (client) => client.admin.transferLeadership(untyped('"orders"'))],
  ['to', (client) => client.admin.transferLeadership(ORDERS, untyped('{"to":"n2"}'))],
  ['ref', (client) => client.admin.describeReplication(untyped('"orders"'))],
  ['ref', (client) => client.admin.deleteRecords(untyped('"orders"'), 5)],
  ['beforeOffset', (client) => client.admin.deleteRecords(ORDERS, untyped('"all"'))],
  ['timeout', (client) => client.admin.listTopics(untyped('{"timeout":5}'))],
];

it.each(BEFORE)('a wrong %s is refused by its name before a broker is asked', async (field, call) => {
  const broker = await leader();
  const client = await startClient([broker.address]);
  const error = await rejection(Promise.resolve().then(() => call(client)));
  expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', field]);
  expect(broker.calls.filter((name) => name !== 'describeCluster')).toEqual([]);
});

it.each([
  ['options', 'null'],
  ['options', '"127.0.0.1:1"'],
  ['brokers', '{}'],
  ['bootstrap', '{"bootstrap":["127.0.0.1:1"]}'],
  ['timeout', '{"brokers":["127.0.0.1:1"],"timeout":5}'],
  ['onRetry', '{"brokers":["127.0.0.1:1"],"onRetry":"log"}'],
])('connect refuses %s in %s', async (field, json) => {
  const error = await rejection(connect(untyped(json)));
  expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', field]);
});

it('a null among records is refused as one record, and the others are sent', async () => {
  const client = await startClient([(await leader()).address]);
  const record = { partition: 0, value: 'v' };
  const ranges = await client.producer().sendAllSettled('orders', [record, untyped('null'), record]);
  expect(ranges.map(({ error }) => error?.reason)).toEqual([undefined, 'INVALID_REQUEST', undefined]);
});

it('sendAll looks at every record before it sends one', async () => {
  const batches: Uint8Array[] = [];
  const client = await startClient([(await leader(batches)).address]);
  const producer = client.producer();
  const wrong = untyped('[{"value":"ok"},{"value":7},{"value":"ok"}]');
  expect(await rejection(producer.sendAll('orders', wrong))).toMatchObject({
    reason: 'INVALID_REQUEST',
    metadata: { field: 'value', record: '1' },
  });
  const large = [{ value: 'ok' }, { value: 'x'.repeat(2_000_000) }];
  expect(await rejection(producer.sendAll('orders', large))).toMatchObject({
    reason: 'RECORD_BATCH_TOO_LARGE',
    metadata: { record: '1' },
  });
  await producer.close();
  expect(batches).toEqual([]);
});

it('a value whose name is misspelt is no tombstone', async () => {
  const client = await startClient([(await leader()).address]);
  const misspelt = untyped('[{"val":"typo"}]');
  expect(await rejection(client.produce(ORDERS, misspelt))).toMatchObject({ metadata: { field: 'val' } });
  expect(await rejection(client.producer().sendAll('orders', misspelt))).toMatchObject({
    metadata: { field: 'val' },
  });
});

it('text is shown with its quotes', async () => {
  const client = await startClient([(await leader()).address]);
  const error = await rejection(client.metadata([], untyped('{"timeoutMs":"5"}')));
  expect(error.message).toBe("timeoutMs must be a whole number from 1 to 3600000, got '5'");
});

it('how many partitions and replicas a topic gets is a number', async () => {
  const client = await startClient([(await leader()).address]);
  for (const options of [untyped('{"partitions":"3"}'), untyped('{"partitions":true}')]) {
    expect(await rejection(client.admin.createTopic('t', options))).toMatchObject({
      reason: 'INVALID_REQUEST',
      metadata: { field: 'partitions' },
    });
  }
});
