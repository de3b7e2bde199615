/**
 * PartitionFailover and TransferLeadership: make "failed_leader does not lead" true, and answer when another
 * broker has committed in a newer term. Concurrent calls for one partition share one move, each with its own
 * deadline.
 */

import { BellwetherError } from '../errors.js';
import type { PartitionAssignment } from '../cluster/cluster-types.js';
import type { LeadershipReport } from '../cluster/leadership-change.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import {
  checkReplica,
  checkTarget,
  checkTerm,
  type FailoverContext,
  type FailoverRequest,
  successorOf,
} from './failover-checks.js';
import type { GroupHost } from './group-host.js';
import type { KnownLeader } from './leader-table.js';
import { LIMITS } from './limits.js';
import { noLeader } from './refusals.js';

/** As a `FailoverRequest`, with the broker that leads now as the one that should not. */
export type TransferLeadership = Omit<FailoverRequest, 'failedLeader' | 'dryRun'>;

export interface FailoverResult {
  /** In a dry run the one that would lead. */
  readonly newLeader: BrokerId;
  /** In a dry run the present one. */
  readonly newTerm: number;
  /** Rounded up; 0 when nothing had to be done. */
  readonly failoverMs: number;
  readonly outcome: 'MOVED' | 'ALREADY_MOVED' | 'WOULD_MOVE';
  /** How the new leader came about; undefined when nothing was moved by this call, or when it was not told. */
  readonly report: LeadershipReport | undefined;
}

/** A move under way, for all who asked for it. */
interface Move {
  readonly failedLeader: BrokerId;
  /** Rejects when the move has failed; never resolves. */
  readonly failed: Promise<never>;
  /** Who waits for it. */
  callers: number;
  /** The latest of their deadlines. */
  deadlineMs: number;
  /** True once the core here has begun to hand over; before, it cannot have given up. */
  handingOver: boolean;
  readonly abort: (error: unknown) => void;
}

export class Failover {
  readonly #context: FailoverContext;
  readonly #moves = new Map<GroupId, Move>();

  constructor(context: FailoverContext) {
    this.#context = context;
  }

  async run(
    assignment: PartitionAssignment,
    request: FailoverRequest,
    timeoutMs: number,
  ): Promise<FailoverResult> {
    const { clock, table } = this.#context;
    const acceptedMs = clock.monotonicMs();
    checkReplica(assignment, request.failedLeader);
    const current = table.leaderOf(assignment.group);
    if (current !== undefined && current.leader !== request.failedLeader) return alreadyMoved(current);
    checkTerm(this.#context, assignment, request.expectedTerm);
    checkTarget(this.#context, assignment, request);
    if (request.dryRun) {
      const newLeader = successorOf(this.#context, assignment, request);
      const newTerm = table.newestTerm(assignment.group);
      return { newLeader, newTerm, failoverMs: 0, outcome: 'WOULD_MOVE', report: undefined };
    }
    const leader = await this.#moved(assignment, request, acceptedMs + timeoutMs);
    const failoverMs = Math.ceil(clock.monotonicMs() - acceptedMs);
    const { term } = leader;
    // The announcement that told it may have been lost with a link.
    const report = leader.report ?? this.#context.recorded(assignment.group, term);
    return { newLeader: leader.leader, newTerm: term, failoverMs, outcome: 'MOVED', report };
  }

  /** Moves the leadership away from whoever has it now. */
  async handOver(
    assignment: PartitionAssignment,
    request: TransferLeadership,
    timeoutMs: number,
  ): Promise<FailoverResult> {
    const { clock, table } = this.#context;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    const waitMs = Math.min(LIMITS.leaderWaitMsMax, timeoutMs);
    const current = await table.waitFor(assignment.group, waitMs, () => true);
    if (current === undefined) throw noLeader(assignment);
    if (current.leader === request.target) return alreadyMoved(current);
    const leftMs = deadlineMs - clock.monotonicMs();
    return this.run(assignment, { ...request, failedLeader: current.leader, dryRun: false }, leftMs);
  }

  /** Notices a transfer that this broker's core has given up. */
  groupAdvanced({ id, raft }: GroupHost): void {
    const move = this.#moves.get(id);
    if (move?.handingOver !== true || raft.role !== 'leader' || raft.transferTarget !== undefined) return;
    move.abort(aborted(move.failedLeader));
  }

  /**
   * Starts handing over a group that this broker leads, if it still does; who leads next is announced.
   *
   * @throws BellwetherError TARGET_NOT_ELIGIBLE
   */
  transfer(group: GroupHost, target: BrokerId | undefined, maxBlockMs: number): void {
    const result = group.raft.transferLeadership(
      this.#context.clock.monotonicMs(),
      target,
      maxBlockMs,
      'REQUESTED',
    );
    this.#context.wake(group);
    if (result.ok || result.reason !== 'targetNotEligible') return;
    throw new BellwetherError('TARGET_NOT_ELIGIBLE', 'no live follower can take the leadership over', {
      metadata: { target: target ?? '' },
    });
  }

  /** Joins the move that is under way, or begins one, and waits for its outcome until `deadlineMs`. */
  async #moved(
    assignment: PartitionAssignment,
    request: FailoverRequest,
    deadlineMs: number,
  ): Promise<KnownLeader> {
    const { clock, table } = this.#context;
    const { group } = assignment;
    const { failedLeader } = request;
    const known = this.#moves.get(group);
    const move = known?.failedLeader === failedLeader ? known : this.#begin(group, failedLeader);
    move.callers += 1;
    move.deadlineMs = Math.max(move.deadlineMs, deadlineMs);
    if (move !== known) this.#push(assignment, request, move).catch(move.abort);
    const moved = table.waitFor(
      group,
      deadlineMs - clock.monotonicMs(),
      ({ leader }) => leader !== failedLeader,
    );
    try {
      const leader = await Promise.race([moved, move.failed]);
      if (leader !== undefined) return leader;
      throw table.leaderOf(group) === undefined ? noLeader(assignment) : aborted(failedLeader);
    } finally {
      move.callers -= 1;
      if (move.callers === 0) this.#end(group, move);
    }
  }

  #begin(group: GroupId, failedLeader: BrokerId): Move {
    let reject: (error: unknown) => void = () => undefined;
    const failed = new Promise<never>((_, fail) => {
      reject = fail;
    });
    // Whoever waits sees it; with nobody left it interests nobody.
    failed.catch(() => undefined);
    const abort = (error: unknown): void => {
      // Who comes from now on begins anew.
      this.#end(group, move);
      reject(error);
    };
    const move: Move = { failedLeader, failed, callers: 0, deadlineMs: 0, handingOver: false, abort };
    this.#moves.set(group, move);
    return move;
  }

  #end(group: GroupId, move: Move): void {
    if (this.#moves.get(group) === move) this.#moves.delete(group);
  }

  /** Gets the move going: a live leader hands over, a dead one is replaced. */
  async #push(assignment: PartitionAssignment, request: FailoverRequest, move: Move): Promise<void> {
    const { self, transport, clock } = this.#context;
    const { failedLeader, target, maxBlockMs } = request;
    const group = this.#context.groupOf(assignment.group);
    if (group !== undefined && !this.#context.isAlive(failedLeader)) {
      group.raft.campaign(clock.monotonicMs());
      this.#context.wake(group);
    }
    // An election that runs may still make the failed leader win: then it hands over.
    const current = await this.#leaderOf(assignment.group, move);
    if (current?.leader !== failedLeader) return;
    if (failedLeader === self && group !== undefined) {
      this.transfer(group, target, maxBlockMs);
      move.handingOver = true;
      return;
    }
    const order = { group: assignment.group, term: current.term, target, maxBlockMs };
    try {
      await transport.transferLeadership(failedLeader, order, move.deadlineMs - clock.monotonicMs());
    } catch (error) {
      if (!(error instanceof BellwetherError) || error.row.retry === 'never') throw error;
      // That leader is lost, or leads no more: the election that follows is waited for all the same.
    }
  }

  /** Any leader, as soon as there is one, for as long as somebody waits for the move. */
  async #leaderOf(group: GroupId, move: Move): Promise<KnownLeader | undefined> {
    const { clock, table } = this.#context;
    for (;;) {
      const leftMs = move.deadlineMs - clock.monotonicMs();
      if (leftMs <= 0 || move.callers === 0) return undefined;
      const leader = await table.waitFor(group, leftMs, () => true);
      if (leader !== undefined) return leader;
    }
  }
}

function alreadyMoved({ leader, term }: KnownLeader): FailoverResult {
  return { newLeader: leader, newTerm: term, failoverMs: 0, outcome: 'ALREADY_MOVED', report: undefined };
}

function aborted(failedLeader: BrokerId): BellwetherError {
  return new BellwetherError('TRANSFER_ABORTED', `no follower caught up in time; ${failedLeader} leads on`, {
    metadata: { leader: failedLeader },
  });
}
