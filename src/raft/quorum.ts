/** Quorum arithmetic over a majority of voters. Pure functions; property-tested against a slow oracle. */

import { invariant } from '../invariant.js';
import type { LogIndex } from './types.js';

/** How an election stands. */
export type VoteResult = 'won' | 'lost' | 'pending';

/** Smallest number of voters that is a majority of `voterCount`. */
export function quorumSize(voterCount: number): number {
  invariant(voterCount >= 1, 'a group has at least one voter', { voterCount });
  return Math.floor(voterCount / 2) + 1;
}

/**
 * Highest index that a majority of the voters has durable (Raft section 5.3).
 *
 * @param matched - Durable index of each voter, the leader's own included, in any order.
 */
export function committedIndex(matched: readonly LogIndex[]): LogIndex {
  const descending = [...matched].sort((a, b) => b - a);
  const index = descending[quorumSize(matched.length) - 1];
  invariant(index !== undefined, 'a quorum is never larger than the voters');
  return index;
}

/** Outcome of an election (Raft section 5.2). Voters without an answer yet are neither. */
export function voteResult(voterCount: number, granted: number, refused: number): VoteResult {
  invariant(granted + refused <= voterCount, 'more votes than voters', { voterCount, granted, refused });
  const needed = quorumSize(voterCount);
  if (granted >= needed) return 'won';
  if (voterCount - refused < needed) return 'lost';
  return 'pending';
}
