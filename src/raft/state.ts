/**
 * The state of one replica of one group, and the moves between roles. Pure.
 *
 * Time is an argument everywhere (milliseconds of any monotone clock). Whether another broker is alive
 * comes in from outside: liveness is kept per pair of brokers, not per group, so an idle group has no
 * timer and sends nothing.
 */

import { invariant } from '../invariant.js';
import type { RaftConfig } from './config.js';
import type { RaftLog } from './log.js';
import type { SnapshotReceipt } from './snapshot-receipt.js';
import type { Message, TransferCause } from './messages.js';
import type { Progress } from './progress.js';
import { quorumSize } from './quorum.js';
import { type BrokerId, type LogIndex, type Resignation, type Term } from './types.js';

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** A running campaign. */
export interface Campaign {
  readonly votes: Map<BrokerId, boolean>;
  readonly leadershipTransfer: boolean;
  /** The write that makes the candidate's own vote durable; it counts only then. Undefined in a pre-vote. */
  ownVoteSequence: number | undefined;
}

/** A leadership transfer under way. */
export interface Transfer {
  readonly target: BrokerId;
  /** The target must reach this index before writes are blocked. */
  readonly catchUpIndex: LogIndex;
  readonly maxBlockMs: number;
  readonly cause: TransferCause;
  /** When the present phase is given up. */
  deadlineMs: number;
  blocked: boolean;
  /** Since when writes are refused; Infinity while they go on. */
  blockedSinceMs: number;
  timeoutNowSent: boolean;
}

/** Number of a read, unique in the life of this replica's process. */
export type ReadId = number;

/** Linearizable reads that wait for a quorum to confirm that this replica leads; see reads.ts. */
export interface WaitingReads {
  /** Asked since the last round began. */
  asked: ReadId[];
  /** Rounds without a quorum of answers, the oldest first. */
  readonly rounds: { readonly round: number; readonly index: LogIndex; readonly ids: readonly ReadId[] }[];
  /** All of these together. */
  waiting: number;
  /** Number of the last round that began in this term; 0 before the first. */
  lastRound: number;
}

/** A read that may be answered from the state at `index`, or a later one. */
export interface ConfirmedRead {
  readonly id: ReadId;
  /** Commit index when its round began, inclusive: no less than what was committed when it was asked. */
  readonly index: LogIndex;
}

/** What only a leader keeps. */
export interface Leadership {
  /** When the election was won. */
  readonly sinceMs: number;
  /** Of every other member, learners included. */
  readonly progress: Map<BrokerId, Progress>;
  /** Index of the no-op that opened the term; once committed the leader knows what is committed. */
  readonly termStart: LogIndex;
  readonly uncommitted: { readonly index: LogIndex; readonly bytes: number }[];
  uncommittedBytes: number;
  /** When to step down for want of a quorum; Infinity while one is alive. */
  checkQuorumDeadlineMs: number;
  /** When a commit index that no append has carried goes by itself; Infinity while none waits. */
  commitDueMs: number;
  transfer: Transfer | undefined;
  /** Members that refused a transfer, as their brokers are about to stop; until their links are lost. */
  readonly leaving: Set<BrokerId>;
  readonly reads: WaitingReads;
}

export interface RaftState {
  readonly config: RaftConfig;
  readonly log: RaftLog;
  role: Role;
  term: Term;
  votedFor: BrokerId | undefined;
  /** Who leads `term`, as far as known. */
  leader: BrokerId | undefined;
  /** Highest term whose leader is known to lead no more; its late appends do not bring it back. */
  endedTerm: Term;
  /** Brokers whose link is up, members of the group or not, this replica left out. */
  readonly alive: Set<BrokerId>;
  /** When to campaign, or to give a campaign up; Infinity for never. */
  electionDeadlineMs: number;
  /** The candidate that got this replica's last vote or pre-vote, and may win; undefined where none is awaited. */
  awaited: BrokerId | undefined;
  /** Campaigns in a row that failed; spaces the next one. */
  failedCampaigns: number;
  campaign: Campaign | undefined;
  leadership: Leadership | undefined;
  /** The last time that this replica gave a leadership up by itself. */
  resignation: Resignation | undefined;
  /** A snapshot that a leader is sending; kept over a break of the link, so that it goes on there. */
  receipt: SnapshotReceipt | undefined;
  /** Replica that lost the leadership a short while ago, to be preferred last. */
  deposed: { readonly id: BrokerId; readonly untilMs: number } | undefined;
  /** True once a term, vote or commit index changed that the last Ready did not carry. */
  hardStateDirty: boolean;
  /** Commit index that the writes so far hold, a snapshot's included. */
  commitWritten: LogIndex;
  /** The write that was the first to say that the membership in force is committed. */
  membershipSequence: number;
  writeSequence: number;
  persistedSequence: number;
  messages: Message[];
  messagesAfterPersist: Message[];
  /** Reads asked so far. */
  readSequence: number;
  confirmedReads: ConfirmedRead[];
  refusedReads: ReadId[];
}

/** The voters of the membership in force, in order of preference. */
export function votersOf(state: RaftState): readonly BrokerId[] {
  return state.log.membership.voters;
}

/** False for a learner, and for one that is no member, or not any more: it never campaigns. */
export function isVoter(state: RaftState): boolean {
  return remembers(state) && votersOf(state).includes(state.config.id);
}

/** False also for a voter whose broker is about to stop. */
export function mayCampaign(state: RaftState): boolean {
  return isVoter(state) && state.config.mayLead?.() !== false;
}

/** False for a replica that may have forgotten what it acknowledged. */
export function remembers({ config, log }: RaftState): boolean {
  return log.lastIndex >= (config.votesFrom ?? 0);
}

/** True when the voters that this replica hears from, itself included if it is one, are a quorum. */
export function hearsQuorum(state: RaftState): boolean {
  return hearsQuorumOf(state, votersOf(state));
}

export function hearsQuorumOf(state: RaftState, voters: readonly BrokerId[]): boolean {
  if (voters.length === 0) return false;
  const heard = voters.filter((voter) => voter === state.config.id || state.alive.has(voter));
  return heard.length >= quorumSize(voters.length);
}

/** Becomes a follower of `leader`, or of nobody known, in `term`. */
export function becomeFollower(
  state: RaftState,
  nowMs: number,
  term: Term,
  leader: BrokerId | undefined,
): void {
  invariant(term >= state.term, 'terms never fall (I13)', { term, current: state.term });
  if (term > state.term) {
    if (state.leader !== undefined) noteDeposed(state, nowMs, state.leader);
    state.term = term;
    state.votedFor = undefined;
    state.leader = undefined;
    state.hardStateDirty = true;
  }
  state.role = 'follower';
  state.campaign = undefined;
  if (state.leadership !== undefined) refuseReads(state, state.leadership);
  state.leadership = undefined;
  if (leader === undefined) {
    if (state.leader !== undefined) noteDeposed(state, nowMs, state.leader);
    state.leader = undefined;
    scheduleCampaign(state, nowMs);
  } else {
    followLeader(state, nowMs, leader);
  }
}

/** Nobody can confirm any more that this replica led when its waiting reads were asked. */
function refuseReads(state: RaftState, { reads }: Leadership): void {
  for (const { ids } of reads.rounds) state.refusedReads.push(...ids);
  state.refusedReads.push(...reads.asked);
}

function followLeader(state: RaftState, nowMs: number, leader: BrokerId): void {
  invariant(state.leader === undefined || state.leader === leader, 'a term has one leader (I3)', {
    term: state.term,
    known: state.leader,
    claims: leader,
  });
  watchLeader(state, nowMs, leader);
  if (state.leader === leader) return;
  if (state.deposed !== undefined && (state.deposed.id === leader || state.deposed.untilMs <= nowMs)) {
    state.deposed = undefined;
  }
  state.leader = leader;
  state.failedCampaigns = 0;
}

/**
 * A leader with a live link needs no timer: the loss of the link ends it. One that is heard without a
 * live link, or late from a term that it gave up, is believed for `unconfirmedLeaderMs` only, so that no
 * lost event leaves a group waiting for ever (B31).
 */
export function watchLeader(state: RaftState, nowMs: number, leader: BrokerId): void {
  const { unconfirmedLeaderMs } = state.config.tuning;
  state.electionDeadlineMs = isTrusted(state, leader) ? Infinity : nowMs + unconfirmedLeaderMs;
}

/** True when the leader of the current term has a live link and is not known to have ended. */
export function isTrusted(state: RaftState, leader: BrokerId): boolean {
  return state.alive.has(leader) && state.term > state.endedTerm;
}

/** Learns that `leader` leads `term` no more. Who voted for it and has not heard of its lead waits for it no more. */
export function endLeadership(state: RaftState, nowMs: number, leader: BrokerId, term: Term): void {
  if (term > state.endedTerm) state.endedTerm = term;
  if (term !== state.term) return;
  if (state.role === 'follower' && state.leader === undefined && state.awaited === leader) {
    noteDeposed(state, nowMs, leader);
    scheduleCampaign(state, nowMs);
  } else forgetLeader(state, nowMs);
}

/** Stops believing in the leader: its link broke, or it said that it steps down. */
export function forgetLeader(state: RaftState, nowMs: number): void {
  if (state.role !== 'follower' || state.leader === undefined) return;
  noteDeposed(state, nowMs, state.leader);
  state.leader = undefined;
  scheduleCampaign(state, nowMs);
}

/** Notes who lost the leadership, so that it is not preferred again before the cool-down. */
export function noteDeposed(state: RaftState, nowMs: number, id: BrokerId): void {
  state.deposed = { id, untilMs: nowMs + state.config.tuning.deposedCooldownMs };
}

/**
 * Sets the time of the next campaign: at once for the most preferred live replica, `rankDelayMs` later
 * for each next one. The first failure costs nothing more, as others may have noticed a moment later than
 * this replica; each further one doubles the pause. Never while no quorum is alive: the link that comes
 * up sets it again. Never for one that may not campaign.
 */
export function scheduleCampaign(state: RaftState, nowMs: number): void {
  state.awaited = undefined;
  if (!mayCampaign(state) || !hearsQuorum(state)) {
    state.electionDeadlineMs = Infinity;
    return;
  }
  const { rankDelayMs, campaignBackoffMsMax } = state.config.tuning;
  const backoffMs = Math.min(
    campaignBackoffMsMax,
    rankDelayMs * (2 ** Math.min(Math.max(0, state.failedCampaigns - 1), 16) - 1),
  );
  const jitterMs = state.failedCampaigns === 0 ? 0 : state.config.random() * (backoffMs + rankDelayMs);
  state.electionDeadlineMs =
    nowMs + rankOf(state, nowMs, state.config.id) * rankDelayMs + backoffMs + jitterMs;
}

/**
 * Sets the time of the first campaign of a replica that joins without knowing a leader. The most preferred
 * voter of a new group campaigns at once, and the others leave it a whole election timeout while it is
 * alive; else a leader that lives is given time to speak first.
 */
export function scheduleFirstCampaign(state: RaftState, nowMs: number): void {
  scheduleCampaign(state, nowMs);
  const { id, tuning } = state.config;
  const voters = votersOf(state);
  const [preferred] = voters;
  if (voters.length === 1 || (state.term === 0 && preferred === id)) return;
  const newborn = state.term === 0 && preferred !== undefined && state.alive.has(preferred);
  state.electionDeadlineMs += newborn ? tuning.electionTimeoutMsMax : tuning.leaderDiscoveryMs;
}

/** Position of a voter among the live ones by preference; one deposed lately comes last. */
function rankOf(state: RaftState, nowMs: number, of: BrokerId): number {
  const { id } = state.config;
  const deposed = state.deposed !== undefined && state.deposed.untilMs > nowMs ? state.deposed.id : undefined;
  const live = votersOf(state).filter((voter) => voter === id || voter === of || state.alive.has(voter));
  const ordered = [
    ...live.filter((voter) => voter !== deposed),
    ...live.filter((voter) => voter === deposed),
  ];
  return ordered.indexOf(of);
}
