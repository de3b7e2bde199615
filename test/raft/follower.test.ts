/** What a follower keeps, refuses and acknowledges (Raft 5.3). Appends are made by hand. */

import { describe, expect, it } from 'vitest';

import type { Message } from '../../src/raft/messages.js';
import { Cluster } from './harness.js';
import { append, entries, type AppendFields, entry } from './make.js';

/** A replica that follows n1 in term 1 with entries 1 to 3, the first `commit` committed. */
function follower(commit = 0): Cluster {
  const cluster = new Cluster();
  give(cluster, { term: 1, entries: entries(1, 1, 1), commit });
  return cluster;
}

/** Gives n2 an append and takes all answers off the network. */
function give(cluster: Cluster, fields: AppendFields): readonly Message[] {
  cluster.step(append(fields));
  return cluster.network.messages.splice(0);
}

describe('an append that is late or repeated', () => {
  it('never truncates (B18)', () => {
    const cluster = follower();
    const replies = give(cluster, { term: 1, entries: entries(1) });
    expect(cluster.raft('n2').lastIndex).toBe(3);
    expect(replies).toMatchObject([{ accepted: true, matchIndex: 1 }]);
  });

  it('never moves the commit index back', () => {
    const cluster = follower(3);
    give(cluster, { term: 1, entries: entries(1), commit: 1 });
    expect(cluster.raft('n2').commitIndex).toBe(3);
  });

  it('of an older term is refused with the newer term, and is not followed', () => {
    const cluster = follower();
    give(cluster, { from: 'n3', term: 2 });
    const replies = give(cluster, { term: 1, prev: [3, 1], entries: [entry(4, 1)] });
    expect(replies).toMatchObject([{ accepted: false, term: 2 }]);
    expect(cluster.raft('n2').leader).toBe('n3');
    expect(cluster.raft('n2').lastIndex).toBe(3);
  });
});

describe('a conflict', () => {
  it('replaces the entry and all behind it', () => {
    const cluster = follower(1);
    const replies = give(cluster, { from: 'n3', term: 2, prev: [1, 1], entries: [entry(2, 2)] });
    expect(cluster.log('n2')).toEqual(['1@1', '2@2']);
    expect(replies).toMatchObject([{ accepted: true, matchIndex: 2 }]);
  });

  it('with a committed entry stops the replica instead of losing it (I7)', () => {
    const cluster = follower(2);
    expect(() => give(cluster, { from: 'n3', term: 2, prev: [1, 1], entries: [entry(2, 2)] })).toThrow(/I7/);
    expect(cluster.log('n2')).toEqual(['1@1', '2@1', '3@1']);
  });
});

describe('a rejection', () => {
  it('tells a leader that is ahead where the log ends', () => {
    const replies = give(follower(), { term: 1, prev: [9, 1] });
    expect(replies).toMatchObject([{ accepted: false, rejectedIndex: 9, hintIndex: 3, hintTerm: 1 }]);
  });

  it('skips every entry of a term later than the leader has there', () => {
    const cluster = new Cluster();
    give(cluster, { term: 4, entries: entries(1, 4, 4, 4) });
    const replies = give(cluster, { from: 'n3', term: 5, prev: [4, 2] });
    expect(replies).toMatchObject([{ accepted: false, rejectedIndex: 4, hintIndex: 1, hintTerm: 1 }]);
  });

  it('changes nothing in the log', () => {
    const cluster = follower();
    give(cluster, { from: 'n3', term: 2, prev: [3, 2], commit: 3 });
    expect(cluster.raft('n2').lastIndex).toBe(3);
    expect(cluster.raft('n2').commitIndex).toBe(0);
  });
});

describe('an acknowledgement', () => {
  it('waits for the disk', () => {
    const cluster = new Cluster();
    cluster.holdSyncs('n2');
    expect(give(cluster, { term: 1, entries: entries(1) })).toEqual([]);
    cluster.sync('n2');
    expect(cluster.network.messages).toMatchObject([{ accepted: true, matchIndex: 1 }]);
  });

  it('of an empty append claims no entry that the disk lacks (B7)', () => {
    const cluster = new Cluster();
    cluster.holdSyncs('n2');
    give(cluster, { term: 1, entries: entries(1, 1) });
    expect(give(cluster, { term: 1, prev: [2, 1] })).toEqual([]);
    expect(cluster.raft('n2').durableIndex).toBe(0);
    cluster.sync('n2');
    expect(cluster.network.messages).toMatchObject([{ matchIndex: 2 }, { matchIndex: 2 }]);
  });

  it('of a write that came later does not wait for ever behind one that is done', () => {
    const cluster = follower();
    cluster.holdSyncs('n2');
    expect(give(cluster, { term: 1, prev: [3, 1] })).toMatchObject([{ accepted: true, matchIndex: 3 }]);
  });

  it('claims what the append covered, not what else the log holds', () => {
    const replies = give(follower(), { term: 1, prev: [1, 1] });
    expect(replies).toMatchObject([{ accepted: true, matchIndex: 1 }]);
  });
});

describe('the commit index of a follower', () => {
  it('goes no further than the log is known to match (Raft 5.3)', () => {
    const cluster = follower();
    give(cluster, { from: 'n3', term: 2, prev: [1, 1], commit: 3 });
    expect(cluster.raft('n2').commitIndex).toBe(1);
  });

  it('is written by itself only where that is asked for', () => {
    for (const persistCommit of [false, true]) {
      const cluster = new Cluster({ persistCommit });
      give(cluster, { term: 1, entries: entries(1) });
      give(cluster, { term: 1, prev: [1, 1], commit: 1 });
      expect(cluster.disk('n2').hardState.commit).toBe(persistCommit ? 1 : 0);
    }
  });
});

describe('whom a follower believes', () => {
  it('a candidate or pre-candidate follows the leader that its term has', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.input('n2', (raft, nowMs) => raft.campaign(nowMs));
    give(cluster, { from: 'n3', term: 1, prev: [1, 1] });
    expect([cluster.raft('n2').role, cluster.raft('n2').leader]).toEqual(['follower', 'n3']);
  });

  it('two leaders in one term are a defect (I3)', () => {
    expect(() => give(follower(), { from: 'n3', term: 1 })).toThrow(/I3/);
  });

  it('a leader that its membership does not name: the leader knows a later one', () => {
    const cluster = follower();
    expect(give(cluster, { from: 'n9', term: 7, entries: entries(7) })).toMatchObject([{ accepted: true }]);
    expect([cluster.raft('n2').term, cluster.raft('n2').leader]).toEqual([7, 'n9']);
  });
});
