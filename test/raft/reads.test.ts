/** When a leader may answer a read from its own state (ReadIndex, Ongaro's thesis section 6.4). */

import { describe, expect, it } from 'vitest';

import { DEFAULT_RAFT_TUNING } from '../../src/raft/config.js';
import type { Message } from '../../src/raft/messages.js';
import { asTerm, type BrokerId } from '../../src/raft/types.js';
import { Cluster } from './harness.js';
import { append } from './make.js';

const { checkQuorumMs, retransmitMs } = DEFAULT_RAFT_TUNING;

/** Indexes of the reads that were confirmed, in order. */
function confirmed(cluster: Cluster): readonly number[] {
  return cluster.history.confirmedReads.map(({ index }) => index);
}

/** Takes off the network all that `from` has on the way to `to`, to be delivered late. */
function withhold(cluster: Cluster, from: BrokerId, to: BrokerId): readonly Message[] {
  const late = cluster.network.messages.filter((message) => message.from === from && message.to === to);
  cluster.network.drop((message) => late.includes(message));
  return late;
}

/** A leader whose no-op nobody has taken yet. */
function freshLeader(): Cluster {
  const cluster = new Cluster();
  cluster.heal();
  cluster.tick();
  while (cluster.leader === undefined) cluster.deliver();
  return cluster;
}

describe('a read', () => {
  it('is confirmed at the commit index once a quorum has answered (thesis 6.4)', () => {
    const cluster = Cluster.withLeader();
    cluster.propose('n1', 'x');
    cluster.settle();
    cluster.isolate('n3');
    expect(cluster.read('n1')).toEqual({ ok: true, id: 1 });
    expect(confirmed(cluster)).toEqual([]);
    cluster.deliver((message) => message.to === 'n2');
    expect(confirmed(cluster)).toEqual([]);
    cluster.deliver((message) => message.from === 'n2');
    expect(cluster.history.confirmedReads).toEqual([{ replica: 'n1', id: 1, index: 2 }]);
  });

  it('of five voters needs the answers of two others', () => {
    const cluster = Cluster.withLeader({ replicas: 5 });
    cluster.read('n1');
    for (const peer of ['n4', 'n5']) {
      expect(confirmed(cluster)).toEqual([]);
      cluster.deliver((message) => message.to === peer);
      cluster.deliver((message) => message.from === peer);
    }
    expect(confirmed(cluster)).toEqual([1]);
  });

  it('of a single voter is confirmed at once', () => {
    const cluster = Cluster.withLeader({ replicas: 1 });
    cluster.read('n1');
    expect(confirmed(cluster)).toEqual([1]);
    expect(cluster.sentCount).toBe(0);
  });

  it('waits until an entry of the leader’s own term is committed (B28, etcd#7331)', () => {
    const cluster = freshLeader();
    cluster.holdSyncs('n2');
    cluster.holdSyncs('n3');
    expect(cluster.read('n1').ok).toBe(true);
    cluster.settle();
    expect(confirmed(cluster)).toEqual([]);
    cluster.releaseSyncs('n2');
    cluster.settle();
    expect(confirmed(cluster)).toEqual([1]);
  });

  it('is confirmed by a follower that refuses the entries, as it is in the leader’s term', () => {
    const cluster = Cluster.withLeader();
    cluster.read('n1');
    const reply = cluster.raft('n2').term;
    cluster.input('n1', (raft, nowMs) => {
      raft.step(nowMs, {
        kind: 'appendReply',
        from: 'n2',
        to: 'n1',
        term: reply,
        accepted: false,
        rejectedIndex: raft.commitIndex,
        hintIndex: raft.commitIndex,
        hintTerm: reply,
        readRound: 1,
      });
    });
    expect(confirmed(cluster)).toEqual([1]);
  });

  it('leaves a group without work at rest (L4)', () => {
    const cluster = Cluster.withLeader();
    cluster.read('n1');
    cluster.settle();
    expect(cluster.network.messages).toEqual([]);
    expect(cluster.deadlineMs).toBe(Infinity);
  });

  it('whose appends are lost on a live link is asked again (B35)', () => {
    const cluster = Cluster.withLeader();
    cluster.read('n1');
    cluster.network.drop(() => true);
    cluster.advance(retransmitMs - 1);
    expect(confirmed(cluster)).toEqual([]);
    cluster.advance(1);
    expect(confirmed(cluster)).toEqual([1]);
    cluster.advance(2 * retransmitMs);
    expect(cluster.deadlineMs).toBe(Infinity);
  });
});

describe('a round', () => {
  it('confirms all reads that were asked before it, with one append to each follower', () => {
    const cluster = Cluster.withLeader();
    const before = cluster.sentCount;
    cluster.input('n1', (raft) => {
      for (let i = 0; i < 100; i++) {
        const asked = raft.requestRead();
        if (asked.ok) cluster.history.onRead('n1', asked.id);
      }
    });
    cluster.settle();
    expect(confirmed(cluster)).toHaveLength(100);
    expect(cluster.sentCount - before).toBe(4);
  });

  it('rides on the entries that are sent anyway', () => {
    const cluster = Cluster.withLeader();
    const before = cluster.sentCount;
    cluster.input('n1', (raft) => {
      raft.propose(1, new Uint8Array(1));
      const asked = raft.requestRead();
      if (asked.ok) cluster.history.onRead('n1', asked.id);
    });
    expect(cluster.sentCount - before).toBe(2);
    cluster.settle();
    expect(confirmed(cluster)).toEqual([1]);
  });

  it('confirms no read that was asked after it was sent (thesis 6.4)', () => {
    const cluster = Cluster.withLeader();
    cluster.read('n1');
    for (const peer of ['n2', 'n3']) cluster.deliver((message) => message.to === peer);
    cluster.propose('n1', 'x');
    cluster.read('n1');
    cluster.deliver((message) => message.from === 'n2');
    expect(cluster.history.confirmedReads.map(({ id }) => id)).toEqual([1]);
    cluster.settle();
    expect(cluster.history.confirmedReads.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('also confirms those of earlier rounds whose answers were lost', () => {
    const cluster = Cluster.withLeader();
    cluster.read('n1');
    cluster.network.drop(() => true);
    cluster.read('n1');
    cluster.settle();
    expect(cluster.history.confirmedReads.map(({ id }) => id)).toEqual([1, 2]);
  });
});

describe('a leader that was replaced and does not know it', () => {
  /** n1 leads on in term 1 and hears nothing; n2 leads term 2 and has committed there. */
  function replaced(): Cluster {
    const cluster = Cluster.withLeader();
    for (const peer of ['n2', 'n3']) {
      cluster.network.close('n1', peer);
      cluster.network.close(peer, 'n1');
      cluster.suspect(peer, 'n1');
    }
    cluster.advance(100);
    expect(cluster.leader).toBe('n2');
    cluster.propose('n2', 'newer');
    cluster.settle();
    return cluster;
  }

  it('confirms no read (I18), and refuses it once it learns', () => {
    const cluster = replaced();
    expect(cluster.read('n1').ok).toBe(true);
    for (const peer of ['n2', 'n3']) cluster.suspect('n1', peer);
    cluster.advance(checkQuorumMs - 1);
    expect([confirmed(cluster), cluster.history.refusedReads]).toEqual([[], []]);
    cluster.advance(1);
    expect(confirmed(cluster)).toEqual([]);
    expect(cluster.history.refusedReads).toEqual([{ replica: 'n1', id: 1 }]);
  });

  it('is not helped by answers that were given before (B29, etcd#20418)', () => {
    const cluster = Cluster.withLeader();
    cluster.read('n1');
    for (const peer of ['n2', 'n3']) cluster.deliver((message) => message.to === peer);
    const late = [...withhold(cluster, 'n2', 'n1'), ...withhold(cluster, 'n3', 'n1')];
    for (const peer of ['n2', 'n3']) cluster.suspect(peer, 'n1');
    cluster.advance(100);
    expect(cluster.leader).toBe('n2');
    cluster.network.drop(({ to }) => to === 'n1');
    expect(cluster.raft('n1').role).toBe('leader');
    cluster.read('n1');
    for (const message of late) cluster.step(message);
    expect(cluster.history.confirmedReads.map(({ id }) => id)).toEqual([1]);
  });

  it('refuses what waits when a newer term reaches it, and takes no more', () => {
    const cluster = replaced();
    cluster.read('n1');
    cluster.step(append({ from: 'n2', to: 'n1', term: 2 }));
    expect(cluster.history.refusedReads).toEqual([{ replica: 'n1', id: 1 }]);
    expect(cluster.read('n1')).toEqual({ ok: false, reason: 'notLeader' });
  });
});

describe('a round of an earlier term', () => {
  it('confirms nothing in a later one of the same leader (B29)', () => {
    const cluster = Cluster.withLeader();
    cluster.read('n1');
    const late = ['n2', 'n3'].flatMap((peer) => withhold(cluster, 'n1', peer));
    cluster.input('n1', (raft, nowMs) => {
      raft.stepDown(nowMs, 'DISK_STALLED');
      raft.campaign(nowMs);
    });
    cluster.settle();
    expect([cluster.leader, cluster.raft('n1').term]).toEqual(['n1', 2]);
    cluster.read('n1');
    cluster.network.drop(() => true);
    for (const message of late) cluster.step(message);
    cluster.settle();
    expect(confirmed(cluster)).toEqual([]);
    cluster.advance(retransmitMs);
    expect(cluster.history.confirmedReads.map(({ id }) => id)).toEqual([2]);
  });

  it('is answered with none by a follower that has moved on', () => {
    const cluster = Cluster.withLeader();
    cluster.input('n2', (raft, nowMs) => {
      raft.step(nowMs, append({ from: 'n3', to: 'n2', term: 5, prev: [1, 1] }));
    });
    cluster.step(append({ term: 4, prev: [1, 1], readRound: 7 }));
    const answers = cluster.network.messages.filter(({ to }) => to === 'n1');
    expect(answers).toMatchObject([{ term: asTerm(5), accepted: false, readRound: 0 }]);
  });
});

describe('a read is refused', () => {
  it('by a replica that does not lead', () => {
    expect(Cluster.withLeader().read('n2')).toEqual({ ok: false, reason: 'notLeader' });
  });

  it('by a leader that hears no quorum', () => {
    const cluster = Cluster.withLeader();
    for (const peer of ['n2', 'n3']) cluster.suspect('n1', peer);
    expect(cluster.read('n1')).toEqual({ ok: false, reason: 'notEnoughReplicas' });
  });

  it('beyond the bound of those that wait, and accepted again once they are settled', () => {
    const cluster = Cluster.withLeader({ tuning: { waitingReadsMax: 2 } });
    expect([cluster.read('n1').ok, cluster.read('n1').ok]).toEqual([true, true]);
    expect(cluster.read('n1')).toEqual({ ok: false, reason: 'tooManyReads' });
    cluster.settle();
    expect(cluster.read('n1').ok).toBe(true);
  });

  it('when its leader steps down, whether a round has begun or not', () => {
    const cluster = freshLeader();
    cluster.read('n1');
    cluster.input('n1', (raft, nowMs) => raft.stepDown(nowMs, 'DISK_STALLED'));
    expect(cluster.history.refusedReads).toEqual([{ replica: 'n1', id: 1 }]);
    const settled = Cluster.withLeader();
    settled.read('n1');
    settled.input('n1', (raft, nowMs) => raft.stepDown(nowMs, 'DISK_STALLED'));
    expect(settled.history.refusedReads).toEqual([{ replica: 'n1', id: 1 }]);
  });
});
