/** A broker that is told to stop: it hands over, takes nothing back, and leaves nobody without an answer. */

import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/broker/limits.js';
import { MiniCluster } from './mini-cluster.js';
import { rejection, Watched } from './outcomes.js';

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

/** A cluster with the topic "orders", and who leads its first partition. */
async function started(partitions = 1): Promise<string> {
  cluster = await MiniCluster.start();
  await cluster.createTopic('n1', { topic: 'orders', partitions, replicationFactor: 3 });
  for (let partition = 0; partition < partitions; partition++) await cluster.elected('orders', partition);
  return cluster.leaderOf('orders') ?? '';
}

function depart(id: string, timeoutMs: number = LIMITS.drainMsMax) {
  return cluster.at(id).broker.departure.run(timeoutMs);
}

function raftOf(id: string) {
  const raft = cluster.at(id).broker.group(cluster.group('orders'))?.raft;
  if (raft === undefined) throw new Error(`${id} has no replica`);
  return raft;
}

describe('a broker that is told to stop', () => {
  it('hands over all that it leads, and refuses no write for longer than that takes', async () => {
    await started(6);
    const leadsAny = (): boolean => cluster.at('n1').broker.table.countLedBy('n1') > 0;
    expect(leadsAny()).toBe(true);
    // Appended before, and answered although the leader changes meanwhile.
    const inFlight = new Watched(cluster.produce('n1', 'orders', 'in flight'));
    const startedMs = cluster.clock.monotonicMs();
    expect(await cluster.answer(depart('n1'))).toEqual([]);
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(100 + LIMITS.lingerMs);
    expect(inFlight.now.state).toBe('resolved');
    expect(leadsAny()).toBe(false);
    const successor = await cluster.elected('orders', 0, ['n1']);
    await cluster.produced(successor, 'orders', 'behind it');
  });

  it('waits until it knows who leads what it handed over, so that it can say where to go', async () => {
    const leader = await started();
    const others = cluster.ids.filter((id) => id !== leader);
    const done = new Watched(depart(leader));
    await cluster.until(() => raftOf(leader).role === 'follower');
    for (const id of others) cluster.disk(id).holdSyncs = true;
    await cluster.run(LIMITS.successorWaitMs / 2);
    expect(done.now.state).toBe('pending');
    for (const id of others) {
      cluster.disk(id).holdSyncs = false;
      cluster.disk(id).releaseSyncs();
    }
    await cluster.until(() => done.now.state === 'resolved');
    const error = await rejection(cluster.answer(cluster.produce(leader, 'orders', 'late')));
    expect(error.leaderHint?.leader).toBe(cluster.leaderOf('orders', 0, [leader]));
  });

  it('stays a moment behind the hand-over, so that its end does not meet the first writes elsewhere', async () => {
    const leader = await started();
    const done = new Watched(depart(leader));
    await cluster.elected('orders', 0, [leader]);
    const error = await rejection(cluster.answer(cluster.produce(leader, 'orders', 'late')));
    expect(error.reason).toBe('NOT_LEADER');
    await cluster.run(LIMITS.lingerMs - 10);
    expect(done.now.state).toBe('pending');
    await cluster.run(LIMITS.lingerMs);
    expect(done.now.state).toBe('resolved');
  });

  it('takes no leadership over any more: whoever hands over to it leads on at once', async () => {
    const leader = await started();
    const [leaving = ''] = cluster.ids.filter((id) => id !== leader);
    await cluster.answer(depart(leaving));
    const { broker } = cluster.at(leader);
    broker.failover.transfer(broker.group(cluster.group('orders'))!, leaving, LIMITS.maxBlockMsMax);
    const startedMs = cluster.clock.monotonicMs();
    await cluster.produced(leader, 'orders', 'meanwhile');
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(50);
    expect(raftOf(leader).transferTarget).toBeUndefined();
    expect(cluster.leaderOf('orders')).toBe(leader);
  });

  it('does not campaign, also when it is preferred and the leader dies', async () => {
    await started();
    await cluster.answer(depart('n1'));
    const successor = await cluster.elected('orders', 0, ['n1']);
    const other = cluster.ids.find((id) => id !== 'n1' && id !== successor) ?? '';
    cluster.crash(successor);
    await cluster.until(() => raftOf(other).role === 'leader');
    cluster.crash(other);
    await cluster.restart(successor);
    await cluster.until(() => raftOf(successor).role === 'leader');
    await cluster.run(5_000);
    expect(raftOf('n1').role).toBe('follower');
  });

  it('does not wait for others that leave as well', async () => {
    await started(6);
    const startedMs = cluster.clock.monotonicMs();
    const all = await Promise.all(cluster.ids.map((id) => cluster.answer(depart(id))));
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(LIMITS.successorWaitMs + 100);
    expect(all.flat()).toHaveLength(7);
  });

  it('answers long polls before it goes', async () => {
    const leader = await started();
    const poll = new Watched(cluster.fetch(leader, 'orders', { waitMs: 30_000 }));
    await cluster.answer(depart(leader));
    await cluster.run(0);
    expect(poll.now).toMatchObject({ state: 'resolved', value: { batches: [] } });
  });

  it('leaves at once where nobody can take over', async () => {
    cluster = await MiniCluster.start(['n1']);
    await cluster.createTopic('n1', { topic: 'orders', partitions: 1, replicationFactor: 1 });
    await cluster.elected('orders');
    const startedMs = cluster.clock.monotonicMs();
    expect(await cluster.answer(depart('n1'))).toHaveLength(2);
    expect(cluster.clock.monotonicMs()).toBe(startedMs);
  });

  it('does not wait for ever for a follower that does not catch up', async () => {
    const leader = await started();
    const others = cluster.ids.filter((id) => id !== leader);
    for (const id of others) cluster.disk(id).holdSyncs = true;
    void cluster.produce(leader, 'orders', 'nobody else has it').catch(() => undefined);
    await cluster.run(10);
    const startedMs = cluster.clock.monotonicMs();
    await cluster.answer(depart(leader, 200));
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(400);
    for (const id of others) {
      cluster.disk(id).holdSyncs = false;
      cluster.disk(id).releaseSyncs();
    }
  });
});

describe('a write that comes while the leadership is on its way', () => {
  it('is told where to go as soon as that is known, and not that nobody leads', async () => {
    const leader = await started();
    const done = depart(leader);
    expect(raftOf(leader).isHandingOver).toBe(true);
    const startedMs = cluster.clock.monotonicMs();
    const error = await rejection(cluster.answer(cluster.produce(leader, 'orders', 'held')));
    expect(error.reason).toBe('NOT_LEADER');
    const successor = await cluster.elected('orders', 0, [leader]);
    expect(error.leaderHint?.leader).toBe(successor);
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(100);
    await cluster.answer(done);
    expect(await cluster.values(successor, 'orders')).toEqual([]);
  });

  it('is taken after all when nobody takes over', async () => {
    const leader = await started();
    for (const id of cluster.ids.filter((each) => each !== leader)) await cluster.answer(depart(id));
    const { broker } = cluster.at(leader);
    broker.failover.transfer(broker.group(cluster.group('orders'))!, undefined, LIMITS.maxBlockMsMax);
    expect(raftOf(leader).isHandingOver).toBe(true);
    expect((await cluster.produced(leader, 'orders', 'held')).baseOffset).toBe(0);
  });

  it('is taken by whoever it reaches before that one leads', async () => {
    const leader = await started();
    const next = cluster.ids.filter((id) => id !== leader);
    cluster.crash(leader);
    await cluster.until(() => next.some((id) => raftOf(id).role === 'candidate'));
    const candidate = next.find((id) => raftOf(id).role === 'candidate') ?? '';
    expect((await cluster.produced(candidate, 'orders', 'early')).baseOffset).toBe(0);
  });

  it('is refused at once by a broker that hears no quorum: nobody may come to lead here', async () => {
    const leader = await started();
    cluster.network.isolate(leader);
    await cluster.until(() => raftOf(leader).role !== 'leader');
    const startedMs = cluster.clock.monotonicMs();
    expect((await rejection(cluster.answer(cluster.produce(leader, 'orders', 'x')))).reason).toBe(
      'NO_LEADER',
    );
    expect(cluster.clock.monotonicMs()).toBe(startedMs);
  });
});
