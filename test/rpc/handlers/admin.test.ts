import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BAD_TOPICS, BROKERS, failure, refusedField, Wire } from './wire.js';

let wire: Wire;

beforeAll(async () => {
  wire = await Wire.start('orders');
});

afterAll(async () => wire.close());

describe('CreateTopic', () => {
  it.each(BAD_TOPICS)('refuses the topic %j', async (topic) => {
    expect(await refusedField(wire.at('n2').createTopic({ topic }))).toBe('topic');
  });

  it.each([
    ['partitions', { partitions: -1 }],
    ['partitions', { partitions: 10_001 }],
    ['replication_factor', { replicationFactor: -1 }],
    ['replication_factor', { replicationFactor: 8 }],
  ])('refuses %s out of its bounds', async (field, request) => {
    expect(await refusedField(wire.at('n2').createTopic({ topic: 'never', ...request }))).toBe(field);
  });

  it('refuses more replicas than brokers, and a name that is taken', async () => {
    const wide = await failure(wire.at('n2').createTopic({ topic: 'wide', replicationFactor: 4 }));
    expect(wide.reason).toBe('INVALID_REPLICATION_FACTOR');
    const taken = await failure(wire.at('n3').createTopic({ topic: 'orders' }));
    expect([taken.reason, taken.metadata]).toEqual(['TOPIC_ALREADY_EXISTS', { topic: 'orders' }]);
  });

  it('answers with the leaders of all partitions', async () => {
    const { topic } = await wire.at('n3').createTopic({ topic: 'led', partitions: 20 });
    const brokers: readonly string[] = BROKERS;
    expect(topic?.partitions.filter(({ leader }) => brokers.includes(leader)).length).toBe(20);
    await wire.at('n3').deleteTopic({ topic: 'led' });
  });

  it('creates through any broker what every broker then knows', async () => {
    for (const via of BROKERS) {
      const request = { topic: `via-${via}`, partitions: 3, replicationFactor: 2 };
      const { topic } = await wire.at(via).createTopic(request);
      expect(topic?.partitions.map(({ partition, replicas }) => [partition, replicas.length])).toEqual([
        [0, 2],
        [1, 2],
        [2, 2],
      ]);
      for (const other of BROKERS) {
        const described = await wire.at(other).describeTopic({ topic: `via-${via}` });
        expect(described.topic?.partitions.map(({ replicas }) => replicas)).toEqual(
          topic?.partitions.map(({ replicas }) => replicas),
        );
      }
      await wire.at(via).deleteTopic({ topic: `via-${via}` });
    }
  });
});

describe('DeleteTopic and DescribeTopic', () => {
  it.each(BAD_TOPICS)('refuse the topic %j', async (topic) => {
    expect(await refusedField(wire.at('n2').deleteTopic({ topic }))).toBe('topic');
    expect(await refusedField(wire.at('n2').describeTopic({ topic }))).toBe('topic');
  });

  it('know no topic that was never created, nor one that was deleted', async () => {
    await wire.at('n1').createTopic({ topic: 'brief' });
    await wire.at('n2').deleteTopic({ topic: 'brief' });
    for (const via of BROKERS) {
      for (const topic of ['brief', 'never']) {
        const errors = [wire.at(via).deleteTopic({ topic }), wire.at(via).describeTopic({ topic })].map(
          failure,
        );
        for (const { reason } of await Promise.all(errors)) expect(reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
      }
    }
  });
});

describe('ListTopics', () => {
  it.each([-1, 10_001])('refuses a page of %i', async (pageSize) => {
    expect(await refusedField(wire.at('n1').listTopics({ pageSize }))).toBe('page_size');
  });

  it('lists all topics by name, page by page, whichever broker answers a page', async () => {
    const names = ['b', 'a', 'C', 'a.1', 'z'].map((suffix) => `page-${suffix}`);
    for (const topic of names) await wire.at('n1').createTopic({ topic, partitions: 2 });
    const all = ['orders', ...names].sort();
    for (const pageSize of [1, 2, 6, 7]) {
      const found: string[] = [];
      let pageToken = '';
      let pages = 0;
      do {
        const page = await wire.at(BROKERS[pages % 3]!).listTopics({ pageSize, pageToken });
        found.push(...page.topics.map(({ topic }) => topic));
        pageToken = page.nextPageToken;
        pages += 1;
      } while (pageToken !== '');
      expect(found).toEqual(all);
      expect(pages).toBe(Math.ceil(all.length / pageSize));
    }
    const { topics } = await wire.at('n2').listTopics({ pageToken: 'page-a.1', pageSize: 1 });
    expect(topics).toEqual([{ topic: 'page-b', partitionCount: 2, replicationFactor: 3 }]);
  });
});

describe('DescribeCluster', () => {
  it('says the same on every broker: one cluster, all brokers alive, who holds how much', async () => {
    const answers = await Promise.all(BROKERS.map((id) => wire.at(id).describeCluster()));
    for (const { clusterId, controller, controllerTerm, brokers } of answers) {
      expect([clusterId, controller, controllerTerm]).toEqual([
        answers[0]?.clusterId,
        answers[0]?.controller,
        answers[0]?.controllerTerm,
      ]);
      expect(brokers).toEqual(
        BROKERS.map((id) => ({ id, address: wire.at(id).address, rack: '', alive: true })),
      );
    }
    expect(answers[0]?.clusterId).toMatch(/^[0-9a-f-]{36}$/);
    const { topics } = await wire.at('n1').listTopics({});
    const partitions = topics.reduce((sum, { partitionCount }) => sum + partitionCount, 0);
    for (const { topic } of topics) {
      const described = await wire.at('n1').describeTopic({ topic });
      for (const { partition } of described.topic?.partitions ?? []) {
        await wire.at('n1').partitionLeader({ topic, partition });
      }
    }
    const described = await wire.at('n1').describeCluster();
    const { loads } = described;
    expect(described).toMatchObject({
      ...{ notPreferredCount: 0, leaderImbalancePercent: 0 },
      ...{ leaderBalanceOn: true, leaderBalanceCoolDownMs: 60_000 },
    });
    for (const { leaderCount, preferredLeaderCount, leaderImbalancePercent } of loads) {
      expect([leaderCount, leaderImbalancePercent]).toEqual([preferredLeaderCount, 0]);
    }
    expect(loads.map(({ replicaCount }) => replicaCount)).toEqual(BROKERS.map(() => partitions));
    expect(loads.reduce((sum, { leaderCount }) => sum + leaderCount, 0)).toBe(partitions);
  });
});
