import { afterEach, describe, expect, it } from 'vitest';
import { commitOffsets, fetchOffsets } from '../../src/broker/offsets.js';
import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
import { BellwetherError } from '../../src/errors.js';
import { SeededRandom } from '../raft/seeded-random.js';
import { MiniCluster } from './mini-cluster.js';
import { rejection, Watched } from './outcomes.js';

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

async function withTopic(topic = 'orders'): Promise<MiniCluster> {
  cluster = await MiniCluster.start();
  await cluster.createTopic('n1', { topic });
  await cluster.elected(topic);
  return cluster;
}

function outcomeOf(error: unknown): string {
  return error instanceof BellwetherError ? error.outcome : 'none';
}

describe('a cluster of brokers', () => {
  it('elects the preferred replica of every partition, on which all brokers agree', async () => {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n2', { topic: 'orders', partitions: 6 });
    const leaders = [];
    for (let partition = 0; partition < 6; partition++) {
      leaders.push(await cluster.elected('orders', partition));
    }
    expect(leaders).toEqual(['n1', 'n2', 'n3', 'n1', 'n2', 'n3']);
  });

  it('keeps its leaders, and writes nothing, while nothing happens (L7)', async () => {
    await withTopic();
    const terms = () =>
      cluster.members.flatMap(({ broker }) =>
        [CLUSTER_GROUP, cluster.group('orders')].map((group) => broker.table.newestTerm(group)),
      );
    const syncs = () => cluster.ids.map((id) => cluster.disk(id).syncCount);
    await cluster.run(100);
    const before = [terms(), syncs()];
    await cluster.run(30_000);
    expect([terms(), syncs()]).toEqual(before);
  });

  it('knows a topic on every live broker when its creation, or its deletion, returns', async () => {
    cluster = await MiniCluster.start();
    for (const via of cluster.ids) {
      await cluster.createTopic(via, { topic: `by-${via}`, partitions: 3 });
      for (const { broker } of cluster.members) {
        expect(broker.cluster.state.topics.get(`by-${via}`)?.partitions).toHaveLength(3);
      }
      await cluster.deleteTopic(via, `by-${via}`);
      for (const { broker } of cluster.members) expect(broker.cluster.state.topics.size).toBe(0);
    }
  });

  it('refuses to create a topic twice, and to delete one that is not there', async () => {
    await withTopic();
    expect((await rejection(cluster.createTopic('n3', { topic: 'orders' }))).reason).toBe(
      'TOPIC_ALREADY_EXISTS',
    );
    expect((await rejection(cluster.deleteTopic('n3', 'other'))).reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    const request = { topic: 'wide', replicationFactor: 4 };
    expect((await rejection(cluster.createTopic('n1', request))).reason).toBe('INVALID_REPLICATION_FACTOR');
  });

  it('acknowledges (acks all) what a quorum of disks holds, never less (I1, I2)', async () => {
    await withTopic();
    const group = cluster.group('orders');
    const random = new SeededRandom(7);
    for (let i = 0; i < 25; i++) {
      // One disk at a time is slow, be it the leader's or a follower's.
      const slow = cluster.disk(random.pick(cluster.ids) ?? 'n1');
      slow.holdSyncs = true;
      const value = `v${String(i)}`;
      const { baseOffset } = await cluster.produced('n1', 'orders', value);
      expect(baseOffset).toBe(i);
      const holders = await Promise.all(cluster.ids.map((id) => cluster.onDisk(id, group)));
      expect(holders.filter((values) => values[i] === value).length).toBeGreaterThanOrEqual(2);
      slow.holdSyncs = false;
      slow.releaseSyncs();
    }
  });

  it('acknowledges nothing while only one disk of three writes', async () => {
    await withTopic();
    for (const id of ['n2', 'n3']) cluster.disk(id).holdSyncs = true;
    const all = new Watched(cluster.produce('n1', 'orders', 'a', 'all', 60_000));
    const leader = new Watched(cluster.produce('n1', 'orders', 'b', 'leader', 60_000));
    await cluster.run(1_000);
    expect([all.now.state, leader.now.state]).toEqual(['pending', 'resolved']);
    expect(await cluster.values('n1', 'orders')).toEqual([]);
    cluster.disk('n2').holdSyncs = false;
    cluster.disk('n2').releaseSyncs();
    await cluster.until(() => all.now.state === 'resolved');
    expect(await cluster.values('n1', 'orders')).toEqual(['a', 'b']);
  });

  it('acknowledges after the fsync when it is a cluster of one (B8)', async () => {
    cluster = await MiniCluster.start(['n1']);
    await cluster.createTopic('n1', { topic: 'orders' });
    await cluster.elected('orders');
    cluster.disk('n1').holdSyncs = true;
    const done = new Watched(cluster.produce('n1', 'orders', 'a', 'all', 60_000));
    await cluster.run(500);
    expect(done.now.state).toBe('pending');
    cluster.disk('n1').holdSyncs = false;
    cluster.disk('n1').releaseSyncs();
    await cluster.until(() => done.now.state === 'resolved');
  });

  it('keeps every acknowledged record at its offset through the crash of each leader in turn', async () => {
    await withTopic();
    const acknowledged = new Map<number, string>();
    for (let round = 0; round < 6; round++) {
      const leader = await cluster.elected('orders');
      for (let i = 0; i < 4; i++) {
        const value = `${String(round)}.${String(i)}`;
        const { baseOffset } = await cluster.produced(leader, 'orders', value);
        acknowledged.set(baseOffset!, value);
      }
      // These may be lost or not: they are on their way when the machine dies.
      for (const value of ['x', 'y']) cluster.produce(leader, 'orders', value).catch(() => undefined);
      await cluster.run(round % 3 === 0 ? 0 : 0.1 * round);
      cluster.crash(leader);
      const next = await cluster.elected('orders');
      expect(next).not.toBe(leader);
      await cluster.restart(leader);
      await cluster.until(() => cluster.leaderOf('orders') !== undefined);
      const values = await cluster.values(next, 'orders');
      for (const [offset, value] of acknowledged) expect(values[offset]).toBe(value);
      // The old leader catches up and agrees, to the last record.
      await cluster.produced(next, 'orders', `end of ${String(round)}`);
      await cluster.run(50);
      expect(await cluster.values(leader, 'orders')).toEqual(await cluster.values(next, 'orders'));
    }
  });

  it('loses nothing acknowledged when every broker crashes at once', async () => {
    await withTopic();
    const values = ['a', 'b', 'c', 'd'];
    for (const value of values) await cluster.produced('n1', 'orders', value);
    for (const id of cluster.ids) cluster.crash(id);
    await Promise.all(cluster.ids.map((id) => cluster.restart(id)));
    const leader = await cluster.elected('orders');
    expect((await cluster.values(leader, 'orders')).slice(0, 4)).toEqual(values);
    expect((await cluster.produced(leader, 'orders', 'e')).baseOffset).toBe(4);
  });

  it('keeps a term to one leader, over all that happens', async () => {
    await withTopic();
    const leaders = new Map<string, string>();
    const note = (): boolean => {
      for (const { id, broker } of cluster.members) {
        const raft = broker.group(cluster.group('orders'))?.raft;
        if (raft?.role !== 'leader') continue;
        expect(leaders.get(String(raft.term)) ?? id).toBe(id);
        leaders.set(String(raft.term), id);
      }
      return false;
    };
    for (let round = 0; round < 5; round++) {
      const leader = await cluster.elected('orders');
      cluster.network.isolate(leader);
      await cluster.until(() => note() || cluster.leaderOf('orders', 0, [leader]) !== undefined);
      cluster.network.heal();
      await cluster.until(() => note() || cluster.leaderOf('orders') !== undefined);
    }
    expect(leaders.size).toBeGreaterThanOrEqual(5);
  });

  it('moves a leadership when asked, through any broker, and loses no write on the way', async () => {
    await withTopic();
    const assignment = cluster.at('n3').broker.assignment('orders', 0);
    const request = {
      failedLeader: 'n1',
      expectedTerm: undefined,
      target: 'n2',
      maxBlockMs: 500,
      dryRun: false,
    };
    const moves = cluster.ids.map((id) => cluster.at(id).broker.failover.run(assignment, request, 3_000));
    const writes = Array.from({ length: 20 }, (_, i) =>
      cluster.produce('n1', 'orders', String(i)).then(
        ({ baseOffset }) => ({ offset: baseOffset, outcome: 'APPLIED' }),
        (error: unknown) => ({ offset: undefined, outcome: outcomeOf(error) }),
      ),
    );
    const results = await cluster.answer(Promise.all(moves));
    for (const { newLeader, outcome, failoverMs } of results) {
      expect([newLeader, outcome]).toEqual(['n2', 'MOVED']);
      expect(failoverMs).toBeLessThan(50);
    }
    const values = await cluster.answer(Promise.all(writes)).then(() => cluster.values('n2', 'orders'));
    for (const [i, { offset, outcome }] of (await Promise.all(writes)).entries()) {
      if (outcome === 'APPLIED') expect(values[offset!]).toBe(String(i));
      if (outcome === 'NOT_APPLIED') expect(values).not.toContain(String(i));
    }
  });

  it('stores and returns consumer offsets through any broker, and keeps them across a failover', async () => {
    await withTopic();
    const ref = { topic: 'orders', partition: 0 };
    for (const [i, id] of cluster.ids.entries()) {
      await cluster.answer(
        commitOffsets(cluster.at(id).broker, 'billing', [{ ...ref, offset: i + 1 }], 1_000),
      );
      for (const via of cluster.ids) {
        const found = fetchOffsets(cluster.at(via).broker, 'billing', [ref], 1_000);
        expect(await cluster.answer(found)).toMatchObject([{ offset: i + 1 }]);
      }
    }
    cluster.crash('n1');
    const leader = await cluster.elected('orders');
    const found = fetchOffsets(cluster.at(leader).broker, 'billing', [ref, ref], 1_000);
    expect(await cluster.answer(found)).toMatchObject([{ offset: 3 }, { offset: 3 }]);
    const others = fetchOffsets(cluster.at(leader).broker, 'shipping', [ref], 1_000);
    expect(await cluster.answer(others)).toEqual([undefined]);
  });

  it('leaves no timer behind once its brokers have stopped', async () => {
    await withTopic();
    const poll = cluster.fetch('n1', 'orders', { waitMs: 5_000 });
    await cluster.run(10);
    cluster.close();
    await cluster.run(20_000);
    await poll;
    expect(cluster.clock.pendingTimers).toBe(0);
  });
});
