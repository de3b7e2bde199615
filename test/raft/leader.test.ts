/** What a leader commits, how it replicates, and when it rests. */

import { describe, expect, it } from 'vitest';

import { DEFAULT_RAFT_TUNING } from '../../src/raft/config.js';
import type { Message } from '../../src/raft/messages.js';
import { asLogIndex } from '../../src/raft/types.js';
import { Cluster } from './harness.js';
import { accepted } from './make.js';

const { checkQuorumMs, retransmitMs } = DEFAULT_RAFT_TUNING;

function appendsTo(cluster: Cluster, to: string): readonly Message[] {
  return cluster.network.messages.filter((message) => message.kind === 'append' && message.to === to);
}

describe('committing', () => {
  it('opens the term with a no-op, and knows what is committed once that is (Raft 8)', () => {
    const cluster = new Cluster();
    cluster.heal();
    cluster.tick();
    for (let i = 0; i < 20 && cluster.leader === undefined; i++) cluster.deliver();
    expect([cluster.raft('n1').lastIndex, cluster.raft('n1').leadsWithCommit]).toEqual([1, false]);
    cluster.settle();
    expect([cluster.raft('n1').commitIndex, cluster.raft('n1').leadsWithCommit]).toEqual([1, true]);
  });

  it('never counts replicas for an entry of an older term (Raft 5.4.2, figure 8, B17)', () => {
    const cluster = Cluster.withLeader({ tuning: { appendBytesMax: 1 } });
    for (const peer of ['n2', 'n3']) cluster.network.close('n1', peer);
    cluster.propose('n1', 'old');
    cluster.crash('n1');
    cluster.heal();
    cluster.restart('n1');
    cluster.input('n1', (raft, nowMs) => raft.campaign(nowMs));
    let sawQuorumOfOld = false;
    for (;;) {
      const raft = cluster.raft('n1');
      const matches = [...raft.progress.values()].map((progress) => progress.match as number);
      if (raft.role === 'leader' && matches.includes(2) && !matches.includes(3)) {
        sawQuorumOfOld = true;
        expect(raft.commitIndex).toBeLessThan(2);
      }
      if (cluster.deliver() === undefined) break;
    }
    expect(sawQuorumOfOld).toBe(true);
    expect([cluster.raft('n1').term, cluster.raft('n1').commitIndex]).toEqual([2, 3]);
    expect(cluster.log('n3')).toEqual(['old']);
  });

  it('counts the leader’s own disk only once the write is done (B8)', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n3');
    cluster.holdSyncs('n1');
    cluster.propose('n1', 'x');
    cluster.settle();
    expect(cluster.raft('n1').progress.get('n2')?.match).toBe(2);
    expect(cluster.raft('n1').commitIndex).toBe(1);
    cluster.sync('n1');
    expect(cluster.raft('n1').commitIndex).toBe(2);
  });

  it('of a group of one waits for the disk as well (B8)', () => {
    const cluster = Cluster.withLeader({ replicas: 1 });
    cluster.holdSyncs('n1');
    cluster.propose('n1', 'x');
    expect(cluster.raft('n1').commitIndex).toBe(1);
    cluster.sync('n1');
    expect(cluster.raft('n1').commitIndex).toBe(2);
  });

  it('does not wait for the leader’s own disk when a quorum of others has the entry', () => {
    const cluster = Cluster.withLeader();
    cluster.holdSyncs('n1');
    cluster.propose('n1', 'x');
    cluster.settle();
    expect([cluster.raft('n1').commitIndex, cluster.raft('n1').durableIndex]).toEqual([2, 1]);
  });

  it('ignores what was acknowledged in an older term (B16)', () => {
    const cluster = Cluster.withLeader();
    for (const target of ['n2', 'n1']) {
      cluster.input(cluster.leader ?? '', (raft, nowMs) =>
        raft.transferLeadership(nowMs, target, 100, 'REQUESTED'),
      );
      cluster.settle();
    }
    expect([cluster.leader, cluster.raft('n1').term]).toEqual(['n1', 3]);
    cluster.propose('n1', 'x');
    cluster.step(accepted('n2', 'n1', 1, 4));
    expect(cluster.raft('n1').progress.get('n2')?.match).toBe(3);
    expect(cluster.raft('n1').commitIndex).toBe(3);
  });
});

describe('replicating', () => {
  it('is pipelined: further entries leave before earlier ones are answered', () => {
    const cluster = Cluster.withLeader();
    for (const text of ['a', 'b', 'c']) cluster.propose('n1', text);
    expect(appendsTo(cluster, 'n2')).toMatchObject([
      { prevLogIndex: 1 },
      { prevLogIndex: 2 },
      { prevLogIndex: 3 },
    ]);
  });

  it('stops at the window and goes on with the answers', () => {
    const cluster = Cluster.withLeader({ tuning: { inflightMessagesMax: 2 } });
    for (const text of ['a', 'b', 'c', 'd', 'e']) cluster.propose('n1', text);
    expect(appendsTo(cluster, 'n2')).toHaveLength(2);
    cluster.settle();
    expect(cluster.log('n2')).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('splits what a follower lacks into appends of a bounded size', () => {
    const cluster = Cluster.withLeader({ tuning: { appendBytesMax: 8 } });
    cluster.isolate('n3');
    for (let i = 0; i < 9; i++) cluster.propose('n1', 'xxxx');
    cluster.settle();
    cluster.heal();
    let largest = 0;
    for (;;) {
      const message = cluster.deliver();
      if (message === undefined) break;
      if (message.kind === 'append') largest = Math.max(largest, message.entries.length);
    }
    expect(largest).toBe(2);
    expect(cluster.raft('n3').lastIndex).toBe(10);
  });

  it('sends again what was lost in silence (B35)', () => {
    const cluster = Cluster.withLeader();
    cluster.network.close('n1', 'n3');
    cluster.propose('n1', 'x');
    cluster.settle();
    cluster.network.open('n1', 'n3');
    cluster.advance(retransmitMs - 1);
    expect(cluster.log('n3')).toEqual([]);
    cluster.advance(1);
    expect(cluster.log('n3')).toEqual(['x']);
    expect(cluster.deadlineMs).toBe(Infinity);
  });

  it('is not wedged by one lost append in the middle of many (B35)', () => {
    const cluster = Cluster.withLeader();
    for (const text of ['a', 'b', 'c']) cluster.propose('n1', text);
    const lost = appendsTo(cluster, 'n3')[1];
    cluster.network.drop((message) => message === lost);
    cluster.settle();
    expect(cluster.log('n3')).toEqual(['a', 'b', 'c']);
  });

  it('sends a follower that comes up late only what it lacks, after a probe or two (L4)', () => {
    const cluster = Cluster.withLeader({ tuning: { appendBytesMax: 64 } });
    for (let i = 0; i < 50; i++) cluster.propose('n1', 'x');
    cluster.settle();
    cluster.crash('n3');
    for (let i = 0; i < 50; i++) cluster.propose('n1', 'x');
    cluster.settle();
    cluster.input('n1', (raft, nowMs) => raft.transferLeadership(nowMs, 'n2', 100, 'REQUESTED'));
    cluster.settle();
    cluster.restart('n3');
    let sent = 0;
    let refused = 0;
    for (;;) {
      const message = cluster.deliver();
      if (message === undefined) break;
      if (message.kind === 'append' && message.to === 'n3') sent += message.entries.length;
      if (message.kind === 'appendReply' && !message.accepted) refused += 1;
    }
    expect([cluster.leader, cluster.raft('n3').lastIndex]).toEqual(['n2', 102]);
    expect(sent).toBeLessThanOrEqual(52);
    expect(refused).toBeLessThanOrEqual(2);
  });
});

describe('an idle group', () => {
  it('knows the commit index everywhere, then sends nothing and has no timer', () => {
    const cluster = Cluster.withLeader();
    cluster.propose('n1', 'x');
    cluster.settle();
    expect(cluster.ids.map((id) => cluster.raft(id).commitIndex)).toEqual([2, 2, 2]);
    expect(cluster.deadlineMs).toBe(Infinity);
    const before = cluster.sentCount;
    cluster.advance(3_600_000);
    expect(cluster.sentCount).toBe(before);
  });

  it('has no timer for a replica that is down', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n3');
    cluster.propose('n1', 'x');
    cluster.settle();
    expect(cluster.deadlineMs).toBe(Infinity);
  });
});

describe('refusing a proposal', () => {
  it('names the cap on uncommitted bytes, and appends nothing', () => {
    const cluster = Cluster.withLeader({ tuning: { uncommittedBytesMax: 10 } });
    for (const peer of ['n2', 'n3']) cluster.network.close('n1', peer);
    expect(cluster.propose('n1', 'x'.repeat(6)).ok).toBe(true);
    expect(cluster.propose('n1', 'x'.repeat(5))).toEqual({ ok: false, reason: 'uncommittedBytesExceeded' });
    expect(cluster.propose('n1', 'x'.repeat(4)).ok).toBe(true);
    expect(cluster.raft('n1').lastIndex).toBe(3);
  });

  it('ends with the commit: no byte leaks (I19)', () => {
    const cluster = Cluster.withLeader({ tuning: { uncommittedBytesMax: 10 } });
    for (let i = 0; i < 50; i++) {
      expect(cluster.propose('n1', 'x'.repeat(5)).ok).toBe(true);
      expect(cluster.propose('n1', 'x'.repeat(5)).ok).toBe(true);
      expect(cluster.propose('n1', 'x').ok).toBe(false);
      cluster.settle();
    }
  });

  it('lets one entry above the cap pass alone', () => {
    const cluster = Cluster.withLeader({ tuning: { uncommittedBytesMax: 10 } });
    expect(cluster.propose('n1', 'x'.repeat(11)).ok).toBe(true);
  });

  it('names a follower', () => {
    const cluster = Cluster.withLeader();
    expect(cluster.propose('n2', 'x')).toEqual({ ok: false, reason: 'notLeader' });
  });

  it('names the lack of a live quorum', () => {
    const cluster = Cluster.withLeader();
    cluster.isolate('n1');
    expect(cluster.propose('n1', 'x')).toEqual({ ok: false, reason: 'notEnoughReplicas' });
  });
});

describe('the commit index of a leader', () => {
  it('is written by itself only where that is asked for', () => {
    for (const persistCommit of [false, true]) {
      const cluster = Cluster.withLeader({ persistCommit });
      cluster.propose('n1', 'x');
      cluster.settle();
      expect(cluster.disk('n1').hardState.commit).toBe(persistCommit ? 2 : 1);
    }
  });
});

describe('stepping down', () => {
  it('comes when no quorum was heard for the time of CheckQuorum (thesis 6.2)', () => {
    const cluster = Cluster.withLeader();
    cluster.isolate('n1');
    const fellAtMs = cluster.nowMs;
    cluster.advance(checkQuorumMs - 1);
    expect(cluster.raft('n1').role).toBe('leader');
    cluster.advance(1);
    expect([cluster.raft('n1').role, cluster.nowMs - fellAtMs]).toEqual(['follower', checkQuorumMs]);
    expect(cluster.raft('n1').leader).toBeUndefined();
  });

  it('does not come when the quorum is back in time', () => {
    const cluster = Cluster.withLeader();
    cluster.isolate('n1');
    cluster.nowMs += checkQuorumMs - 1;
    cluster.heal();
    cluster.tick();
    expect(cluster.raft('n1').role).toBe('leader');
    expect(cluster.raft('n1').deadlineMs).toBeGreaterThan(cluster.nowMs + 1);
  });

  it('comes with the first answer of a later term', () => {
    const cluster = Cluster.withLeader();
    cluster.step(accepted('n2', 'n1', 7, 0));
    expect([cluster.raft('n1').role, cluster.raft('n1').term]).toEqual(['follower', 7]);
  });

  it('does not lose entries of an isolated leader’s successor: its own tail gives way (Raft figure 7)', () => {
    const cluster = Cluster.withLeader();
    cluster.isolate('n1');
    cluster.network.open('n2', 'n1');
    cluster.hear('n1', 'n2');
    cluster.propose('n1', 'lost');
    cluster.advance(1_000);
    expect(cluster.leader).toBe('n2');
    cluster.propose('n2', 'kept');
    cluster.settle();
    cluster.heal();
    cluster.advance(2_000);
    expect(cluster.ids.map((id) => cluster.log(id))).toEqual([['kept'], ['kept'], ['kept']]);
    expect(cluster.raft('n1').durableIndex).toBe(asLogIndex(3));
  });
});
