/**
 * Leaves without a gap: hands every leadership over to a follower that has all there is, before the broker
 * stops (Ongaro's thesis section 3.10; Kafka's controlled shutdown, KIP-11). Writes of a group wait for the
 * milliseconds of its own hand-over only. From the first moment the broker campaigns no more and refuses
 * leaderships (RaftConfig.mayLead), so none comes back; a target that leaves too refuses at once.
 */

import type { BrokerId, GroupId } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import type { LeaderTable } from './leader-table.js';
import { LIMITS } from './limits.js';

export interface DepartureContext {
  readonly self: BrokerId;
  readonly clock: Clock;
  readonly table: LeaderTable;
  groups(): Iterable<GroupHost>;
  wake(group: GroupHost): void;
  /** Nothing moves here any more, and nobody is sent here. */
  begun(): void;
  /** Answers the long polls, so that nobody is cut off who waits. */
  endPolls(): void;
}

export class Departure {
  readonly #context: DepartureContext;
  #hasBegun = false;

  constructor(context: DepartureContext) {
    this.#context = context;
  }

  /** True from then on: nothing takes it back. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /**
   * Resolves once this broker leads nothing that anybody else could lead, and knows who leads what it has
   * handed over: then the writes that it took have their answers, and later ones are told where to go. After
   * `timeoutMs` at the latest; then it lingers, to tell them.
   *
   * @returns Groups that it leads still, because no follower caught up or none can take over.
   */
  async run(timeoutMs: number): Promise<readonly GroupId[]> {
    const { clock } = this.#context;
    this.#hasBegun = true;
    this.#context.begun();
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    const handedOver = new Set<GroupId>();
    let successorsByMs = -Infinity;
    for (;;) {
      const nowMs = clock.monotonicMs();
      const led = this.#led();
      const open = led.filter((group) => handOver(this.#context, group));
      for (const { id } of open) handedOver.add(id);
      if (open.length > 0) successorsByMs = nowMs + LIMITS.successorWaitMs;
      const isDone = open.length === 0 && (nowMs >= successorsByMs || this.#areLed(handedOver));
      if (isDone || nowMs >= deadlineMs) break;
      await pause(clock, LIMITS.drainPauseMs);
    }
    this.#context.endPolls();
    // Those who were just told where to go get there before the end of this process keeps everybody busy.
    if (handedOver.size > 0) await pause(clock, LIMITS.lingerMs);
    return this.#led().map(({ id }) => id);
  }

  #led(): GroupHost[] {
    return [...this.#context.groups()].filter(({ raft }) => raft.role === 'leader');
  }

  /** True when each of them has a leader that is known here, and is not this broker. */
  #areLed(groups: ReadonlySet<GroupId>): boolean {
    const { self, table } = this.#context;
    return [...groups].every((id) => (table.leaderOf(id)?.leader ?? self) !== self);
  }
}

function pause(clock: Clock, pauseMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(pauseMs, resolve);
  });
}

/** Begins a hand-over, or sees one going on. False where there is nobody to hand over to. */
function handOver(context: DepartureContext, group: GroupHost): boolean {
  const { self, clock } = context;
  const { raft } = group;
  if (raft.transferTarget !== undefined) return true;
  // A leader that has not committed in its term yet catches nobody up; it will have in a moment.
  if (!raft.leadsWithCommit) return raft.voters.some((voter) => voter !== self && raft.isAlive(voter));
  const { ok } = raft.transferLeadership(
    clock.monotonicMs(),
    undefined,
    LIMITS.maxBlockMsDefault,
    'SHUTDOWN',
  );
  context.wake(group);
  return ok;
}
