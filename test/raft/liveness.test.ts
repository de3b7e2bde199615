/** Holes through which a group could wait for ever; each was open once, or is where one would be. */

import { describe, expect, it } from 'vitest';

import { asTerm } from '../../src/raft/types.js';
import { Cluster } from './harness.js';

/** Expects one leader that all know, and rest. */
function expectAtRest(cluster: Cluster): void {
  const { leader } = cluster;
  expect(leader).toBeDefined();
  expect(cluster.running.map((id) => cluster.raft(id).leader)).toEqual(cluster.running.map(() => leader));
  expect(cluster.deadlineMs).toBe(Infinity);
}

describe('a follower without a leader', () => {
  it('learns of an idle one that never missed it, by asking for a vote', () => {
    const cluster = Cluster.withLeader();
    cluster.cutOneWay('n1', 'n3');
    cluster.advance(1_000);
    expect(cluster.raft('n3').leader).toBeUndefined();
    cluster.heal();
    cluster.advance(1_000);
    expectAtRest(cluster);
    expect(cluster.raft('n1').term).toBe(1);
  });

  it('and in a later term than an idle leader ends that leadership, not the group', () => {
    const cluster = Cluster.withLeader();
    for (const peer of ['n1', 'n2']) cluster.network.close('n3', peer);
    cluster.step({
      kind: 'timeoutNow',
      from: 'n1',
      to: 'n3',
      term: asTerm(1),
      cause: 'REQUESTED',
      blockedMs: 0,
    });
    cluster.advance(100);
    expect([cluster.raft('n3').term, cluster.raft('n1').term]).toEqual([2, 1]);
    for (const peer of ['n1', 'n2']) cluster.network.open('n3', peer);
    cluster.advance(2_000);
    expectAtRest(cluster);
    expect(cluster.raft('n1').term).toBeGreaterThan(1);
  });
});

describe('a follower whose connection to its leader was renewed', () => {
  it('rests once the leader, which renewed its own, has been heard', () => {
    const cluster = Cluster.withLeader();
    cluster.input('n3', (raft, nowMs) => raft.peerRenewed(nowMs, 'n1'));
    cluster.input('n1', (raft, nowMs) => raft.peerRenewed(nowMs, 'n3'));
    cluster.settle();
    expect(cluster.raft('n3').leader).toBe('n1');
    expectAtRest(cluster);
  });

  it('asks when the leader did not notice, and is told', () => {
    const cluster = Cluster.withLeader();
    cluster.input('n3', (raft, nowMs) => raft.peerRenewed(nowMs, 'n1'));
    cluster.advance(1_000);
    expectAtRest(cluster);
    expect(cluster.raft('n1').term).toBe(1);
  });

  it('believes a leader that has let it go meanwhile for a while only (simulator seed 1120)', () => {
    const cluster = Cluster.withLeader();
    cluster.network.drop((message) => message.to === 'n3');
    for (const peer of ['n1', 'n2']) cluster.network.close(peer, 'n3');
    cluster.input('n3', (raft, nowMs) => raft.peerRenewed(nowMs, 'n1'));
    cluster.advance(400);
    expect(cluster.raft('n3').leader).toBeUndefined();
  });
});

describe('a follower whose leader is gone', () => {
  it('is told when the leader steps down while its broker lives on (B26)', () => {
    const cluster = Cluster.withLeader();
    cluster.input('n1', (raft, nowMs) => raft.stepDown(nowMs, 'DISK_STALLED'));
    expect(cluster.raft('n3').leader).toBe('n1');
    cluster.settle();
    expect(cluster.raft('n3').leader).toBeUndefined();
    cluster.advance(1_000);
    expectAtRest(cluster);
  });

  it('is not told by news of an older term', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.advance(1_000);
    cluster.input('n3', (raft, nowMs) => raft.leaderResigned(nowMs, 'n1', asTerm(1)));
    expect([cluster.raft('n3').leader, cluster.raft('n3').deadlineMs]).toEqual(['n2', Infinity]);
  });

  it('does not wait for it after a late append of the term that it gave up', () => {
    const cluster = Cluster.withLeader();
    cluster.propose('n1', 'x');
    const late = ['n2', 'n3'].map((to) => cluster.network.take((message) => message.to === to));
    for (const peer of ['n2', 'n3']) cluster.cutOneWay(peer, 'n1');
    cluster.nowMs = cluster.deadlineMs;
    cluster.tick();
    expect(cluster.raft('n1').role).toBe('follower');
    while (cluster.deliverNotice());
    for (const message of late) if (message !== undefined) cluster.step(message);
    cluster.advance(2_000);
    expect(cluster.leader).toBe('n2');
    expect(cluster.raft('n2').commitIndex).toBe(3);
  });

  it('learns it from the leader’s own request for a vote, though that cannot win', () => {
    const cluster = Cluster.withLeader();
    cluster.holdSyncs('n1');
    cluster.propose('n1', 'unsynced');
    cluster.crash('n1');
    cluster.restart('n1');
    cluster.releaseSyncs('n1');
    cluster.settle();
    expect(cluster.raft('n2')).toMatchObject({ leader: 'n1', deadlineMs: Infinity, lastIndex: 2 });
    expect(cluster.raft('n1').lastIndex).toBe(1);
    cluster.advance(2_000);
    expectAtRest(cluster);
    expect(cluster.log('n1')).toEqual(['unsynced']);
  });
});

describe('a link that only one side hears', () => {
  it('a leader heard without a live link is believed for one election timeout (B31)', () => {
    const cluster = Cluster.withLeader();
    cluster.suspect('n3', 'n1');
    cluster.propose('n1', 'x');
    cluster.settle();
    expect(cluster.raft('n3').leader).toBe('n1');
    expect(cluster.raft('n3').deadlineMs).toBeLessThan(Infinity);
  });

  it('votes and answers of a replica that is not held alive count', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.input('n2', (raft, nowMs) => raft.campaign(nowMs));
    cluster.suspect('n3', 'n2');
    cluster.advance(1_000);
    expect(cluster.leader).toBe('n2');
    cluster.propose('n2', 'x');
    cluster.settle();
    expect(cluster.raft('n2').commitIndex).toBe(3);
  });

  it('a leader without a heard quorum yields to those who hear each other', () => {
    const cluster = Cluster.withLeader({ replicas: 5 });
    for (const peer of ['n2', 'n3', 'n4']) cluster.cutOneWay(peer, 'n1');
    cluster.advance(2_000);
    expect(cluster.leader).not.toBe('n1');
    expect(cluster.raft('n1').role).not.toBe('leader');
    cluster.heal();
    cluster.advance(2_000);
    expectAtRest(cluster);
  });
});

describe('links that flap', () => {
  it('end no campaign for good', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    for (let i = 0; i < 50; i++) {
      cluster.disconnect('n2', 'n3');
      cluster.advance(i % 7);
      cluster.heal();
      cluster.advance(i % 5);
    }
    cluster.advance(2_000);
    expectAtRest(cluster);
  });

  it('so fast that only a new link is seen lose nothing', () => {
    const cluster = Cluster.withLeader();
    cluster.propose('n1', 'x');
    cluster.network.drop((message) => message.to === 'n3' || message.to === 'n2');
    for (const peer of ['n2', 'n3']) cluster.input('n1', (raft, nowMs) => raft.peerUp(nowMs, peer));
    cluster.settle();
    expect(cluster.log('n3')).toEqual(['x']);
  });

  it('leave a leader with a pipeline to each follower', () => {
    const cluster = Cluster.withLeader();
    for (let i = 0; i < 20; i++) {
      cluster.propose('n1', 'x');
      cluster.suspect('n1', 'n3');
      cluster.network.drop((message) => message.to === 'n3');
      cluster.hear('n1', 'n3');
    }
    cluster.settle();
    expect(cluster.raft('n3').commitIndex).toBe(cluster.raft('n1').lastIndex);
    expectAtRest(cluster);
  });
});

describe('a leader whose no-op does not commit', () => {
  it('has a timer, and the group ends up with one whose no-op does', () => {
    const cluster = new Cluster();
    cluster.heal();
    cluster.tick();
    for (let i = 0; i < 20 && cluster.leader === undefined; i++) cluster.deliver();
    expect(cluster.network.drop((message) => message.kind === 'append')).toBeGreaterThan(0);
    expect(cluster.raft('n1').leadsWithCommit).toBe(false);
    expect(cluster.raft('n1').deadlineMs).toBeLessThan(Infinity);
    cluster.advance(2_000);
    expect(cluster.raft(cluster.leader ?? '').leadsWithCommit).toBe(true);
    expectAtRest(cluster);
  });
});
