/**
 * PartitionFailover: makes "failed_leader does not lead" true, and answers when another broker has
 * committed in a newer term. Concurrent calls for one partition share one move.
 */

import { BellwetherError } from '../errors.js';
import type { PartitionAssignment } from '../cluster/cluster-types.js';
import { hostsOf } from '../cluster/desired.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import type { KnownLeader, LeaderTable } from './leader-table.js';
import type { PeerTransport } from './peer-port.js';
import { noLeader } from './refusals.js';

export interface FailoverRequest {
  readonly failedLeader: BrokerId;
  readonly expectedTerm: number | undefined;
  readonly target: BrokerId | undefined;
  readonly maxBlockMs: number;
}

export interface FailoverResult {
  readonly newLeader: BrokerId;
  readonly newTerm: number;
  /** Rounded up; 0 when nothing had to be done. */
  readonly failoverMs: number;
  readonly outcome: 'MOVED' | 'ALREADY_MOVED';
}

export interface FailoverContext {
  readonly self: BrokerId;
  readonly clock: Clock;
  readonly table: LeaderTable;
  readonly transport: PeerTransport;
  isAlive(broker: BrokerId): boolean;
  groupOf(id: GroupId): GroupHost | undefined;
  wake(group: GroupHost): void;
}

interface Move {
  readonly failedLeader: BrokerId;
  readonly done: Promise<KnownLeader>;
  /** True once the core here has begun to hand over; before, it cannot have given up. */
  handingOver: boolean;
  abort(error: BellwetherError): void;
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
    checkReplica(assignment, request);
    const current = table.leaderOf(assignment.group);
    if (current !== undefined && current.leader !== request.failedLeader) {
      return { newLeader: current.leader, newTerm: current.term, failoverMs: 0, outcome: 'ALREADY_MOVED' };
    }
    this.#checkTerm(assignment, request);
    this.#checkTarget(assignment, request);
    let move = this.#moves.get(assignment.group);
    if (move?.failedLeader !== request.failedLeader) move = this.#start(assignment, request, timeoutMs);
    const leader = await move.done;
    const failoverMs = Math.ceil(clock.monotonicMs() - acceptedMs);
    return { newLeader: leader.leader, newTerm: leader.term, failoverMs, outcome: 'MOVED' };
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
    const result = group.raft.transferLeadership(this.#context.clock.monotonicMs(), target, maxBlockMs);
    this.#context.wake(group);
    if (result.ok || result.reason !== 'targetNotEligible') return;
    throw new BellwetherError('TARGET_NOT_ELIGIBLE', 'no live follower can take the leadership over', {
      metadata: { target: target ?? '' },
    });
  }

  #start(assignment: PartitionAssignment, request: FailoverRequest, timeoutMs: number): Move {
    const { table } = this.#context;
    const { group } = assignment;
    const { failedLeader } = request;
    let abort: (error: BellwetherError) => void = () => undefined;
    const abandoned = new Promise<never>((_, reject) => {
      abort = reject;
    });
    const moved = table
      .waitFor(group, timeoutMs, ({ leader }) => leader !== failedLeader)
      .then((leader) => {
        if (leader !== undefined) return leader;
        throw table.leaderOf(group) === undefined ? noLeader(assignment) : aborted(failedLeader);
      });
    const pushed = this.#push(assignment, request, timeoutMs, () => {
      move.handingOver = true;
    });
    const done = Promise.race([pushed.then(() => moved), moved, abandoned]).finally(() => {
      if (this.#moves.get(group) === move) this.#moves.delete(group);
    });
    // Whoever joined sees the outcome through `done`; these are its sources.
    moved.catch(() => undefined);
    const move: Move = { failedLeader, done, handingOver: false, abort };
    this.#moves.set(group, move);
    return move;
  }

  /** Gets the move going: a live leader hands over, a dead one is replaced. */
  async #push(
    assignment: PartitionAssignment,
    request: FailoverRequest,
    timeoutMs: number,
    handingOver: () => void,
  ): Promise<void> {
    const { self, table, transport, clock } = this.#context;
    const { failedLeader, target, maxBlockMs } = request;
    const group = this.#context.groupOf(assignment.group);
    if (group !== undefined && !this.#context.isAlive(failedLeader)) {
      group.raft.campaign(clock.monotonicMs());
      this.#context.wake(group);
    }
    // An election that runs may still make the failed leader win: then it hands over.
    const current = await table.waitFor(assignment.group, timeoutMs, () => true);
    if (current?.leader !== failedLeader) return;
    if (failedLeader === self && group !== undefined) {
      this.transfer(group, target, maxBlockMs);
      handingOver();
      return;
    }
    const order = { group: assignment.group, term: current.term, target, maxBlockMs };
    try {
      await transport.transferLeadership(failedLeader, order, timeoutMs);
    } catch (error) {
      if (!(error instanceof BellwetherError) || error.row.retry === 'never') throw error;
      // That leader is lost, or leads no more: the election that follows is waited for all the same.
    }
  }

  #checkTerm({ group, topic, partition }: PartitionAssignment, { expectedTerm }: FailoverRequest): void {
    const term = this.#context.table.newestTerm(group);
    if (expectedTerm === undefined || expectedTerm === term) return;
    throw new BellwetherError(
      'FENCED_TERM',
      `${topic}/${String(partition)} is in term ${String(term)}, not ${String(expectedTerm)}`,
      {
        metadata: {
          topic,
          partition: String(partition),
          term: String(term),
          expected_term: String(expectedTerm),
        },
      },
    );
  }

  #checkTarget(assignment: PartitionAssignment, { target, failedLeader }: FailoverRequest): void {
    if (target === undefined) return;
    const problem = !hostsOf(assignment).includes(target)
      ? 'holds no replica'
      : target === failedLeader
        ? 'is the failed leader'
        : this.#context.isAlive(target)
          ? undefined
          : 'is not heard from';
    if (problem === undefined) return;
    throw new BellwetherError('TARGET_NOT_ELIGIBLE', `broker ${target} ${problem}`, { metadata: { target } });
  }
}

function checkReplica(assignment: PartitionAssignment, { failedLeader }: FailoverRequest): void {
  const { topic, partition } = assignment;
  const replicas = hostsOf(assignment);
  if (replicas.includes(failedLeader)) return;
  throw new BellwetherError(
    'INVALID_REQUEST',
    `failed_leader: broker ${failedLeader} holds no replica of ${topic}/${String(partition)}`,
    { metadata: { field: 'failed_leader', replicas: replicas.join(',') } },
  );
}

function aborted(failedLeader: BrokerId): BellwetherError {
  return new BellwetherError('TRANSFER_ABORTED', `no follower caught up in time; ${failedLeader} leads on`, {
    metadata: { leader: failedLeader },
  });
}
