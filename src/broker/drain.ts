/**
 * Leaves without a gap: hands every leadership over to a follower that has all there is, before the broker
 * stops (Ongaro's thesis section 3.10; Kafka's controlled shutdown, KIP-11). Writes of a group wait for the
 * milliseconds of its own hand-over only.
 */

import type { BrokerId, GroupId } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import { LIMITS } from './limits.js';

export interface DrainContext {
  readonly id: BrokerId;
  readonly clock: Clock;
  groups(): Iterable<GroupHost>;
  wake(group: GroupHost): void;
}

/**
 * Resolves once this broker leads nothing that anybody else could lead, or after `timeoutMs`.
 *
 * @returns Groups that it leads still, because no follower caught up or none is alive.
 */
export async function drain(context: DrainContext, timeoutMs: number): Promise<readonly GroupId[]> {
  const { clock } = context;
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const led = [...context.groups()].filter(({ raft }) => raft.role === 'leader');
    const open = led.filter((group) => handOver(context, group));
    if (open.length === 0 || clock.monotonicMs() >= deadlineMs) return led.map(({ id }) => id);
    await new Promise<void>((resolve) => {
      clock.schedule(LIMITS.drainPauseMs, resolve);
    });
  }
}

/** Begins a hand-over, or sees one going on. False where there is nobody to hand over to. */
function handOver(context: DrainContext, group: GroupHost): boolean {
  const { id, clock } = context;
  const { raft } = group;
  if (raft.transferTarget !== undefined) return true;
  if (!raft.voters.some((voter) => voter !== id && raft.isAlive(voter))) return false;
  // A leader that has not committed in its term yet catches nobody up; it will have in a moment.
  if (raft.leadsWithCommit) {
    raft.transferLeadership(clock.monotonicMs(), undefined, LIMITS.maxBlockMsDefault);
    context.wake(group);
  }
  return true;
}
