/** Nothing waits for ever: who waits for something has a timer. */

import { invariant } from '../../src/invariant.js';
import { quorumSize } from '../../src/raft/quorum.js';
import type { Raft } from '../../src/raft/raft.js';
import type { Replica } from './invariants.js';

/** Whoever waits for something has a timer, unless a link that comes up will wake it. */
export function neverStuck(replica: Replica, raft: Raft): void {
  const timed = raft.deadlineMs < Infinity;
  const heard = raft.voters.filter((voter) => voter === replica.id || raft.isAlive(voter)).length;
  const quorum = raft.voters.length > 0 && heard >= quorumSize(raft.voters.length);
  if (raft.role !== 'leader') {
    const { leader } = raft;
    // Only a voter has anything to wait for without a leader.
    if (leader === undefined && !raft.voters.includes(replica.id)) return;
    const waits = leader === undefined ? raft.role !== 'follower' || quorum : !raft.isAlive(leader);
    holds(!waits || timed, 'a replica without a live leader has a timer', replica);
    return;
  }
  const lagging = [...raft.progress].some(
    ([peer, { match, commitConfirmed, readRoundAnswered, readRoundSent }]) =>
      raft.isAlive(peer) &&
      (match < raft.lastIndex || commitConfirmed < raft.commitIndex || readRoundAnswered < readRoundSent),
  );
  const waits = !quorum || lagging || raft.transferTarget !== undefined;
  holds(!waits || timed, 'a leader that waits for an answer has a timer', replica);
}

export function holds(condition: boolean, property: string, replica: Replica): void {
  invariant(condition, property, condition ? undefined : { replica: replica.id, term: replica.raft?.term });
}
