/** Each way to lose a leader, as the history tells it: cause, phases, who led before; on every broker the same. */

import { afterEach, describe, expect, it } from 'vitest';
import type { LeadershipChange } from '../../src/cluster/leadership-change.js';
import { LIMITS } from '../../src/broker/limits.js';
import { asGroupId, type BrokerId } from '../../src/raft/types.js';
import { submitCommand } from '../../src/broker/submit.js';
import { MiniCluster } from './mini-cluster.js';
import { createOrders, failover, TOPIC, toldBy, toldByAll } from './orders-topic.js';

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

async function withTopic(partitions = 1): Promise<void> {
  cluster = await MiniCluster.start();
  await createOrders(cluster, partitions);
}

/** The newest change, which all brokers tell alike. */
async function toldOf(leader: BrokerId, except: readonly BrokerId[] = []): Promise<LeadershipChange> {
  const [first, ...others] = await toldByAll(cluster, leader, except);
  for (const other of others) expect(other).toEqual(first);
  if (first === undefined) throw new Error('nobody tells anything');
  return first;
}

describe('the history tells', () => {
  it('of the first election of a partition', async () => {
    await withTopic();
    const change = await toldOf('n1');
    expect(change).toMatchObject({ cause: 'CREATED', previousLeader: '', previousTerm: 0, topic: TOPIC });
    expect([change.detectUs, change.electUs, change.blockedUs]).toEqual([undefined, undefined, undefined]);
    expect(change.commitUs).toBeGreaterThan(0);
  });

  it('of the group that keeps the history itself', async () => {
    await withTopic();
    const ofCluster = (id: BrokerId) =>
      cluster
        .at(id)
        .broker.cluster.state.leadership.ofGroup(asGroupId(0))
        .map(({ leader }) => leader);
    await cluster.until(() => ofCluster('n2').length === 1);
    const [controller = ''] = ofCluster('n2');
    cluster.crash(controller);
    const [other = ''] = cluster.members.map(({ id }) => id);
    await cluster.until(() => ofCluster(other).length === 2);
    expect(cluster.at(other).broker.cluster.state.leadership.ofGroup(asGroupId(0))[0]).toMatchObject({
      topic: '__cluster',
      partition: 0,
      cause: 'CONNECTION_LOST',
      previousLeader: controller,
    });
  });

  it('of a crash: the last sign of life, the election, the first commit, the first write', async () => {
    await withTopic();
    const before = await toldOf('n1');
    await cluster.run(100);
    const crashedMs = cluster.clock.monotonicMs();
    cluster.crash('n1');
    const successor = await cluster.elected(TOPIC);
    const ledMs = cluster.clock.monotonicMs();
    const change = await toldOf(successor);
    expect(change).toMatchObject({
      cause: 'CONNECTION_LOST',
      previousLeader: 'n1',
      previousTerm: before.term,
      blockedUs: undefined,
      firstWriteUs: undefined,
    });
    // The last heartbeat was confirmed at most a beat and a round trip before the crash.
    expect(change.detectUs).toBeLessThan(1_000 * (LIMITS.heartbeatIntervalMs + 5));
    const phasesUs = (change.electUs ?? NaN) + change.commitUs;
    expect(phasesUs).toBeGreaterThan(0);
    expect(phasesUs).toBeLessThanOrEqual(1_000 * (ledMs - crashedMs) + 1);

    await cluster.run(50);
    await cluster.produced(successor, TOPIC, 'the first write');
    await cluster.produced(successor, TOPIC, 'the second');
    await cluster.until(() => toldBy(cluster, successor)?.firstWriteUs !== undefined);
    expect(toldBy(cluster, successor)?.firstWriteUs).toBeGreaterThanOrEqual(50_000);
    expect(toldBy(cluster, successor)?.sequence).toBe(change.sequence);
  });

  it('of no first write that came too late to say anything', async () => {
    await withTopic();
    await toldOf('n1');
    await cluster.run(LIMITS.firstWriteMsMax + 1);
    await cluster.produced('n1', TOPIC, 'much later');
    await cluster.run(500);
    expect((await toldOf('n1')).firstWriteUs).toBeUndefined();
  });

  it('of a leader that fell silent', async () => {
    await withTopic();
    for (const other of ['n2', 'n3']) {
      cluster.network.silence('n1', other);
      cluster.network.silence(other, 'n1');
    }
    const successor = await cluster.elected(TOPIC, 0, ['n1']);
    const change = await toldOf(successor, ['n1']);
    expect(change).toMatchObject({ cause: 'HEARTBEAT_MISSED', previousLeader: 'n1', blockedUs: undefined });
    expect(change.detectUs).toBeGreaterThan(1_000 * 30);
    cluster.network.heal();
    // The one that it is about learns of it too.
    expect(await toldOf(successor)).toEqual(change);
  });

  it.each(['n1', 'n2', 'n3'])(
    'of a move that was asked of %s, which gets it with its answer',
    async (via) => {
      await withTopic();
      await toldOf('n1');
      const result = await cluster.answer(failover(cluster, via, 'n1'));
      const change = await toldOf(result.newLeader);
      expect(result.outcome).toBe('MOVED');
      expect(change).toMatchObject({ ...result.report, cause: 'REQUESTED', previousLeader: 'n1' });
      expect(change.detectUs).toBeUndefined();
      const { electUs = NaN, commitUs, blockedUs } = change;
      expect(blockedUs).toBeGreaterThanOrEqual(electUs + commitUs);
      expect(blockedUs).toBeLessThan(1_000 * 100);
    },
  );

  it('of a broker that was told to stop', async () => {
    await withTopic();
    await toldOf('n1');
    await cluster.answer(cluster.at('n1').broker.departure.run(2_000));
    const successor = await cluster.elected(TOPIC, 0, ['n1']);
    const change = await toldOf(successor);
    expect(change).toMatchObject({ cause: 'SHUTDOWN', previousLeader: 'n1', detectUs: undefined });
    expect(change.blockedUs).toBeGreaterThan(0);
  });

  it('of a disk that did not answer', async () => {
    await withTopic();
    await toldOf('n1');
    cluster.disk('n1').holdSyncs = true;
    cluster.produce('n1', TOPIC, 'never on its disk').catch(() => undefined);
    const successor = await cluster.elected(TOPIC, 0, ['n1']);
    const change = await toldOf(successor, ['n1']);
    expect(change).toMatchObject({ cause: 'DISK_STALLED', previousLeader: 'n1', blockedUs: undefined });
    cluster.disk('n1').holdSyncs = false;
    cluster.disk('n1').releaseSyncs();
  });

  it('of a replica that is moved to another broker', async () => {
    cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4']);
    await cluster.createTopic('n1', { topic: TOPIC, replicationFactor: 3 });
    const leader = await cluster.elected(TOPIC);
    const { broker } = cluster.at('n1');
    const replicas = cluster.ids.filter((id) => id !== leader);
    await cluster.answer(
      submitCommand(broker, { kind: 'reassignPartition', topic: TOPIC, partition: 0, replicas }, 5_000),
    );
    const successor = await cluster.elected(TOPIC, 0, [leader]);
    expect(await toldOf(successor)).toMatchObject({ cause: 'REASSIGNED', previousLeader: leader });
  });

  it('of a leader that heard no quorum', async () => {
    await withTopic();
    await toldOf('n1');
    for (const id of ['n2', 'n3']) cluster.crash(id);
    await cluster.run(1_000);
    expect(cluster.at('n1').broker.group(cluster.group(TOPIC))?.raft.role).toBe('follower');
    for (const id of ['n2', 'n3']) await cluster.boot(id);
    const successor = await cluster.elected(TOPIC);
    const change = await toldOf(successor);
    // The others were started anew, and know the one before from the history.
    expect(change.cause).toBe(successor === 'n1' ? 'QUORUM_LOST' : 'RESTARTED');
    expect(change.previousLeader).toBe('n1');
  });

  it('of a restart of all, and still of what was before', async () => {
    await withTopic();
    const before = await toldOf('n1');
    for (const id of cluster.ids) cluster.crash(id);
    for (const id of cluster.ids) await cluster.boot(id);
    const successor = await cluster.elected(TOPIC);
    await cluster.until(() => (toldBy(cluster, successor)?.term ?? 0) > before.term);
    expect(await toldOf(successor)).toMatchObject({
      cause: 'RESTARTED',
      previousLeader: 'n1',
      previousTerm: before.term,
      detectUs: undefined,
      electUs: undefined,
    });
    const { leadership } = cluster.at('n3').broker.cluster.state;
    expect(leadership.ofGroup(cluster.group(TOPIC)).at(-1)).toEqual(before);
  });

  it('of each of many partitions that lose their leader at once, and keeps nothing of them here', async () => {
    await withTopic(12);
    const led = Array.from({ length: 12 }, (_, partition) => partition).filter(
      (partition) => cluster.leaderOf(TOPIC, partition) === 'n1',
    );
    expect(led.length).toBeGreaterThan(1);
    cluster.crash('n1');
    await cluster.until(() =>
      led.every((partition) => toldBy(cluster, 'n2', partition)?.cause === 'CONNECTION_LOST'),
    );
    await cluster.run(2 * LIMITS.firstWriteMsMax);
    for (const id of ['n2', 'n3']) {
      // What nobody wrote to is forgotten with the next write that anybody acknowledges.
      const partition = led.find((each) => cluster.leaderOf(TOPIC, each) === id);
      if (partition === undefined) continue;
      const { leadership } = cluster.at(id).broker;
      leadership.acknowledged(asGroupId(999), 1);
      expect(leadership.timeline.size).toBe(0);
    }
  });
});
