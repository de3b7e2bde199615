/** What the public methods send and give back, with real gRPC between client and broker. */
import { describe, expect, it } from 'vitest';
import { TopicConfigSource } from '../../gen/bellwether/v1/admin_service.js';
import { Acks, FetchFormat } from '../../gen/bellwether/v1/log_service.js';
import type { FetchRequest, ProduceRequest } from '../../gen/bellwether/v1/log_service.js';
import { FailoverOutcome } from '../../gen/bellwether/v1/partition_service.js';
import type { PartitionFailoverRequest } from '../../gen/bellwether/v1/partition_service.js';
import { connect } from '../../src/client/connect.js';
import { decodeRecordBatch } from '../../src/records/batch-decode.js';
import { never } from './fake-broker.js';
import { batchesOf, fail, FETCHED, leaderAt, ORDERS, PRODUCED } from './harness.js';
import { rejection, startBroker, startClient } from './harness.js';

const RETENTION = { name: 'retention_ms', value: '5', source: TopicConfigSource.TOPIC, unit: 'ms' };

const bytes = (text: string) => new TextEncoder().encode(text);

describe('connect', () => {
  it.each([[[]], [['localhost']], [['localhost:0']], [['localhost:65536']], [['a b:1']], [['']]])(
    'refuses %j and names the field',
    async (brokers) => {
      const error = await rejection(connect({ brokers }));
      expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', 'brokers']);
    },
  );

  it.each([0, -1, 1.5, Number.NaN, 3_600_001])('refuses a timeout of %d ms', async (timeoutMs) => {
    const error = await rejection(connect({ brokers: ['a:1'], timeoutMs }));
    expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', 'timeoutMs']);
  });
});

describe('produce', () => {
  it('sends one record batch with keys, null values, headers and times', async () => {
    const requests: ProduceRequest[] = [];
    const broker = await startBroker({
      produce: (request) => {
        requests.push(request);
        return { ...PRODUCED, recordCount: 2 };
      },
    });
    broker.script.partitionLeader = () => leaderAt(broker.address, 1);
    const client = await startClient([broker.address]);

    const records = [
      { key: bytes('k'), value: bytes('v'), headers: [{ key: 'h', value: undefined }], timestampMs: 1_000 },
      { value: undefined, timestampMs: 2_000 },
    ];
    expect((await client.produce(ORDERS, records, { acks: 1 })).recordCount).toBe(2);
    const [request] = requests;
    expect(request).toMatchObject({ topic: 'orders', partition: 0, acks: Acks.LEADER, records: [] });
    const batch = decodeRecordBatch(request?.recordBatch ?? new Uint8Array());
    expect(batch.map(({ timestampMs }) => timestampMs)).toEqual([1_000, 2_000]);
    expect(batch[0]?.headers).toEqual([{ key: 'h', value: undefined }]);
    expect(batch[1]?.key).toBeUndefined();
    expect(batch[1]?.value).toBeUndefined();
  });

  it.each([
    ['no records', []],
    ['a fractional timestamp', [{ value: bytes('v'), timestampMs: 0.5 }]],
    ['a negative timestamp', [{ value: bytes('v'), timestampMs: -2 }]],
  ])('refuses %s without asking a broker', async (_, records) => {
    const broker = await startBroker();
    const client = await startClient([broker.address]);
    const error = await rejection(client.produce(ORDERS, records));
    expect([error.reason, error.outcome]).toEqual(['INVALID_REQUEST', 'NOT_APPLIED']);
    expect(broker.count('produce')).toBe(0);
  });

  it('a partition beyond int32 is INVALID_REQUEST, not a crash', async () => {
    const broker = await startBroker();
    const client = await startClient([broker.address]);
    const error = await rejection(client.partitionLeader({ topic: 'orders', partition: 2 ** 40 }));
    expect([error.reason, error.outcome]).toEqual(['INVALID_REQUEST', 'NOT_APPLIED']);
  });
});

describe('fetch', () => {
  it('asks for record batches and decodes them, null and empty kept apart', async () => {
    const requests: FetchRequest[] = [];
    const record = { offset: 5, key: undefined, value: bytes(''), headers: [], timestampMs: 9 };
    const broker = await startBroker({
      fetch: (request) => {
        requests.push(request);
        return { ...FETCHED, recordBatches: batchesOf([record]), highWatermark: 6, nextOffset: 6 };
      },
    });
    broker.script.partitionLeader = () => leaderAt(broker.address, 1);
    const client = await startClient([broker.address]);

    const result = await client.fetch(ORDERS, 5, { maxRecords: 3 });
    expect(requests[0]).toMatchObject({
      offset: 5,
      maxRecords: 3,
      format: FetchFormat.RECORD_BATCHES,
      maxWaitMs: 0,
    });
    expect(result).toMatchObject({ highWatermark: 6, logStartOffset: 0, nextOffset: 6 });
    expect(result.records[0]?.key).toBeUndefined();
    expect(result.records[0]?.value).toHaveLength(0);
  });

  it('ends a long poll before its own deadline', async () => {
    const waits: number[] = [];
    const broker = await startBroker({
      fetch: ({ maxWaitMs }) => {
        waits.push(maxWaitMs);
        return FETCHED;
      },
    });
    broker.script.partitionLeader = () => leaderAt(broker.address, 1);
    const client = await startClient([broker.address]);

    await client.fetch(ORDERS, 0, { maxWaitMs: 30_000, timeoutMs: 1000 });
    expect(waits[0]).toBeGreaterThan(0);
    expect(waits[0]).toBeLessThanOrEqual(750);
  });

  it('with allowFollower asks any broker and needs no leader', async () => {
    const broker = await startBroker({ fetch: () => FETCHED });
    const client = await startClient([broker.address]);
    await client.fetch(ORDERS, 0, { allowFollower: true });
    expect(broker.count('partitionLeader')).toBe(0);
  });
});

describe('partitionFailover', () => {
  it('is not asked of the failed leader, and the new leader is remembered', async () => {
    const requests: PartitionFailoverRequest[] = [];
    const timeline = { electMs: 1.5, commitMs: 1.25, blockedMs: 3.5 };
    const failed = await startBroker({ partitionFailover: () => never(), describeCluster: () => cluster() });
    const other = await startBroker({
      partitionFailover: (request) => {
        requests.push(request);
        return { newLeader: 'n2', newTerm: 4, failoverMs: 3, outcome: FailoverOutcome.MOVED, timeline };
      },
      fetch: () => FETCHED,
      describeCluster: () => cluster(),
    });
    const cluster = () => ({
      clusterId: 'c',
      controller: 'n1',
      controllerTerm: 2,
      brokers: [
        { id: 'n1', address: failed.address, rack: '', alive: false },
        { id: 'n2', address: other.address, rack: '', alive: true },
      ],
      loads: [
        {
          ...{ broker: 'n1', leaderCount: 1, replicaCount: 1 },
          ...{ preferredLeaderCount: 1, leaderImbalancePercent: 100 },
        },
      ],
      notPreferredCount: 1,
      leaderImbalancePercent: 50,
      leaderBalanceOn: true,
      leaderBalanceCoolDownMs: 60_000,
    });
    const client = await startClient([failed.address]);

    expect((await client.admin.describeCluster()).brokers.map(({ leaderCount }) => leaderCount)).toEqual([
      1, 0,
    ]);
    const result = await client.partitionFailover({ ...ORDERS, failedLeader: 'n1', expectedTerm: 3 });
    expect(result).toEqual({
      newLeader: 'n2',
      newTerm: 4,
      failoverMs: 3,
      outcome: 'MOVED',
      timeline: { ...timeline, totalMs: 2.75 },
    });
    expect(requests[0]).toMatchObject({ failedLeader: 'n1', expectedTerm: 3, dryRun: false });
    expect(requests[0]?.target).toBeUndefined();
    await client.fetch(ORDERS, 0);
    expect(other.count('partitionLeader')).toBe(0);
  });

  it('a dry run says who would lead, and nobody is taken for the leader because of it', async () => {
    const other = await startBroker({ fetch: () => FETCHED });
    const broker = await startBroker({
      partitionFailover: ({ dryRun }) =>
        dryRun
          ? {
              newLeader: 'n2',
              newTerm: 4,
              failoverMs: 0,
              outcome: FailoverOutcome.WOULD_MOVE,
              timeline: undefined,
            }
          : fail('INTERNAL'),
      fetch: () => FETCHED,
    });
    broker.script.partitionLeader = () => leaderAt(broker.address, 4);
    broker.script.describeCluster = () => ({
      clusterId: 'c',
      controller: 'n1',
      controllerTerm: 2,
      brokers: [{ id: 'n2', address: other.address, rack: '', alive: true }],
      loads: [],
      ...{ notPreferredCount: 0, leaderImbalancePercent: 0 },
      ...{ leaderBalanceOn: true, leaderBalanceCoolDownMs: 60_000 },
    });
    const client = await startClient([broker.address]);
    await client.admin.describeCluster();

    const result = await client.partitionFailover({ ...ORDERS, failedLeader: 'n1', dryRun: true });
    expect(result).toMatchObject({ newLeader: 'n2', newTerm: 4, outcome: 'WOULD_MOVE' });
    await client.fetch(ORDERS, 0);
    expect([broker.count('fetch'), other.count('fetch')]).toEqual([1, 0]);
  });
});

describe('admin and offsets', () => {
  it('lists topics over all pages', async () => {
    const summary = (topic: string) => ({ topic, partitionCount: 1, replicationFactor: 1 });
    const broker = await startBroker({
      listTopics: ({ pageToken }) =>
        pageToken === ''
          ? { topics: [summary('a')], nextPageToken: 'more' }
          : { topics: [summary('b')], nextPageToken: '' },
    });
    const client = await startClient([broker.address]);
    expect((await client.admin.listTopics()).map(({ topic }) => topic)).toEqual(['a', 'b']);
  });

  it('creates, describes and deletes a topic', async () => {
    const topic = { topic: 'orders', partitions: [] };
    const broker = await startBroker({
      createTopic: ({ partitions }) => ({ topic: partitions === 4 ? topic : undefined }),
      describeTopic: () => ({ topic, config: [RETENTION] }),
      deleteTopic: () => ({}),
    });
    const client = await startClient([broker.address]);
    expect(await client.admin.createTopic('orders', { partitions: 4 })).toEqual(topic);
    expect(await client.admin.describeTopic('orders')).toEqual({
      ...topic,
      config: [{ name: 'retention_ms', value: 5, source: 'TOPIC', unit: 'ms' }],
    });
    await client.admin.deleteTopic('orders');
  });

  it('commits offsets and reads them back', async () => {
    const committed = [{ topic: 'orders', partition: 0, offset: 12, generation: 3, committedAtMs: 7 }];
    const broker = await startBroker({
      commitOffsets: ({ offsets }) => (offsets[0]?.offset === 12 ? {} : never()),
      fetchOffsets: ({ group }) => ({ offsets: group === 'g' ? committed : [] }),
    });
    const client = await startClient([broker.address]);
    await client.commitOffsets('g', committed);
    expect(await client.fetchOffsets('g', [ORDERS])).toEqual(committed);
  });
});
