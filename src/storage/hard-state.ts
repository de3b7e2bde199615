/** What a group begins with: before anything is known of it. */
import { asLogIndex, asTerm, type HardState } from '../raft/types.js';

export const INITIAL_HARD_STATE: HardState = {
  term: asTerm(0),
  votedFor: undefined,
  commit: asLogIndex(0),
};
