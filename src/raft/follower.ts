/** What a follower does with a leader's entries (Raft section 5.3). Pure. */

import { invariant } from '../invariant.js';
import type { Append } from './messages.js';
import { becomeFollower, type RaftState } from './state.js';
import { asLogIndex, asTerm } from './types.js';

const ZERO_TERM = asTerm(0);

export function onAppend(state: RaftState, nowMs: number, append: Append): void {
  if (append.term < state.term) {
    reject(state, append);
    return;
  }
  invariant(state.role !== 'leader' || append.term > state.term, 'a term has one leader (I3)', {
    term: state.term,
    claims: append.from,
  });
  becomeFollower(state, nowMs, append.term, append.from);
  // An append from before the base is late: all that the snapshot stands for is committed, so it matches.
  const late = append.prevLogIndex < state.log.baseIndex;
  if (!late && state.log.termAt(append.prevLogIndex) !== append.prevLogTerm) {
    reject(state, append);
    return;
  }
  const matchIndex = late ? state.log.baseIndex : state.log.appendAfter(append.prevLogIndex, append.entries);
  const commit = asLogIndex(Math.min(append.leaderCommit, matchIndex));
  if (state.log.commitTo(commit) && state.config.persistCommit) state.hardStateDirty = true;
  state.messagesAfterPersist.push({
    kind: 'appendReply',
    from: state.config.id,
    to: append.from,
    term: state.term,
    accepted: true,
    matchIndex,
    commitIndex: state.log.commitIndex,
    readRound: append.readRound,
  });
}

/** Refuses, and says where the logs may agree: one round trip for each term at most. */
function reject(state: RaftState, append: Append): void {
  const hintIndex = state.log.findConflictByTerm(append.prevLogIndex, append.prevLogTerm);
  state.messagesAfterPersist.push({
    kind: 'appendReply',
    from: state.config.id,
    to: append.from,
    term: state.term,
    accepted: false,
    rejectedIndex: append.prevLogIndex,
    hintIndex,
    hintTerm: state.log.termAt(hintIndex) ?? ZERO_TERM,
    // Rounds count from one in each term: one of an earlier term must not confirm one of this (B29).
    readRound: append.term === state.term ? append.readRound : 0,
  });
}
