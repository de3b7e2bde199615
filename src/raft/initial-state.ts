/** What a replica begins with. Pure. */

import type { RaftConfig } from './config.js';
import type { RaftLog } from './log.js';
import type { RaftState } from './state.js';
import { asLogIndex, asTerm, type BrokerId, type Term } from './types.js';

/** Index before the first entry. */
export const BEFORE_FIRST = asLogIndex(0);

/** The state of a replica that starts, fresh or from what a restart recovered. */
export function initialState(
  config: RaftConfig,
  log: RaftLog,
  hardState: { readonly term: Term; readonly votedFor: BrokerId | undefined },
): RaftState {
  return {
    config,
    log,
    role: 'follower',
    term: hardState.term,
    votedFor: hardState.votedFor,
    leader: undefined,
    endedTerm: asTerm(0),
    alive: new Set(),
    electionDeadlineMs: Infinity,
    awaited: undefined,
    failedCampaigns: 0,
    campaign: undefined,
    leadership: undefined,
    resignation: undefined,
    receipt: undefined,
    deposed: undefined,
    hardStateDirty: false,
    commitWritten: log.commitIndex,
    membershipSequence: 0,
    writeSequence: 0,
    persistedSequence: 0,
    messages: [],
    messagesAfterPersist: [],
    readSequence: 0,
    confirmedReads: [],
    refusedReads: [],
  };
}
