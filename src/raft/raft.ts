/**
 * One replica of one Raft group: the door of the core. Pure.
 *
 * Inputs are messages, the passing of time, proposals, what the links to other brokers do, and what the
 * disk has finished. The only output is `ready()`, whose contract is in ready.ts. Nothing here does I/O,
 * knows a clock or draws a random number by itself, so one seed replays a run to the byte.
 *
 * Sources: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (extended
 * version); Ongaro's thesis, sections 3.10 (transfer), 4 (membership), 6.2 (CheckQuorum), 6.4 (ReadIndex),
 * 9.6 (PreVote).
 * The shape is that of etcd-io/raft with asynchronous storage writes.
 */

import { invariant } from '../invariant.js';
import { type RaftConfig, validateRaftConfig } from './config.js';
import { type ChangeResult, isCaughtUp, membershipIsKnown, proposeMembership } from './changes.js';
import { countOwnVote, onVoteUnanswered, startPreVote } from './election.js';
import {
  advanceCommit,
  fillAppends,
  leaderDeadlineMs,
  propose,
  type ProposeResult,
  startOver,
} from './leader.js';
import { BEFORE_FIRST, initialState } from './initial-state.js';
import { begin, linkDown, linkRenewed, linkUp } from './links.js';
import { type EntrySource, type LogObserver, RaftLog, type RecoveredLog, type Snapshot } from './log.js';
import type { Membership } from './membership.js';
import type { MembershipAt } from './memberships.js';
import type { Message, TransferCause, VoteRequest } from './messages.js';
import type { Progress } from './progress.js';
import { advanceReads, type ReadResult, requestRead } from './reads.js';
import { type Ready, takeReady } from './ready.js';
import { endLeadership, hearsQuorum, mayCampaign, type RaftState, type Role } from './state.js';
import { resign } from './resign.js';
import { step } from './step.js';
import { tick } from './tick.js';
import { bestFollower, startTransfer, transferRefused, type TransferResult } from './transfer.js';
import {
  asTerm,
  type BrokerId,
  type EntryKind,
  type HardState,
  type LogIndex,
  type Resignation,
  type ResignationCause,
  type Term,
} from './types.js';

/** What a restart found on disk. */
export interface Recovered {
  readonly hardState: HardState;
  readonly log: RecoveredLog;
}

export class Raft {
  /** Term that the restart found on disk; 0 for a replica that was made afresh. */
  readonly recoveredTerm: Term;
  readonly #state: RaftState;

  constructor(config: RaftConfig, source: EntrySource, recovered?: Recovered, observer?: LogObserver) {
    validateRaftConfig(config);
    const hardState = recovered?.hardState ?? { term: asTerm(0), votedFor: undefined, commit: BEFORE_FIRST };
    const initial = { voters: config.voters, learners: [] };
    const log = new RaftLog(source, initial, recovered?.log, hardState.commit, observer);
    invariant(log.lastTerm <= hardState.term, 'no entry is of a later term than the replica', {
      lastTerm: log.lastTerm,
      term: hardState.term,
    });
    this.recoveredTerm = hardState.term;
    this.#state = initialState(config, log, hardState);
  }

  get role(): Role {
    return this.#state.role;
  }

  get term(): Term {
    return this.#state.term;
  }

  /** Who leads the current term, as far as known. */
  get leader(): BrokerId | undefined {
    return this.#state.leader;
  }

  get lastIndex(): LogIndex {
    return this.#state.log.lastIndex;
  }

  get commitIndex(): LogIndex {
    return this.#state.log.commitIndex;
  }

  /** Every entry up to here is on this replica's disk. */
  get durableIndex(): LogIndex {
    return this.#state.log.durableIndex;
  }

  /** In force; see memberships.ts. */
  get membership(): Membership {
    return this.#state.log.membership;
  }

  /** The newest in the log, whether it is in force or not, and its entry. */
  get newestMembership(): MembershipAt {
    return this.#state.log.newestMembership;
  }

  /** The entry that holds the one in force; 0 for the one that the group was made with. */
  get membershipIndex(): LogIndex {
    return this.#state.log.membershipIndex;
  }

  /**
   * True for a leader when a majority of the voters in force know that they are. Until then those of the
   * membership before may be needed: who was removed must keep its replica.
   */
  get membershipIsKnown(): boolean {
    return membershipIsKnown(this.#state);
  }

  get voters(): readonly BrokerId[] {
    return this.membership.voters;
  }

  /** What the log begins with; undefined while it is whole. */
  get snapshot(): Snapshot | undefined {
    return this.#state.log.snapshot;
  }

  termAt(index: LogIndex): Term | undefined {
    return this.#state.log.termAt(index);
  }

  /** True for a leader that has committed in its term, and so knows all that is committed. */
  get leadsWithCommit(): boolean {
    const { leadership, log } = this.#state;
    return leadership !== undefined && log.commitIndex >= leadership.termStart;
  }

  /** When this leader was elected, and the index of the entry that opened its term; undefined for others. */
  get electedAs(): { readonly sinceMs: number; readonly termStart: LogIndex } | undefined {
    return this.#state.leadership;
  }

  /** The last time that this replica gave a leadership up by itself; undefined for never. */
  get resignation(): Resignation | undefined {
    return this.#state.resignation;
  }

  /** Milliseconds for which a replica that lost the leadership is still preferred last; 0 for none. */
  coolDownMs(nowMs: number, replica: BrokerId): number {
    const { deposed } = this.#state;
    return deposed?.id === replica ? Math.max(0, deposed.untilMs - nowMs) : 0;
  }

  /** To whom this replica would hand over now; undefined for nobody, and where it does not lead. */
  successor(nowMs: number): BrokerId | undefined {
    return bestFollower(this.#state, nowMs);
  }

  /** Target of the transfer under way; undefined for none. */
  get transferTarget(): BrokerId | undefined {
    return this.#state.leadership?.transfer?.target;
  }

  /** True while a transfer keeps this leader from taking writes. */
  get isHandingOver(): boolean {
    return this.#state.leadership?.transfer?.blocked === true;
  }

  /** Each follower's progress, for a leader; empty otherwise. For reports, not to be changed. */
  get progress(): ReadonlyMap<BrokerId, Readonly<Progress>> {
    return this.#state.leadership?.progress ?? new Map<BrokerId, Progress>();
  }

  /** True when a learner lacks so little that it can be made a voter without holding up commits. */
  isCaughtUp(learner: BrokerId): boolean {
    const progress = this.#state.leadership?.progress.get(learner);
    return progress !== undefined && this.isAlive(learner) && isCaughtUp(this.#state, progress);
  }

  /** True when the link to the broker is up. */
  isAlive(peer: BrokerId): boolean {
    return this.#state.alive.has(peer);
  }

  /** When `tick` is due next, on the caller's clock; Infinity while nothing is. */
  get deadlineMs(): number {
    const { leadership } = this.#state;
    return leadership === undefined
      ? this.#state.electionDeadlineMs
      : leaderDeadlineMs(this.#state, leadership);
  }

  /** Takes a message in. */
  step(nowMs: number, message: Message): void {
    step(this.#state, nowMs, message);
  }

  /** Does what is due. Call at `deadlineMs` or later; early calls do nothing. */
  tick(nowMs: number): void {
    tick(this.#state, nowMs);
  }

  /** Appends an entry, if this replica leads. */
  propose(kind: EntryKind, payload: Uint8Array): ProposeResult {
    return propose(this.#state, kind, payload);
  }

  /** Appends the membership that is to follow, if this replica leads; see changes.ts for the rules. */
  proposeMembership(next: Membership): ChangeResult {
    return proposeMembership(this.#state, next);
  }

  /**
   * Forgets the log up to `index`, which is committed, applied and on disk: `data` is a snapshot of the state
   * machine, taken at `index` or later, that makes up for it. The next Ready has it to write.
   */
  compact(index: LogIndex, data: Uint8Array): void {
    const { snapshotBytesMax } = this.#state.config.tuning;
    invariant(data.length <= snapshotBytesMax, 'a snapshot has its bound', { bytes: data.length });
    this.#state.log.compact(index, data);
  }

  /** Asks for a linearizable read; a later Ready tells what became of it. */
  requestRead(): ReadResult {
    return requestRead(this.#state);
  }

  /** Begins to take part, with the brokers whose links are up. Call once, before all else. */
  start(nowMs: number, alive: Iterable<BrokerId> = []): void {
    begin(this.#state, nowMs, alive);
  }

  /** Starts an election now; does nothing where one runs, a leader is known, or no quorum is alive. */
  campaign(nowMs: number): void {
    const state = this.#state;
    if (state.role !== 'follower' || state.leader !== undefined) return;
    if (!mayCampaign(state) || !hearsQuorum(state)) return;
    startPreVote(state, nowMs);
  }

  /** Hands the leadership over to `target`, or to the follower with the longest log. */
  transferLeadership(
    nowMs: number,
    target: BrokerId | undefined,
    maxBlockMs: number,
    cause: TransferCause,
  ): TransferResult {
    return startTransfer(this.#state, nowMs, target, maxBlockMs, cause);
  }

  /** Learns that the target of a transfer will not lead, now or until its next life; see transfer.ts. */
  transferRefused(target: BrokerId, term: Term, isLeaving: boolean): void {
    transferRefused(this.#state, target, term, isLeaving);
  }

  /** Learns that the link to a broker is up: what was sent before may be lost. */
  peerUp(nowMs: number, peer: BrokerId): void {
    linkUp(this.#state, nowMs, peer);
  }

  /** Learns that the connection to a broker is another one: what was sent before may be lost. */
  peerRenewed(nowMs: number, peer: BrokerId): void {
    linkRenewed(this.#state, nowMs, peer);
  }

  /** Learns that a broker is suspected dead or cut off. */
  peerDown(nowMs: number, peer: BrokerId): void {
    linkDown(this.#state, nowMs, peer);
  }

  /** Learns that nobody will answer a request for a vote that this replica has sent. */
  voteUnanswered(nowMs: number, request: VoteRequest): void {
    onVoteUnanswered(this.#state, nowMs, request);
  }

  /** Learns that a broker may be another disk than before: nothing that it had is counted on (B12). */
  peerReplaced(peer: BrokerId): void {
    startOver(this.#state, peer);
  }

  /** Learns that a leader stepped down by itself in `term`, while its broker lives on (B26). */
  leaderResigned(nowMs: number, leader: BrokerId, term: Term): void {
    if (leader !== this.#state.config.id) endLeadership(this.#state, nowMs, leader, term);
  }

  /** Stops leading or campaigning, for example because the disk does not answer. */
  stepDown(nowMs: number, cause: ResignationCause): void {
    if (this.#state.role !== 'follower') resign(this.#state, nowMs, cause);
  }

  /** Learns that write `sequence` of an earlier Ready, and all before it, are on disk. */
  persisted(nowMs: number, sequence: number): void {
    const state = this.#state;
    invariant(sequence <= state.writeSequence, 'only what was handed out can be on disk', { sequence });
    if (sequence <= state.persistedSequence) return;
    state.persistedSequence = sequence;
    state.log.persisted(sequence);
    countOwnVote(state, nowMs);
    advanceCommit(state, nowMs);
  }

  /** Takes what is to be done now; see ready.ts. */
  ready(nowMs: number): Ready {
    advanceReads(this.#state);
    fillAppends(this.#state, nowMs);
    return takeReady(this.#state);
  }
}
