/** Leadership transfer (Ongaro's thesis 3.10): it moves, or it leaves no trace. */

import { describe, expect, it } from 'vitest';

import { DEFAULT_RAFT_TUNING, type RaftTuning } from '../../src/raft/config.js';
import { asTerm, type BrokerId } from '../../src/raft/types.js';
import { Cluster } from './harness.js';

const { deposedCooldownMs, retransmitMs, transferCatchUpMs } = DEFAULT_RAFT_TUNING;
const MAX_BLOCK_MS = 200;

function transfer(cluster: Cluster, target: BrokerId | undefined): unknown {
  return cluster.input('n1', (raft, nowMs) =>
    raft.transferLeadership(nowMs, target, MAX_BLOCK_MS, 'REQUESTED'),
  );
}

/** A cluster whose n2 lacks an entry that was lost on the way without anybody noticing. */
function lagging(tuning: Partial<RaftTuning> = {}): Cluster {
  const cluster = Cluster.withLeader({ tuning });
  cluster.network.close('n1', 'n2');
  cluster.propose('n1', 'a');
  cluster.settle();
  cluster.network.open('n1', 'n2');
  return cluster;
}

describe('a transfer', () => {
  it('to a caught-up follower takes no time and one term', () => {
    const cluster = Cluster.withLeader();
    expect(transfer(cluster, 'n3')).toEqual({ ok: true });
    cluster.settle();
    expect(cluster.leader).toBe('n3');
    expect(cluster.ids.map((id) => [cluster.raft(id).term, cluster.raft(id).leader])).toEqual([
      [2, 'n3'],
      [2, 'n3'],
      [2, 'n3'],
    ]);
    expect(cluster.raft('n1').transferTarget).toBeUndefined();
  });

  it('to a target whose broker is about to stop ends at once, and that one is not asked again', () => {
    const cluster = Cluster.withLeader();
    cluster.network.close('n1', 'n2');
    transfer(cluster, 'n2');
    expect(cluster.raft('n1').isHandingOver).toBe(true);
    cluster.input('n1', (raft) => raft.transferRefused('n2', asTerm(9), true));
    expect(cluster.raft('n1').transferTarget, 'a refusal of another term is none').toBe('n2');
    cluster.input('n1', (raft) => raft.transferRefused('n2', asTerm(1), true));
    expect(cluster.raft('n1').transferTarget).toBeUndefined();
    expect(cluster.propose('n1', 'a').ok).toBe(true);
    expect(transfer(cluster, 'n2')).toEqual({ ok: false, reason: 'targetNotEligible' });
    expect(transfer(cluster, undefined)).toEqual({ ok: true });
    expect(cluster.raft('n1').transferTarget).toBe('n3');
  });

  it('to a target that was about to stop is possible again once its connection is another one', () => {
    const cluster = Cluster.withLeader();
    cluster.network.close('n1', 'n2');
    transfer(cluster, 'n2');
    cluster.input('n1', (raft) => raft.transferRefused('n2', asTerm(1), true));
    expect(transfer(cluster, 'n2')).toEqual({ ok: false, reason: 'targetNotEligible' });
    cluster.input('n1', (raft, nowMs) => raft.peerRenewed(nowMs, 'n2'));
    expect(transfer(cluster, 'n2'), 'it may have been started again (simulator seed 118)').toEqual({
      ok: true,
    });
  });

  it('to a target that declines for now ends at once, and that one may be asked again', () => {
    const cluster = Cluster.withLeader();
    cluster.network.close('n1', 'n2');
    transfer(cluster, 'n2');
    cluster.input('n1', (raft) => raft.transferRefused('n2', asTerm(9), false));
    expect(cluster.raft('n1').transferTarget, 'a word of another term is none').toBe('n2');
    cluster.input('n1', (raft) => raft.transferRefused('n3', asTerm(1), false));
    expect(cluster.raft('n1').transferTarget, 'nor is that of another broker').toBe('n2');
    cluster.input('n1', (raft) => raft.transferRefused('n2', asTerm(1), false));
    expect(cluster.raft('n1').transferTarget).toBeUndefined();
    expect(cluster.propose('n1', 'a').ok).toBe(true);
    expect(transfer(cluster, 'n2')).toEqual({ ok: true });
  });

  it('first catches the target up while writes go on', () => {
    const cluster = lagging();
    transfer(cluster, 'n2');
    expect(cluster.propose('n1', 'b').ok).toBe(true);
    expect(cluster.network.messages.some((message) => message.kind === 'timeoutNow')).toBe(false);
    cluster.advance(retransmitMs);
    expect(cluster.leader).toBe('n2');
    expect(cluster.log('n2')).toEqual(['a', 'b']);
  });

  it('orders the campaign only once the target has every entry, also those of the meantime', () => {
    const cluster = lagging({ inflightMessagesMax: 1, appendBytesMax: 1 });
    transfer(cluster, 'n2');
    for (const text of ['b', 'c']) cluster.propose('n1', text);
    cluster.nowMs += retransmitMs;
    cluster.tick();
    let ordered = false;
    for (let i = 0; i < 200 && !ordered; i++) {
      cluster.deliver();
      ordered = cluster.network.messages.some((message) => message.kind === 'timeoutNow');
    }
    expect(ordered).toBe(true);
    expect(cluster.log('n2')).toEqual(['a', 'b', 'c']);
  });

  it('spares a follower that was deposed lately when none is named', () => {
    for (const [afterMs, expected] of [
      [0, 'n3'],
      [deposedCooldownMs, 'n1'],
    ] as const) {
      const cluster = Cluster.withLeader();
      cluster.input('n1', (raft, nowMs) => raft.stepDown(nowMs, 'DISK_STALLED'));
      cluster.advance(100);
      cluster.advance(afterMs);
      cluster.input('n2', (raft, nowMs) =>
        raft.transferLeadership(nowMs, undefined, MAX_BLOCK_MS, 'REQUESTED'),
      );
      cluster.settle();
      expect(cluster.leader).toBe(expected);
    }
  });

  it('refuses writes between the order and the new leader', () => {
    const cluster = Cluster.withLeader();
    transfer(cluster, 'n2');
    expect(cluster.propose('n1', 'x')).toEqual({ ok: false, reason: 'transferring' });
    expect(cluster.raft('n1').transferTarget).toBe('n2');
  });

  it('picks the live follower with the longest log when none is named', () => {
    const cluster = lagging();
    transfer(cluster, undefined);
    cluster.settle();
    expect(cluster.leader).toBe('n3');
  });

  it('loses nothing that was committed before it', () => {
    const cluster = Cluster.withLeader();
    for (const text of ['a', 'b']) cluster.propose('n1', text);
    transfer(cluster, 'n2');
    cluster.settle();
    cluster.propose('n2', 'c');
    cluster.settle();
    expect(cluster.ids.map((id) => cluster.log(id))).toEqual([1, 2, 3].map(() => ['a', 'b', 'c']));
  });
});

describe('a transfer is refused', () => {
  it.each([
    ['to a replica that is down', 'n3'],
    ['to a stranger', 'n9'],
    ['to the leader itself', 'n1'],
  ])('%s', (_, target) => {
    const cluster = Cluster.withLeader();
    cluster.crash('n3');
    expect(transfer(cluster, target)).toEqual({ ok: false, reason: 'targetNotEligible' });
    expect(cluster.propose('n1', 'x').ok).toBe(true);
  });

  it('when nobody else is alive', () => {
    const cluster = Cluster.withLeader();
    cluster.isolate('n1');
    expect(transfer(cluster, undefined)).toEqual({ ok: false, reason: 'targetNotEligible' });
  });

  it('while another runs', () => {
    const cluster = Cluster.withLeader();
    transfer(cluster, 'n2');
    expect(transfer(cluster, 'n3')).toEqual({ ok: false, reason: 'alreadyTransferring' });
  });

  it('by a follower', () => {
    const cluster = Cluster.withLeader();
    const result = cluster.input('n2', (raft, nowMs) =>
      raft.transferLeadership(nowMs, 'n3', MAX_BLOCK_MS, 'REQUESTED'),
    );
    expect(result).toEqual({ ok: false, reason: 'notLeader' });
  });
});

/** Expects that the leader goes on as if nothing had been (I20). */
function expectNoTrace(cluster: Cluster): void {
  expect(cluster.raft('n1').role).toBe('leader');
  expect(cluster.raft('n1').transferTarget).toBeUndefined();
  expect(cluster.propose('n1', 'after').ok).toBe(true);
  cluster.advance(0);
  expect(cluster.log('n1').at(-1)).toBe('after');
  expect(cluster.raft('n1').commitIndex).toBe(cluster.raft('n1').lastIndex);
  expect(cluster.deadlineMs).toBe(Infinity);
}

describe('a transfer that fails leaves no trace', () => {
  it('when its order is lost: writes are blocked for maxBlockMs at most (B22, B23)', () => {
    const cluster = Cluster.withLeader();
    transfer(cluster, 'n2');
    expect(cluster.network.drop((message) => message.kind === 'timeoutNow')).toBe(1);
    cluster.advance(MAX_BLOCK_MS - 1);
    expect(cluster.propose('n1', 'x').ok).toBe(false);
    cluster.advance(1);
    expectNoTrace(cluster);
  });

  it('when its target dies before it campaigns', () => {
    const cluster = Cluster.withLeader();
    transfer(cluster, 'n2');
    cluster.crash('n2');
    expectNoTrace(cluster);
  });

  it('when its target cannot catch up in time, without ever blocking writes', () => {
    const cluster = lagging();
    cluster.holdSyncs('n2');
    transfer(cluster, 'n2');
    cluster.advance(transferCatchUpMs - 1);
    expect(cluster.raft('n1').transferTarget).toBe('n2');
    expect(cluster.propose('n1', 'b').ok).toBe(true);
    cluster.advance(1);
    expect(cluster.raft('n1').transferTarget).toBeUndefined();
    cluster.releaseSyncs('n2');
    cluster.advance(0);
    expectNoTrace(cluster);
  });

  it('may be tried again', () => {
    const cluster = Cluster.withLeader();
    transfer(cluster, 'n2');
    cluster.network.drop((message) => message.kind === 'timeoutNow');
    cluster.advance(MAX_BLOCK_MS);
    expect(transfer(cluster, 'n2')).toEqual({ ok: true });
    cluster.settle();
    expect(cluster.leader).toBe('n2');
  });
});

describe('a transfer that is overtaken', () => {
  it('by a leader that steps down is forgotten with the leadership (B22)', () => {
    const cluster = lagging();
    transfer(cluster, 'n2');
    cluster.input('n1', (raft, nowMs) => raft.stepDown(nowMs, 'DISK_STALLED'));
    expect(cluster.raft('n1').transferTarget).toBeUndefined();
  });

  it('by the death of a target that has begun to campaign ends with a leader', () => {
    const cluster = Cluster.withLeader();
    transfer(cluster, 'n2');
    cluster.deliver((message) => message.kind === 'timeoutNow');
    expect([cluster.raft('n2').role, cluster.raft('n2').term]).toEqual(['candidate', 2]);
    cluster.crash('n2');
    cluster.advance(1_000);
    expect(cluster.leader).toBeDefined();
    expect(cluster.propose(cluster.leader ?? '', 'x').ok).toBe(true);
  });

  it('a repeated order starts no second campaign', () => {
    const cluster = Cluster.withLeader();
    transfer(cluster, 'n2');
    const order = cluster.network.messages.find((message) => message.kind === 'timeoutNow');
    if (order !== undefined) cluster.network.messages.push(order);
    cluster.settle();
    expect([cluster.leader, cluster.raft('n2').term]).toEqual(['n2', 2]);
  });

  it('a late order after the leader went on costs a term, and no entry', () => {
    const cluster = Cluster.withLeader();
    transfer(cluster, 'n2');
    const order = cluster.network.take((message) => message.kind === 'timeoutNow');
    cluster.advance(MAX_BLOCK_MS);
    cluster.propose('n1', 'x');
    cluster.settle();
    if (order !== undefined) cluster.step(order);
    cluster.advance(1_000);
    expect(cluster.ids.map((id) => cluster.log(id))).toEqual([['x'], ['x'], ['x']]);
    expect(cluster.raft(cluster.leader ?? '').term).toBeGreaterThan(1);
  });
});
