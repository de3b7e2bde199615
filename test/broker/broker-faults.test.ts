import { afterEach, describe, expect, it } from 'vitest';
import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
import { commitOffsets, fetchOffsets } from '../../src/broker/offsets.js';
import { LIMITS } from '../../src/broker/limits.js';
import { DEFAULT_RAFT_TUNING } from '../../src/raft/config.js';
import { asGroupId, asTerm, type BrokerId } from '../../src/raft/types.js';
import { append, entry, voteRequest } from '../raft/make.js';
import { MiniCluster } from './mini-cluster.js';
import { rejection, Watched } from './outcomes.js';

/** A silence is noticed, and a leader without a quorum steps down, within this. */
const STEP_DOWN_MS =
  LIMITS.heartbeatTimeoutMsMax + 2 * LIMITS.heartbeatIntervalMs + DEFAULT_RAFT_TUNING.checkQuorumMs;

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

async function withTopic(): Promise<MiniCluster> {
  cluster = await MiniCluster.start();
  await cluster.createTopic('n1', { topic: 'orders' });
  expect(await cluster.elected('orders')).toBe('n1');
  await cluster.produced('n1', 'orders', 'first');
  return cluster;
}

function role(id: BrokerId): string | undefined {
  return cluster.at(id).broker.group(cluster.group('orders'))?.raft.role;
}

describe('a cut network', () => {
  it('elects a new leader within milliseconds of the loss of the connections', async () => {
    await withTopic();
    const startMs = cluster.clock.monotonicMs();
    cluster.network.isolate('n1');
    await cluster.elected('orders', 0, ['n1']);
    expect(cluster.clock.monotonicMs() - startMs).toBeLessThan(40);
  });

  it('elects a new leader after the timeout when the wires go silent', async () => {
    await withTopic();
    const startMs = cluster.clock.monotonicMs();
    for (const peer of ['n2', 'n3']) {
      cluster.network.silence('n1', peer);
      cluster.network.silence(peer, 'n1');
    }
    await cluster.elected('orders', 0, ['n1']);
    const tookMs = cluster.clock.monotonicMs() - startMs;
    expect(tookMs).toBeGreaterThan(LIMITS.heartbeatTimeoutMsMin - LIMITS.heartbeatIntervalMs);
    expect(tookMs).toBeLessThan(LIMITS.heartbeatTimeoutMsMax + 100);
  });

  it.each(['what the leader sends', 'what the leader is sent'])(
    'counts as cut when only %s is lost',
    async (lost) => {
      await withTopic();
      for (const peer of ['n2', 'n3']) {
        if (lost === 'what the leader sends') cluster.network.silence('n1', peer);
        else cluster.network.silence(peer, 'n1');
      }
      const leader = await cluster.elected('orders', 0, ['n1']);
      await cluster.run(STEP_DOWN_MS);
      expect(role('n1')).not.toBe('leader');
      await cluster.produced(leader, 'orders', 'second');
    },
  );

  it('replaces a leader that can dial nobody, although everybody reaches it', async () => {
    await withTopic();
    for (const peer of ['n2', 'n3']) cluster.network.refuseDials('n1', peer);
    await cluster.until(() => ['n2', 'n3'].some((id) => role(id) === 'leader'), 5_000);
    const leader = await cluster.elected('orders', 0, ['n1']);
    await cluster.produced(leader, 'orders', 'second');
  });

  it('makes a minority refuse writes, with the truth about each, and step down', async () => {
    await withTopic();
    const { broker } = cluster.at('n1');
    cluster.network.isolate('n1');
    const refused = await rejection(cluster.produce('n1', 'orders', 'refused'));
    expect([refused.reason, refused.outcome]).toEqual(['NOT_ENOUGH_REPLICAS', 'NOT_APPLIED']);
    await cluster.run(DEFAULT_RAFT_TUNING.checkQuorumMs);
    expect(role('n1')).not.toBe('leader');
    const late = await rejection(cluster.produce('n1', 'orders', 'refused'));
    expect([late.reason, late.outcome]).toEqual(['NO_LEADER', 'NOT_APPLIED']);
    expect(broker.table.leaderOf(cluster.group('orders'))).toBeUndefined();
    expect(await cluster.values('n1', 'orders')).toEqual(['first']);
  });

  it('says of a write that it was not applied once another took its place', async () => {
    await withTopic();
    for (const peer of ['n2', 'n3']) cluster.network.silence('n1', peer);
    const lost = new Watched(cluster.produce('n1', 'orders', 'lost', 'all', 20_000));
    const leader = await cluster.elected('orders', 0, ['n1']);
    await cluster.produced(leader, 'orders', 'second');
    expect(lost.now.state).toBe('pending');
    cluster.network.heal();
    await cluster.until(() => lost.now.state !== 'pending');
    expect(lost.now).toEqual({ state: 'rejected', reason: 'NOT_LEADER' });
    await cluster.run(100);
    for (const id of cluster.ids) expect(await cluster.values(id, 'orders')).toEqual(['first', 'second']);
  });

  it('says that it does not know when the leadership went and nothing came in its place', async () => {
    await withTopic();
    for (const peer of ['n2', 'n3']) cluster.network.silence('n1', peer);
    const error = await rejection(cluster.answer(cluster.produce('n1', 'orders', 'maybe', 'all', 2_000)));
    expect([error.reason, error.outcome]).toEqual(['LEADERSHIP_LOST', 'UNKNOWN']);
  });

  it('survives a partial partition: two brokers that do not hear each other, one that hears both', async () => {
    await withTopic();
    for (const [from, to] of [
      ['n1', 'n2'],
      ['n2', 'n1'],
    ] as const) {
      cluster.network.silence(from, to);
    }
    await cluster.run(3_000);
    const leader = ['n1', 'n2', 'n3'].find((id) => role(id) === 'leader') ?? '';
    const term = cluster.at(leader).broker.table.newestTerm(cluster.group('orders'));
    for (let i = 0; i < 5; i++) {
      await cluster.produced(leader, 'orders', String(i));
      await cluster.run(500);
    }
    expect(cluster.at(leader).broker.table.newestTerm(cluster.group('orders'))).toBe(term);
    cluster.network.heal();
    await cluster.run(500);
    for (const id of cluster.ids) expect(await cluster.values(id, 'orders')).toHaveLength(6);
  });
});

describe('offsets of several partitions', () => {
  const ref = (partition: number, offset: number) => ({ topic: 'split', partition, offset });

  /** Partition 0 is led by n1; partition 1 was on n2 alone, which is gone. */
  async function halfGone(): Promise<void> {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n1', { topic: 'split', partitions: 2, replicationFactor: 1 });
    for (const partition of [0, 1]) await cluster.elected('split', partition);
    cluster.crash('n2');
  }

  it.each([
    ['UNKNOWN', 'some may have been stored', [ref(0, 5), ref(1, 5)]],
    ['NOT_APPLIED', 'none was', [ref(1, 5)]],
  ])('fail with outcome %s when %s', async (outcome, _when, offsets) => {
    await halfGone();
    const { broker } = cluster.at('n1');
    const error = await rejection(cluster.answer(commitOffsets(broker, 'billing', offsets, 800)));
    expect(error.outcome).toBe(outcome);
    expect(error.message).toContain('split/1');
    const found = await cluster.answer(fetchOffsets(broker, 'billing', [ref(0, 0)], 500));
    expect(found.map((stored) => stored?.offset)).toEqual([outcome === 'UNKNOWN' ? 5 : undefined]);
  });
});

describe('a disk', () => {
  it('that fails an fsync ends the broker at once, and another leads (B10)', async () => {
    await withTopic();
    cluster.disk('n1').failNextSync('EIO');
    const write = new Watched(cluster.produce('n1', 'orders', 'unsure'));
    const leader = await cluster.elected('orders', 0, ['n1']);
    expect(cluster.at('n1').fatal.map(({ reason }) => reason)).toEqual(['STORAGE_FAILED']);
    const refused = await rejection(cluster.produce('n1', 'orders', 'refused'));
    expect([refused.reason, refused.outcome]).toEqual(['STORAGE_FAILED', 'UNKNOWN']);
    await cluster.until(() => write.now.state !== 'pending');
    await cluster.produced(leader, 'orders', 'second');
    // The disk writes again, but the broker does not: it never takes part before a restart.
    await cluster.run(1_000);
    expect(['n2', 'n3'].map((id) => cluster.at(id).broker.isAlive('n1'))).toEqual([false, false]);
    await cluster.restart('n1');
    await cluster.until(() => cluster.leaderOf('orders') !== undefined);
    await cluster.run(100);
    const values = await cluster.values(leader, 'orders');
    expect([values[0], values.at(-1)]).toEqual(['first', 'second']);
    expect(await cluster.values('n1', 'orders')).toEqual(values);
  });

  it('that was replaced by an empty one is no old voter: the broker is refused (B12)', async () => {
    await withTopic();
    cluster.crash('n3');
    cluster.replaceDisk('n3');
    const { fatal, broker, registered } = await cluster.restart('n3');
    await cluster.until(() => fatal.length > 0);
    expect(await cluster.answer(registered, 20_000)).toBe(false);
    expect(fatal.map(({ reason }) => reason)).toEqual(['CLUSTER_MISMATCH']);
    expect(cluster.at('n1').broker.isAlive('n3')).toBe(false);
    expect((await rejection(Promise.resolve().then(() => broker.checkServing()))).reason).toBe(
      'SHUTTING_DOWN',
    );
    await cluster.produced('n1', 'orders', 'second');
  });
});

describe('creation and deletion', () => {
  it('leave nothing of a deleted topic on disk, nor after a restart', async () => {
    await withTopic();
    const group = cluster.group('orders');
    cluster.crash('n3');
    await cluster.deleteTopic('n2', 'orders');
    for (const id of ['n1', 'n2']) {
      expect(cluster.at(id).broker.group(group)).toBeUndefined();
      expect(cluster.at(id).broker.table.leaderOf(group)).toBeUndefined();
    }
    await cluster.run(100);
    expect(await cluster.onDisk('n1', group)).toEqual([]);
    // n3 was away, and n2 comes back from its disk.
    for (const id of ['n2', 'n3']) await cluster.restart(id);
    await cluster.until(() => cluster.members.every(({ broker }) => broker.cluster.state.nextGroup > 1));
    await cluster.run(500);
    for (const { id, broker } of cluster.members) {
      expect([id, broker.cluster.state.topics.size, broker.group(group)]).toEqual([id, 0, undefined]);
      expect(await cluster.onDisk(id, group)).toEqual([]);
    }
  });

  it('never use a group number twice', async () => {
    await withTopic();
    const first = cluster.group('orders');
    await cluster.deleteTopic('n1', 'orders');
    await cluster.createTopic('n1', { topic: 'orders' });
    expect(cluster.group('orders')).toBeGreaterThan(first);
    const leader = await cluster.elected('orders');
    expect((await cluster.produced(leader, 'orders', 'anew')).baseOffset).toBe(0);
  });

  it('let a broker that was away find what was created meanwhile', async () => {
    await withTopic();
    cluster.network.isolate('n3');
    await cluster.createTopic('n1', { topic: 'later', partitions: 3 });
    await cluster.elected('later', 0, ['n3']);
    cluster.network.heal();
    await cluster.until(() => [0, 1, 2].every((p) => cluster.leaderOf('later', p) !== undefined));
    await cluster.until(() => cluster.at('n3').broker.isAlive('n1'));
  });

  it('take no message for a deleted group, nor an announcement of who led it', async () => {
    await withTopic();
    const group = cluster.group('orders');
    await cluster.deleteTopic('n1', 'orders');
    const { broker, handler } = cluster.at('n1');
    const counted = broker.table.countLedBy('n2');
    const late = { group, term: asTerm(9), leader: 'n2', inSyncReplicas: ['n2'], leaderSinceMs: 0 };
    const message = append({ from: 'n2', to: 'n1', term: 9, entries: [entry(1, 9)] });
    handler.appendsReceived('n2', [{ group, message }], [late]);
    expect(broker.table.countLedBy('n2')).toBe(counted);
    expect(broker.parking.take(group)).toEqual([]);
  });

  it('do not hold up the votes of other groups', async () => {
    await withTopic();
    const deleted = cluster.group('orders');
    await cluster.deleteTopic('n1', 'orders');
    const { handler } = cluster.at('n1');
    const message = voteRequest({ from: 'n2', to: 'n1', term: 9, preVote: true, last: [9, 9] });
    const answers = new Watched(
      handler.votesRequested('n2', [
        { group: deleted, message },
        { group: CLUSTER_GROUP, message },
      ]),
    );
    await cluster.run(20);
    const groups = answers.now.state === 'resolved' && answers.now.value.map(({ group }) => group);
    expect(groups).toEqual([CLUSTER_GROUP]);
  });

  it('do not hold up the votes of other groups while they are still to come: group 0 creates them', async () => {
    await withTopic();
    const { broker, handler } = cluster.at('n1');
    const coming = asGroupId(broker.cluster.state.nextGroup);
    const message = voteRequest({ from: 'n2', to: 'n1', term: 9, preVote: true, last: [9, 9] });
    const answers = new Watched(
      handler.votesRequested('n2', [
        { group: coming, message },
        { group: CLUSTER_GROUP, message },
      ]),
    );
    await cluster.run(20);
    const groups = answers.now.state === 'resolved' && answers.now.value.map(({ group }) => group);
    expect(groups).toEqual([CLUSTER_GROUP]);
    expect(broker.parking.take(coming)).toEqual([message]);
  });

  it('keep what arrives for a group that is about to be created', async () => {
    await withTopic();
    const { broker, handler } = cluster.at('n1');
    const group = asGroupId(broker.cluster.state.nextGroup);
    const message = voteRequest({ from: 'n2', to: 'n1', term: 1, preVote: true, last: [0, 0] });
    const answers = new Watched(handler.votesRequested('n2', [{ group, message }]));
    await cluster.run(50);
    expect(answers.now.state).toBe('pending');
    await cluster.createTopic('n2', { topic: 'next' });
    await cluster.until(() => answers.now.state === 'resolved');
    expect(answers.now.state === 'resolved' && answers.now.value.map((vote) => vote.group)).toEqual([group]);
  });
});

describe('a broken invariant', () => {
  it('ends the broker, and is not thrown into whoever brought the message', async () => {
    await withTopic();
    const { broker, handler, fatal } = cluster.at('n1');
    const group = cluster.group('orders');
    const { term } = broker.group(group)!.raft;
    // Another leader of the same term: never sent by a sound peer (I3).
    const message = append({ from: 'n2', to: 'n1', term });
    expect(() => handler.appendsReceived('n2', [{ group, message }], [])).not.toThrow();
    expect(fatal.map(({ reason }) => reason)).toEqual(['INTERNAL']);
    expect(fatal[0]?.message).toContain('a term has one leader');
    expect(await cluster.elected('orders', 0, ['n1'])).not.toBe('n1');
  });
});
