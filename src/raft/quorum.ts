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
  return highestOfQuorum(matched);
}

/** Highest value that a majority of the voters has reached, given that of each voter in any order. */
export function highestOfQuorum<N extends number>(reached: readonly N[]): N {
  const descending = [...reached].sort((a, b) => b - a);
  const value = descending[quorumSize(reached.length) - 1];
  invariant(value !== undefined, 'a quorum is never larger than the voters');
  return value;
}

/** Outcome of an election (Raft section 5.2). Voters without an answer yet are neither. */
export function voteResult(voterCount: number, granted: number, refused: number): VoteResult {
  invariant(granted + refused <= voterCount, 'more votes than voters', { voterCount, granted, refused });
  const needed = quorumSize(voterCount);
  if (granted >= needed) return 'won';
  if (voterCount - refused < needed) return 'lost';
  return 'pending';
}
