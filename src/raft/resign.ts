/** How a leader ends its leadership by itself. Pure. */

import { becomeFollower, type RaftState } from './state.js';
import type { ResignationCause } from './types.js';

/** Stops leading or campaigning; of a leadership it remembers why it ended. */
export function resign(state: RaftState, nowMs: number, cause: ResignationCause): void {
  if (state.leadership !== undefined) state.resignation = { term: state.term, cause, atMs: nowMs };
  becomeFollower(state, nowMs, state.term, undefined);
}
