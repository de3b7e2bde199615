/** The rules of a change of members: what a leader refuses, what is a defect, and what becomes of the rest. */

import { describe, expect, it } from 'vitest';

import type { Membership } from '../../src/raft/membership.js';
import { Cluster } from './harness.js';

function voters(...ids: readonly string[]): Membership {
  return { voters: ids, learners: [] };
}

/** n1 leads n1, n2 and n3; n4 is none of them. */
function group(): Cluster {
  return Cluster.withLeader({ replicas: 4, voters: 3 });
}

function reasonOf(cluster: Cluster, id: string, next: Membership): string {
  const result = cluster.changeMembership(id, next);
  return result.ok ? 'none' : result.reason;
}

describe('a change is refused', () => {
  it('by whoever does not lead', () => {
    expect(reasonOf(group(), 'n2', voters('n1', 'n2'))).toBe('notLeader');
  });

  it('while the one before is not committed (I11)', () => {
    const cluster = group();
    expect(cluster.changeMembership('n1', voters('n1', 'n2'))).toMatchObject({ ok: true, index: 2 });
    expect(reasonOf(cluster, 'n1', voters('n1', 'n3'))).toBe('changePending');
    cluster.settle();
    expect(reasonOf(cluster, 'n1', voters('n1'))).toBe('none');
  });

  it('while no entry of the own term is committed', () => {
    const cluster = group();
    for (const id of ['n1', 'n3']) cluster.holdSyncs(id);
    cluster.input('n1', (raft, now) => raft.transferLeadership(now, 'n2', 1_000, 'REQUESTED'));
    cluster.deliver();
    for (const id of ['n1', 'n3']) cluster.deliver(({ to, kind }) => to === id && kind === 'voteRequest');
    cluster.sync('n3');
    cluster.settle();
    expect(cluster.raft('n2').role).toBe('leader');
    expect(reasonOf(cluster, 'n2', voters('n2', 'n3'))).toBe('changePending');
    for (const id of ['n1', 'n3']) cluster.releaseSyncs(id);
    cluster.settle();
    expect(reasonOf(cluster, 'n2', voters('n2', 'n3'))).toBe('none');
  });

  it('while the leadership is being handed over', () => {
    const cluster = group();
    cluster.input('n1', (raft, now) => raft.transferLeadership(now, 'n2', 1_000, 'REQUESTED'));
    expect(reasonOf(cluster, 'n1', voters('n1', 'n2'))).toBe('transferring');
  });

  it('when those who would be left are no live majority', () => {
    const cluster = group();
    cluster.crash('n2');
    expect(reasonOf(cluster, 'n1', voters('n1', 'n2'))).toBe('notEnoughReplicas');
    expect(reasonOf(cluster, 'n1', voters('n1', 'n3'))).toBe('none');
  });
});

describe('a defect is', () => {
  it.each([
    ['two voters more', ['n1', 'n2', 'n3', 'n4', 'n5']],
    ['two voters less', ['n1']],
    ['one voter for another', ['n1', 'n2', 'n4']],
  ])('%s in one step (I12)', (_, next) => {
    expect(() => group().changeMembership('n1', voters(...next))).toThrow(/I12/);
  });

  it('a leader that removes itself', () => {
    expect(() => group().changeMembership('n1', voters('n2', 'n3'))).toThrow(/does not remove itself/);
  });
});

describe('a change is in force', () => {
  it('once it is committed, and not before', () => {
    const cluster = group();
    for (const id of ['n2', 'n3']) cluster.holdSyncs(id);
    cluster.changeMembership('n1', { voters: ['n1', 'n2', 'n3'], learners: ['n4'] });
    cluster.settle();
    expect(cluster.raft('n1').membership.learners).toEqual([]);
    expect(cluster.raft('n1').newestMembership.membership.learners).toEqual(['n4']);
    for (const id of ['n2', 'n3']) cluster.releaseSyncs(id);
    cluster.settle();
    for (const id of cluster.ids) expect(cluster.raft(id).membership.learners).toEqual(['n4']);
  });

  it('and is known for it once a majority of the new voters has said so', () => {
    const cluster = group();
    cluster.changeMembership('n1', voters('n1', 'n2'));
    cluster.deliver(({ to }) => to === 'n2');
    cluster.deliver(({ to }) => to === 'n1');
    expect(cluster.raft('n1').membershipIndex).toBe(2);
    expect(cluster.raft('n1').membershipIsKnown).toBe(false);
    cluster.settle();
    expect(cluster.raft('n1').membershipIsKnown).toBe(true);
    expect(cluster.raft('n2').membershipIsKnown).toBe(false);
  });

  // Simulator, seed 442: the leader told it, its disk was full, the other left, and the leader started again.
  it('and not known for it before the disk of the leader says so: who was removed may leave then', () => {
    const cluster = Cluster.withLeader({ replicas: 2 });
    cluster.changeMembership('n1', voters('n1'));
    cluster.deliver(({ to }) => to === 'n2');
    cluster.holdSyncs('n1');
    cluster.deliver(({ to }) => to === 'n1');
    expect(cluster.raft('n1').voters).toEqual(['n1']);
    expect(cluster.raft('n1').membershipIsKnown).toBe(false);
    cluster.releaseSyncs('n1');
    expect(cluster.raft('n1').membershipIsKnown).toBe(true);
  });

  it('on the disk too, so that a restart goes by it', () => {
    const cluster = group();
    cluster.changeMembership('n1', voters('n1', 'n2'));
    cluster.settle();
    for (const id of ['n1', 'n2']) {
      cluster.crash(id);
      cluster.restart(id);
      expect(cluster.raft(id).voters).toEqual(['n1', 'n2']);
    }
  });
});

describe('a learner', () => {
  it('is caught up when it lives, its match is known, and it lacks little', () => {
    const cluster = Cluster.withLeader({ replicas: 4, voters: 3, tuning: { caughtUpEntriesMax: 2 } });
    cluster.changeMembership('n1', { voters: ['n1', 'n2', 'n3'], learners: ['n4'] });
    expect(cluster.raft('n1').isCaughtUp('n4')).toBe(false);
    cluster.settle();
    expect(cluster.raft('n1').isCaughtUp('n4')).toBe(true);
    for (const text of ['a', 'b', 'c']) cluster.propose('n1', text);
    expect(cluster.raft('n1').isCaughtUp('n4')).toBe(false);
    cluster.settle();
    cluster.crash('n4');
    expect(cluster.raft('n1').isCaughtUp('n4')).toBe(false);
  });

  it('is no target of a transfer', () => {
    const cluster = group();
    cluster.changeMembership('n1', { voters: ['n1', 'n2', 'n3'], learners: ['n4'] });
    cluster.settle();
    const result = cluster.input('n1', (raft, now) => raft.transferLeadership(now, 'n4', 100, 'REQUESTED'));
    expect(result).toEqual({ ok: false, reason: 'targetNotEligible' });
  });

  it('confirms no read', () => {
    const cluster = Cluster.withLeader({ replicas: 3, voters: 2 });
    cluster.changeMembership('n1', { voters: ['n1', 'n2'], learners: ['n3'] });
    cluster.settle();
    cluster.read('n1');
    cluster.network.drop(({ to }) => to === 'n2');
    cluster.settle();
    expect(cluster.history.confirmedReads).toEqual([]);
  });
});
