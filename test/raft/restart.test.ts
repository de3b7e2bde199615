/** What a replica still knows after it was killed (Raft figure 2, persistent state; B9, B11, B13). */

import { describe, expect, it } from 'vitest';

import { Raft } from '../../src/raft/raft.js';
import { DEFAULT_RAFT_TUNING } from '../../src/raft/config.js';
import { asLogIndex, asTerm } from '../../src/raft/types.js';
import { FakeDisk } from './fake-disk.js';
import { Cluster } from './harness.js';
import { entries, voteRequest } from './make.js';

describe('a restart', () => {
  it('remembers the vote that it told (B11)', () => {
    const cluster = new Cluster();
    cluster.step(voteRequest({ from: 'n3', to: 'n2', term: 4, last: [0, 0] }));
    cluster.crash('n2');
    cluster.restart('n2');
    expect(cluster.raft('n2').term).toBe(4);
    cluster.network.messages.length = 0;
    for (const from of ['n1', 'n3']) {
      cluster.step(voteRequest({ from, to: 'n2', term: 4, last: [0, 0] }));
    }
    expect(cluster.network.messages).toMatchObject([
      { to: 'n1', granted: false },
      { to: 'n3', granted: true },
    ]);
  });

  it('may forget a vote that it never told', () => {
    const cluster = new Cluster();
    cluster.holdSyncs('n2');
    cluster.step(voteRequest({ from: 'n3', to: 'n2', term: 4, last: [0, 0] }));
    cluster.crash('n2');
    cluster.restart('n2');
    expect(cluster.raft('n2').term).toBe(0);
    expect(cluster.network.messages).toEqual([]);
  });

  it('never campaigns twice in one term', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.advance(0);
    expect([cluster.leader, cluster.raft('n2').term]).toEqual(['n2', 2]);
    cluster.crash('n2');
    cluster.restart('n2');
    cluster.advance(1_000);
    expect(cluster.history.leaders.get(asTerm(2))).toBe('n2');
    expect(cluster.raft(cluster.leader ?? '').term).toBeGreaterThan(2);
  });

  it('has what the disk has: no more, and no less', () => {
    const cluster = Cluster.withLeader();
    cluster.propose('n1', 'a');
    cluster.settle();
    cluster.holdSyncs('n3');
    cluster.propose('n1', 'b');
    cluster.settle();
    cluster.crash('n3');
    cluster.restart('n3');
    expect(cluster.log('n3')).toEqual(['a']);
    cluster.releaseSyncs('n3');
    cluster.advance(0);
    expect(cluster.log('n3')).toEqual(['a', 'b']);
  });

  it('of all replicas at once keeps every committed entry', () => {
    const cluster = Cluster.withLeader();
    for (const text of ['a', 'b']) cluster.propose('n1', text);
    cluster.settle();
    for (const id of cluster.ids) cluster.crashUnseen(id);
    for (const id of cluster.ids) cluster.restart(id);
    cluster.advance(1_000);
    expect(cluster.ids.map((id) => cluster.log(id))).toEqual([1, 2, 3].map(() => ['a', 'b']));
    expect(cluster.raft('n1').commitIndex).toBe(cluster.raft('n1').lastIndex);
  });

  it('finds its leader without an election', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n3');
    cluster.restart('n3');
    cluster.advance(1_000);
    expect([cluster.leader, cluster.raft('n3').leader, cluster.raft('n1').term]).toEqual(['n1', 'n1', 1]);
  });

  it('of the leader at once after its crash does not leave the group without one', () => {
    const cluster = Cluster.withLeader();
    cluster.crashUnseen('n1');
    cluster.restart('n1');
    cluster.advance(1_000);
    expect(cluster.leader).toBeDefined();
    expect(cluster.history.leaders.size).toBe(2);
  });
});

describe('a write torn by a crash', () => {
  it('leaves the term and vote before the entries, never entries of an unknown term (B13)', () => {
    for (const tornEntries of [undefined, 0, 1, 2]) {
      const cluster = Cluster.withLeader();
      cluster.isolate('n3');
      for (const text of ['a', 'b']) cluster.propose('n1', text);
      cluster.settle();
      cluster.holdSyncs('n3');
      cluster.heal();
      cluster.settle();
      cluster.crash('n3', { writes: 0, tornEntries });
      cluster.restart('n3');
      expect(cluster.raft('n3').lastIndex).toBe(1 + (tornEntries ?? 0));
      expect(cluster.raft('n3').commitIndex).toBeLessThanOrEqual(cluster.raft('n3').lastIndex);
    }
  });
});

describe('a disk that contradicts itself', () => {
  it('with entries of a later term than the replica knows stops the replica', () => {
    const disk = new FakeDisk();
    disk.write(1, undefined, entries(1, 3));
    disk.sync();
    const config = {
      id: 'n1',
      voters: ['n1'],
      persistCommit: false,
      tuning: DEFAULT_RAFT_TUNING,
      random: () => 0,
    };
    const { log } = disk.recover();
    const hardState = { term: asTerm(2), votedFor: undefined, commit: asLogIndex(0) };
    expect(() => new Raft(config, disk, { hardState, log })).toThrow(/later term/);
  });
});
