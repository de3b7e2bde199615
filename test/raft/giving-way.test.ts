/** Who waits for whose campaign, and for how long: research/raft.md section 3.4, rank stagger. */

import { describe, expect, it } from 'vitest';

import { DEFAULT_RAFT_TUNING } from '../../src/raft/config.js';
import type { BrokerId } from '../../src/raft/types.js';
import { Cluster } from './harness.js';

const { rankDelayMs, electionTimeoutMsMin } = DEFAULT_RAFT_TUNING;

function waitsMs(cluster: Cluster, id: BrokerId): number {
  return cluster.raft(id).deadlineMs - cluster.nowMs;
}

describe('a voter', () => {
  it('lets one go first to whom a pre-vote was given', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    expect(waitsMs(cluster, 'n3')).toBe(rankDelayMs);
    cluster.tick();
    cluster.deliver((message) => message.kind === 'voteRequest');
    expect(waitsMs(cluster, 'n3')).toBe(5 * rankDelayMs);
  });

  it('lets one go first only once: who cannot win holds nobody up', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.tick();
    const request = cluster.deliver((message) => message.kind === 'voteRequest');
    const { deadlineMs } = cluster.raft('n3');
    cluster.nowMs += 2 * rankDelayMs;
    if (request !== undefined) cluster.step(request);
    expect(cluster.raft('n3').deadlineMs).toBe(deadlineMs);
  });

  it.each(['pre-vote', 'vote'])('goes on at once when the one dies to whom its %s was given', (kind) => {
    const cluster = Cluster.withLeader({ replicas: 5 });
    cluster.crash('n1');
    cluster.tick();
    if (kind === 'vote') while (cluster.raft('n2').role !== 'candidate') cluster.deliver();
    cluster.deliver((message) => message.kind === 'voteRequest' && message.to === 'n3');
    expect(waitsMs(cluster, 'n3')).toBeGreaterThanOrEqual(
      kind === 'vote' ? electionTimeoutMsMin : 5 * rankDelayMs,
    );
    cluster.crash('n2');
    expect(waitsMs(cluster, 'n3')).toBe(0);
  });

  it('goes on at once when the one that it elected gave up before it was heard', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.tick();
    while (cluster.raft('n2').role !== 'leader') cluster.deliver((message) => message.kind !== 'append');
    expect(waitsMs(cluster, 'n3')).toBeGreaterThanOrEqual(electionTimeoutMsMin);
    cluster.raft('n3').leaderResigned(cluster.nowMs, 'n2', cluster.raft('n2').term);
    expect(waitsMs(cluster, 'n3')).toBeLessThanOrEqual(rankDelayMs);
  });

  it('waits on when another than the one that it elected leads no more', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.tick();
    while (cluster.raft('n2').role !== 'leader') cluster.deliver((message) => message.kind !== 'append');
    const { deadlineMs } = cluster.raft('n3');
    cluster.raft('n3').leaderResigned(cluster.nowMs, 'n1', cluster.raft('n2').term);
    expect(cluster.raft('n3').deadlineMs).toBe(deadlineMs);
  });

  it('a request for a vote that nobody will answer is no vote, and holds nothing up', () => {
    const cluster = Cluster.withLeader();
    cluster.crash('n1');
    cluster.tick();
    const [request] = cluster.network.messages.filter((message) => message.kind === 'voteRequest');
    if (request?.kind !== 'voteRequest') throw new Error('n2 asks for a pre-vote');
    cluster.raft('n2').voteUnanswered(cluster.nowMs, request);
    expect(cluster.raft('n2').role).toBe('follower');
    expect(waitsMs(cluster, 'n2')).toBeLessThanOrEqual(2 * rankDelayMs);
  });
});
