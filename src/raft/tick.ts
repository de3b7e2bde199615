/** What a replica does because time has passed. Pure. */

import { failCampaign, startPreVote } from './election.js';
import { retransmit } from './leader.js';
import { resign } from './resign.js';
import { forgetLeader, mayCampaign, type RaftState } from './state.js';
import { expireTransfer } from './transfer.js';

/** Does what is due at `nowMs`; nothing when called early. */
export function tick(state: RaftState, nowMs: number): void {
  if (state.leadership !== undefined) {
    if (state.leadership.checkQuorumDeadlineMs <= nowMs) {
      resign(state, nowMs, 'QUORUM_LOST');
      return;
    }
    expireTransfer(state, nowMs);
    retransmit(state, nowMs);
    return;
  }
  if (state.electionDeadlineMs > nowMs) return;
  if (state.leader !== undefined) forgetLeader(state, nowMs);
  else if (state.role !== 'follower') failCampaign(state, nowMs);
  else if (mayCampaign(state)) startPreVote(state, nowMs);
  else state.electionDeadlineMs = Infinity;
}
