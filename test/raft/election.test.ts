/** Elections: who campaigns when, who votes for whom, and what must be on disk first. */

import { describe, expect, it } from 'vitest';

import { DEFAULT_RAFT_TUNING } from '../../src/raft/config.js';
import { Raft } from '../../src/raft/raft.js';
import { asLogIndex, asTerm, type BrokerId } from '../../src/raft/types.js';
import { FakeDisk } from './fake-disk.js';
import { Cluster } from './harness.js';
import { append, entries, voteRequest } from './make.js';

/** What a voter without a commit says of it. */
const NOTHING_COMMITTED = { commitIndex: asLogIndex(0), commitTerm: asTerm(0) };

const { deposedCooldownMs, rankDelayMs, leaderDiscoveryMs, electionTimeoutMsMax } = DEFAULT_RAFT_TUNING;

function waitsMs(cluster: Cluster, id: BrokerId): number {
  return cluster.raft(id).deadlineMs - cluster.nowMs;
}

describe('birth', () => {
  it('the first voter leads a new group at once, in term 1', () => {
    const cluster = new Cluster();
    cluster.heal();
    cluster.advance(0);
    expect(cluster.leader).toBe('n1');
    expect(cluster.ids.map((id) => cluster.raft(id).term)).toEqual([1, 1, 1]);
    expect(cluster.nowMs).toBe(0);
  });

  it('a group of one elects itself without any link', () => {
    const cluster = new Cluster({ replicas: 1 });
    cluster.advance(0);
    expect(cluster.leader).toBe('n1');
  });

  it('on links that are up already needs no event of theirs', () => {
    const born = (id: BrokerId): Raft => {
      const voters = ['n1', 'n2', 'n3'];
      const config = { id, voters, persistCommit: false, tuning: DEFAULT_RAFT_TUNING, random: () => 0 };
      const raft = new Raft(config, new FakeDisk());
      raft.start(0, [...voters, 'n9']);
      return raft;
    };
    const first = born('n1');
    expect([first.isAlive('n1'), first.isAlive('n2')]).toEqual([false, true]);
    expect([first.deadlineMs, born('n2').deadlineMs]).toEqual([0, electionTimeoutMsMax + rankDelayMs]);
    first.tick(0);
    expect(first.ready(0).messages).toMatchObject([{ to: 'n2' }, { to: 'n3' }]);
  });

  it('without a live quorum nobody campaigns, and nothing runs', () => {
    const cluster = new Cluster();
    cluster.advance(60_000);
    expect(cluster.deadlineMs).toBe(Infinity);
    expect(cluster.sentCount).toBe(0);
  });

  it('a replica that knew an earlier term first lets its leader find it', () => {
    const cluster = Cluster.withLeader();
    cluster.isolate('n3');
    cluster.crash('n3');
    cluster.restart('n3');
    cluster.network.open('n2', 'n3');
    cluster.hear('n3', 'n2');
    expect(waitsMs(cluster, 'n3')).toBeGreaterThanOrEqual(leaderDiscoveryMs);
  });
});

describe('order of campaigns', () => {
  it('is that of preference, a rank delay apart, a deposed leader last', () => {
    const cluster = Cluster.withLeader();
    cluster.input('n1', (raft, nowMs) => raft.stepDown(nowMs, 'DISK_STALLED'));
    while (cluster.deliverNotice());
    expect(waitsMs(cluster, 'n2')).toBe(0);
    expect(waitsMs(cluster, 'n3')).toBe(rankDelayMs);
    expect(waitsMs(cluster, 'n1')).toBe(2 * rankDelayMs);
    cluster.advance(1_000);
    expect(cluster.leader).toBe('n2');
  });

  it('forgives a deposed leader after its cool-down', () => {
    const cluster = Cluster.withLeader();
    cluster.input('n1', (raft, nowMs) => raft.stepDown(nowMs, 'DISK_STALLED'));
    for (const id of ['n2', 'n3']) cluster.crash(id);
    cluster.advance(deposedCooldownMs);
    cluster.restart('n2');
    // Rank 0, after one campaign that failed for want of voters.
    expect(waitsMs(cluster, 'n1')).toBeLessThan(leaderDiscoveryMs + 2 * rankDelayMs);
  });

  it('does not wait for the dead: the next in rank leads without any time passing', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.advance(0);
    expect(cluster.leader).toBe('n2');
  });

  it('a campaign ends the moment the voters it needs are lost', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.input('n2', (raft, nowMs) => raft.campaign(nowMs));
    expect(cluster.raft('n2').role).toBe('preCandidate');
    cluster.crash('n3');
    expect(cluster.raft('n2').role).toBe('follower');
    expect(cluster.raft('n2').deadlineMs).toBe(Infinity);
  });

  it('a split vote is resolved within a few rounds', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    for (const id of ['n2', 'n3']) cluster.input(id, (raft, nowMs) => raft.campaign(nowMs));
    cluster.deliver();
    cluster.deliver();
    cluster.deliver();
    cluster.deliver();
    expect(cluster.ids.slice(1).map((id) => cluster.raft(id).role)).toEqual(['candidate', 'candidate']);
    cluster.advance(200);
    expect(cluster.leader).toBeDefined();
    expect(cluster.raft('n2').term).toBeLessThanOrEqual(4);
  });

  it('failed campaigns come ever more seldom', () => {
    const cluster = Cluster.withLeader();
    cluster.disconnect('n1', 'n3');
    cluster.advance(10_000);
    const before = cluster.sentCount;
    cluster.advance(10_000);
    expect(cluster.sentCount - before).toBeLessThan(100);
  });
});

describe('a working leader', () => {
  it('is not disturbed by a replica that lost its link to it (PreVote, thesis 9.6)', () => {
    const cluster = Cluster.withLeader();
    cluster.disconnect('n1', 'n3');
    cluster.advance(5_000);
    expect(cluster.leader).toBe('n1');
    expect(cluster.ids.map((id) => cluster.raft(id).term)).toEqual([1, 1, 1]);
  });

  it('is not disturbed by one that comes back from isolation', () => {
    const cluster = Cluster.withLeader();
    cluster.isolate('n3');
    cluster.advance(5_000);
    cluster.heal();
    cluster.advance(5_000);
    expect([cluster.leader, cluster.raft('n1').term]).toEqual(['n1', 1]);
  });

  it('keeps the votes of those that hear it, even in a later term (thesis 4.2.3)', () => {
    const cluster = Cluster.withLeader();
    cluster.step(voteRequest({ from: 'n3', to: 'n2', term: 9, last: [9, 9] }));
    expect(cluster.network.take()).toMatchObject({ kind: 'voteReply', granted: false, term: 1 });
    expect(cluster.raft('n2').leader).toBe('n1');
  });

  it('loses them to a campaign that it ordered itself (B24)', () => {
    const cluster = Cluster.withLeader();
    cluster.step(voteRequest({ from: 'n3', to: 'n2', term: 2, transfer: true, last: [1, 1] }));
    expect(cluster.network.take()).toMatchObject({ kind: 'voteReply', granted: true });
  });
});

describe('a vote', () => {
  it('is on disk before it is told (Raft 5.2, B11)', () => {
    const cluster = Cluster.withLeader();
    cluster.holdSyncs('n2');
    cluster.step(voteRequest({ from: 'n3', to: 'n2', term: 2, transfer: true, last: [1, 1] }));
    expect(cluster.network.messages).toEqual([]);
    cluster.sync('n2');
    expect(cluster.network.messages).toMatchObject([{ kind: 'voteReply', granted: true }]);
    expect(cluster.disk('n2').hardState).toMatchObject({ term: 2, votedFor: 'n3' });
  });

  it('of the candidate itself counts only once it is on disk', () => {
    const cluster = Cluster.withLeader();
    cluster.holdSyncs('n2');
    cluster.propose('n1', 'a write before that of the vote');
    cluster.settle();
    cluster.crash('n1');
    cluster.advance(0);
    expect(cluster.raft('n2').role).toBe('candidate');
    const term = asTerm(2);
    cluster.step({
      kind: 'voteReply',
      from: 'n3',
      to: 'n2',
      term,
      preVote: false,
      requestedTerm: term,
      granted: true,
      ...NOTHING_COMMITTED,
    });
    cluster.sync('n2');
    expect(cluster.raft('n2').role).toBe('candidate');
    cluster.sync('n2');
    expect(cluster.raft('n2').role).toBe('leader');
  });

  it('in a term that is known already is on disk as well', () => {
    const cluster = new Cluster();
    cluster.step(append({ term: 1, entries: entries(1) }));
    cluster.step(voteRequest({ from: 'n3', to: 'n2', term: 4, last: [0, 0] }));
    expect(cluster.disk('n2').hardState).toMatchObject({ term: 4, votedFor: undefined });
    cluster.step(voteRequest({ from: 'n1', to: 'n2', term: 4, last: [1, 1] }));
    expect(cluster.disk('n2').hardState).toMatchObject({ term: 4, votedFor: 'n1' });
  });

  it('requests leave only once the new term is on disk', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.holdSyncs('n2');
    cluster.advance(0);
    expect(cluster.network.messages).toEqual([]);
    cluster.sync('n2');
    expect(cluster.network.messages).toMatchObject([{ kind: 'voteRequest', preVote: false, term: 2 }]);
  });

  it('is given to one candidate in a term, and to the same again (Raft 5.2)', () => {
    const cluster = new Cluster();
    const ask = (from: BrokerId): void =>
      cluster.step(voteRequest({ from, to: 'n1', term: 1, last: [0, 0] }));
    for (const from of ['n2', 'n3', 'n2']) ask(from);
    expect(cluster.network.messages).toMatchObject([
      { to: 'n2', granted: true },
      { to: 'n3', granted: false },
      { to: 'n2', granted: true },
    ]);
  });

  it.each([
    ['a shorter log of the same term', [1, 1], false],
    ['a longer log of an older term', [9, 0], false],
    ['the same log', [2, 1], true],
    ['a shorter log of a later term', [1, 2], true],
  ] as const)('goes by (term, index) of the last entry: %s (Raft 5.4.1)', (_, last, granted) => {
    const cluster = Cluster.withLeader();
    cluster.propose('n1', 'x');
    cluster.settle();
    cluster.crash('n1');
    for (const preVote of [true, false]) {
      cluster.step(voteRequest({ from: 'n3', to: 'n2', term: 5, preVote, last }));
      expect(cluster.network.take()).toMatchObject({ kind: 'voteReply', preVote, granted });
    }
  });

  it('asked for in an older term is refused with the newer term', () => {
    const cluster = Cluster.withLeader();
    cluster.step(voteRequest({ from: 'n3', to: 'n2', term: 0, last: [9, 9] }));
    expect(cluster.network.take()).toMatchObject({ kind: 'voteReply', granted: false, term: 1 });
  });

  it('of an earlier campaign does not count in a later one', () => {
    const cluster = Cluster.withLeader({ replicas: 5 });
    cluster.crash('n1');
    cluster.input('n2', (raft, nowMs) => raft.campaign(nowMs));
    for (const from of ['n3', 'n4', 'n5']) {
      const term = asTerm(1);
      const reply = { kind: 'voteReply', from, to: 'n2', term, granted: true, ...NOTHING_COMMITTED } as const;
      cluster.step({ ...reply, preVote: true, requestedTerm: asTerm(1) });
      cluster.step({ ...reply, preVote: false, requestedTerm: asTerm(2) });
    }
    expect(cluster.raft('n2').role).toBe('preCandidate');
  });

  it('for a term that is not later is refused as a pre-vote', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.step(voteRequest({ from: 'n3', to: 'n2', term: 1, preVote: true, last: [1, 1] }));
    expect(cluster.network.take()).toMatchObject({ granted: false, preVote: true });
  });

  it('changes no term when it is a pre-vote', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.step(voteRequest({ from: 'n3', to: 'n2', term: 2, preVote: true, last: [1, 1] }));
    expect(cluster.network.take()).toMatchObject({ granted: true, preVote: true });
    expect(cluster.raft('n2').term).toBe(1);
    expect(cluster.disk('n2').hardState).toMatchObject({ term: 1, votedFor: 'n1' });
  });
});
