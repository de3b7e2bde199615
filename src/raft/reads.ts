/**
 * Linearizable reads by ReadIndex (Ongaro's thesis section 6.4). Pure.
 *
 * A leader may answer a read from its own state once it knows that it still led after the read was asked.
 * It asks its voters with a numbered round that rides on appends: whoever answers one with round `r` in
 * the leader's own term had not moved on to a later term when round `r` began, and a quorum of such voters
 * leaves none for a later leader to have committed with. Safe, because:
 * - The commit index of a new leader may be behind what was acknowledged in earlier terms. So no round
 *   begins before an entry of the leader's own term is committed (B28).
 * - A round number counts up within one leadership, and every message has the term beside it; a term is
 *   led once, and never again after a restart. So no (term, round) is used twice, and no late answer
 *   confirms a read that was asked after it (B29). Who refuses an append of an earlier term answers no round.
 * - A read joins only a round that begins after it was asked; one round confirms all that wait then.
 * - Followers answer as they answer every append: after their disk, in order. Answers to a round would
 *   need no disk, as they promise nothing that must outlive a crash; but the same path keeps the order
 *   of answers, and each one says what is true of the log as well.
 */

import { highestOfQuorum } from './quorum.js';
import { hearsQuorum, type Leadership, type RaftState, type ReadId, votersOf } from './state.js';

/** Why a read was refused; nothing waits for it. */
export type ReadRefusal = 'notLeader' | 'notEnoughReplicas' | 'tooManyReads';

export type ReadResult =
  { readonly ok: true; readonly id: ReadId } | { readonly ok: false; readonly reason: ReadRefusal };

/** Asks for a read; a later Ready names it among `confirmedReads` or `refusedReads`. */
export function requestRead(state: RaftState): ReadResult {
  const { leadership } = state;
  if (leadership === undefined) return { ok: false, reason: 'notLeader' };
  if (!hearsQuorum(state)) return { ok: false, reason: 'notEnoughReplicas' };
  const { reads } = leadership;
  if (reads.waiting >= state.config.tuning.waitingReadsMax) return { ok: false, reason: 'tooManyReads' };
  state.readSequence += 1;
  reads.asked.push(state.readSequence);
  reads.waiting += 1;
  return { ok: true, id: state.readSequence };
}

/** Begins a round for the reads that were asked since the last one, and confirms what a quorum answered. */
export function advanceReads(state: RaftState): void {
  const { leadership, log } = state;
  if (leadership === undefined) return;
  const { progress, reads, termStart } = leadership;
  if (reads.asked.length > 0 && log.commitIndex >= termStart) {
    reads.lastRound += 1;
    reads.rounds.push({ round: reads.lastRound, index: log.commitIndex, ids: reads.asked });
    reads.asked = [];
  }
  if (reads.rounds.length === 0) return;
  const answered = votersOf(state).map((voter) =>
    voter === state.config.id ? reads.lastRound : (progress.get(voter)?.readRoundAnswered ?? 0),
  );
  const confirmed = highestOfQuorum(answered);
  let done = 0;
  for (const { round, index, ids } of reads.rounds) {
    if (round > confirmed) break;
    for (const id of ids) state.confirmedReads.push({ id, index });
    reads.waiting -= ids.length;
    done += 1;
  }
  reads.rounds.splice(0, done);
}

/** The round that live followers must be asked for: the last that is not confirmed yet; 0 for none. */
export function openRound({ reads }: Leadership): number {
  return reads.rounds.at(-1)?.round ?? 0;
}
