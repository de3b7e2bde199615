/** Gives a message to the part of the core that deals with it. Pure. */

import { invariant, unreachable } from '../invariant.js';
import { onVoteReply, onVoteRequest, startCampaign } from './election.js';
import { onAppend } from './follower.js';
import { onAppendReply } from './leader.js';
import type { Message } from './messages.js';
import { onInstallSnapshot, onSnapshotReply } from './snapshot.js';
import { mayCampaign, type RaftState } from './state.js';

/**
 * Takes a message in, whoever sends it: this replica's membership may be behind the sender's. Answers count
 * only from members, each kind by its own rule.
 */
export function step(state: RaftState, nowMs: number, message: Message): void {
  invariant(message.to === state.config.id, 'a message reaches its addressee', { to: message.to });
  if (message.from === state.config.id) return;
  switch (message.kind) {
    case 'voteRequest':
      onVoteRequest(state, nowMs, message);
      break;
    case 'voteReply':
      onVoteReply(state, nowMs, message);
      break;
    case 'append':
      onAppend(state, nowMs, message);
      break;
    case 'appendReply':
      onAppendReply(state, nowMs, message);
      break;
    case 'installSnapshot':
      onInstallSnapshot(state, nowMs, message);
      break;
    case 'snapshotReply':
      onSnapshotReply(state, nowMs, message);
      break;
    case 'timeoutNow':
      if (message.term !== state.term || state.role === 'leader' || !mayCampaign(state)) return;
      startCampaign(state, nowMs, true);
      break;
    default:
      unreachable(message);
  }
}
