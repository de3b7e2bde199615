/** What a leader does: opens its term, replicates, commits, watches its quorum. Pure. */

import { invariant } from '../invariant.js';
import type { AppendReply } from './messages.js';
import { Progress } from './progress.js';
import { committedIndex } from './quorum.js';
import { openRound } from './reads.js';
import { resign } from './resign.js';
import { sendChunk } from './snapshot.js';
import { becomeFollower, hearsQuorum, isVoter, type Leadership, type RaftState, votersOf } from './state.js';
import { advanceTransfer, expireTransfer } from './transfer.js';
import { asLogIndex, type BrokerId, ENTRY_KIND, type EntryKind, type LogIndex, type Term } from './types.js';

const EMPTY = new Uint8Array(0);
const NOTHING = asLogIndex(0);

/** Why a proposal was refused; nothing was appended. */
export type ProposeRefusal = 'notLeader' | 'transferring' | 'notEnoughReplicas' | 'uncommittedBytesExceeded';

export type ProposeResult =
  | { readonly ok: true; readonly index: LogIndex; readonly term: Term }
  | { readonly ok: false; readonly reason: ProposeRefusal };

/** Takes the leadership of the current term and opens it with a no-op (Raft section 8). */
export function becomeLeader(state: RaftState, nowMs: number): void {
  invariant(state.role === 'candidate', 'only a candidate becomes leader', { role: state.role });
  const next = asLogIndex(state.log.lastIndex + 1);
  const progress = new Map<BrokerId, Progress>();
  const { voters, learners } = state.log.membership;
  for (const member of [...voters, ...learners]) {
    if (member !== state.config.id) progress.set(member, new Progress(next));
  }
  state.role = 'leader';
  state.leader = state.config.id;
  state.campaign = undefined;
  state.failedCampaigns = 0;
  state.electionDeadlineMs = Infinity;
  state.leadership = {
    sinceMs: nowMs,
    progress,
    termStart: next,
    uncommitted: [],
    uncommittedBytes: 0,
    checkQuorumDeadlineMs: Infinity,
    commitDueMs: Infinity,
    transfer: undefined,
    leaving: new Set(),
    reads: { asked: [], rounds: [], waiting: 0, lastRound: 0 },
  };
  watchQuorum(state, nowMs);
  state.log.append({ index: next, term: state.term, kind: ENTRY_KIND.NOOP, payload: EMPTY });
}

/** Appends one entry to the leader's log; it is sent and written with the next Ready. */
export function propose(state: RaftState, kind: EntryKind, payload: Uint8Array): ProposeResult {
  const { leadership } = state;
  if (leadership === undefined) return { ok: false, reason: 'notLeader' };
  if (leadership.transfer?.blocked === true) return { ok: false, reason: 'transferring' };
  if (!hearsQuorum(state)) return { ok: false, reason: 'notEnoughReplicas' };
  const bytes = leadership.uncommittedBytes + payload.length;
  if (leadership.uncommitted.length > 0 && bytes > state.config.tuning.uncommittedBytesMax) {
    return { ok: false, reason: 'uncommittedBytesExceeded' };
  }
  const index = asLogIndex(state.log.lastIndex + 1);
  state.log.append({ index, term: state.term, kind, payload });
  leadership.uncommitted.push({ index, bytes: payload.length });
  leadership.uncommittedBytes = bytes;
  return { ok: true, index, term: state.term };
}

export function onAppendReply(state: RaftState, nowMs: number, reply: AppendReply): void {
  if (reply.term > state.term) {
    becomeFollower(state, nowMs, reply.term, undefined);
    return;
  }
  const { leadership } = state;
  const progress = leadership?.progress.get(reply.from);
  if (leadership === undefined || progress === undefined || reply.term < state.term) return;
  progress.answeredRound(reply.readRound);
  if (reply.accepted) {
    invariant(reply.matchIndex <= state.log.lastIndex, 'a match is inside the log (I16)', {
      match: reply.matchIndex,
      last: state.log.lastIndex,
    });
    progress.accepted(nowMs, reply.matchIndex, reply.commitIndex, state.log.lastIndex, state.log.commitIndex);
    advanceCommit(state, nowMs);
    advanceTransfer(state, nowMs);
    return;
  }
  const hint = state.log.findConflictByTerm(reply.hintIndex, reply.hintTerm);
  progress.rejected(nowMs, reply.rejectedIndex, asLogIndex(hint + 1));
}

/**
 * Commits what a quorum has durable, this leader's own disk included only as far as it is written, and
 * only onto an entry of the current term (Raft section 5.4.2, figure 8; I5, I6).
 */
export function advanceCommit(state: RaftState, nowMs: number): void {
  const { leadership, log } = state;
  if (leadership === undefined) return;
  const { id } = state.config;
  const matched = votersOf(state).map((voter) =>
    voter === id ? log.durableIndex : (leadership.progress.get(voter)?.match ?? NOTHING),
  );
  const index = committedIndex(matched);
  const { membershipIndex } = log;
  if (log.termAt(index) !== state.term || !log.commitTo(index)) return;
  if (state.config.persistCommit) state.hardStateDirty = true;
  release(leadership, index);
  if (log.membershipIndex !== membershipIndex) followMembership(state, nowMs);
}

/** What is committed counts no more against the bound. */
function release(leadership: Leadership, index: LogIndex): void {
  let done = 0;
  for (const entry of leadership.uncommitted) {
    if (entry.index > index) break;
    leadership.uncommittedBytes -= entry.bytes;
    done += 1;
  }
  leadership.uncommitted.splice(0, done);
}

/** Takes into account, as a leader, that another membership is in force. */
function followMembership(state: RaftState, nowMs: number): void {
  const { leadership, log } = state;
  if (!isVoter(state)) {
    resign(state, nowMs, 'REASSIGNED');
    return;
  }
  if (leadership === undefined) return;
  const { voters, learners } = log.membership;
  const others = [...voters, ...learners].filter((id) => id !== state.config.id);
  for (const id of leadership.progress.keys()) if (!others.includes(id)) leadership.progress.delete(id);
  for (const id of others) {
    if (leadership.progress.has(id)) continue;
    leadership.progress.set(id, new Progress(asLogIndex(log.lastIndex + 1)));
  }
  watchQuorum(state, nowMs);
  expireTransfer(state, nowMs);
  // A smaller quorum may have more already.
  advanceCommit(state, nowMs);
}

/** Sends every live follower what it lacks, as far as its window is open. */
export function fillAppends(state: RaftState, nowMs: number): void {
  const { leadership, log } = state;
  if (leadership === undefined) return;
  const { persistCommit, tuning } = state.config;
  const rideMs = persistCommit ? 0 : tuning.commitRideMs;
  const isCommitDue = rideMs === 0 || nowMs >= leadership.commitDueMs;
  let doesCommitWait = false;
  for (const [peer, progress] of leadership.progress) {
    if (!state.alive.has(peer)) continue;
    while (progress.isOpen(tuning) && lacksSomething(state, leadership, progress, isCommitDue)) {
      // The entry before the next one is gone, and with it the term that an append would name.
      const gone = progress.next <= log.baseIndex;
      if (gone || progress.state === 'snapshot') sendChunk(state, nowMs, peer, progress);
      else sendAppend(state, leadership, nowMs, peer, progress);
    }
    // With its window closed, its next answer is what is waited for.
    if (progress.commitSent < log.commitIndex && progress.isOpen(tuning)) doesCommitWait = true;
  }
  leadership.commitDueMs = doesCommitWait ? Math.min(leadership.commitDueMs, nowMs + rideMs) : Infinity;
}

/** Counts on nothing that a follower had. */
export function startOver({ leadership, log }: RaftState, follower: BrokerId): void {
  if (leadership?.progress.has(follower) !== true) return;
  leadership.progress.set(follower, new Progress(asLogIndex(log.lastIndex + 1)));
}

/** Starts over with followers that have been silent for too long on a live link (B35). */
export function retransmit(state: RaftState, nowMs: number): void {
  for (const [peer, progress] of state.leadership?.progress ?? []) {
    const dueMs = retransmitDueMs(state, peer, progress);
    if (dueMs <= nowMs) progress.toProbe();
  }
}

/** When the leader must look again: silence of a follower, loss of the quorum, a commit index to tell, end of a transfer. */
export function leaderDeadlineMs(state: RaftState, leadership: Leadership): number {
  const { checkQuorumDeadlineMs, commitDueMs, transfer } = leadership;
  let deadlineMs = Math.min(checkQuorumDeadlineMs, commitDueMs, transfer?.deadlineMs ?? Infinity);
  for (const [peer, progress] of leadership.progress) {
    deadlineMs = Math.min(deadlineMs, retransmitDueMs(state, peer, progress));
  }
  return deadlineMs;
}

/** Sets or lifts the time by which a leader without a quorum steps down (CheckQuorum). */
export function watchQuorum(state: RaftState, nowMs: number): void {
  const { leadership } = state;
  if (leadership === undefined) return;
  if (hearsQuorum(state)) leadership.checkQuorumDeadlineMs = Infinity;
  else if (leadership.checkQuorumDeadlineMs === Infinity) {
    leadership.checkQuorumDeadlineMs = nowMs + state.config.tuning.checkQuorumMs;
  }
}

function retransmitDueMs(state: RaftState, peer: BrokerId, progress: Progress): number {
  if (progress.waitingSinceMs === undefined || !state.alive.has(peer)) return Infinity;
  return progress.waitingSinceMs + state.config.tuning.retransmitMs;
}

function lacksSomething(
  { log }: RaftState,
  leadership: Leadership,
  progress: Progress,
  isCommitDue: boolean,
): boolean {
  if (progress.state !== 'replicate' || progress.next <= log.lastIndex) return true;
  if (isCommitDue && progress.commitSent < log.commitIndex) return true;
  return progress.readRoundSent < openRound(leadership);
}

function sendAppend(
  state: RaftState,
  { reads }: Leadership,
  nowMs: number,
  peer: BrokerId,
  progress: Progress,
): void {
  const prevLogIndex = asLogIndex(progress.next - 1);
  const prevLogTerm = state.log.termAt(prevLogIndex);
  invariant(prevLogTerm !== undefined, 'the entry before the next one is in the log', { prevLogIndex });
  const entries =
    progress.next <= state.log.lastIndex
      ? state.log.entries(progress.next, state.config.tuning.appendBytesMax)
      : [];
  const leaderCommit = state.log.commitIndex;
  state.messages.push({
    kind: 'append',
    from: state.config.id,
    to: peer,
    term: state.term,
    prevLogIndex,
    prevLogTerm,
    leaderCommit,
    entries,
    readRound: reads.lastRound,
  });
  const bytes = entries.reduce((sum, entry) => sum + entry.payload.length, 0);
  progress.sent(nowMs, asLogIndex(prevLogIndex + entries.length), bytes, leaderCommit);
  progress.sentRound(reads.lastRound);
}
