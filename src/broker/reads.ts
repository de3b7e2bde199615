/** Waits until a quorum has confirmed that a group is led from here: what a linearizable read needs. */

import type { BellwetherError } from '../errors.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import { readTimedOut, refusedRead, type Subject } from './refusals.js';

export interface Read {
  readonly group: GroupHost;
  readonly subject: Subject;
  /** Makes the error for a broker that leads no more: NOT_LEADER with a hint, or NO_LEADER. */
  readonly elsewhere: () => BellwetherError;
  /** Called once to have the group driven. */
  readonly woken: () => void;
}

/**
 * Resolves once the state machine of the group may be read: it has all that was acknowledged before the
 * call, whoever acknowledged it.
 *
 * @throws BellwetherError NOT_LEADER or NO_LEADER when this broker does not lead, or stops before a quorum
 * has confirmed it; NOT_ENOUGH_REPLICAS, TOO_MANY_READS; REQUEST_TIMEOUT after `timeoutMs`.
 */
export function confirmed(clock: Clock, read: Read, timeoutMs: number): Promise<void> {
  const { group, subject, elsewhere } = read;
  return new Promise((resolve, reject) => {
    const ticket = group.requestRead((verdict) => {
      cancel();
      if (verdict === 'confirmed') resolve();
      else reject(elsewhere());
    });
    if (!ticket.ok) {
      reject(refusedRead(ticket.reason, subject, elsewhere));
      return;
    }
    const cancel = clock.schedule(timeoutMs, () => {
      ticket.stop();
      reject(group.raft.role === 'leader' ? readTimedOut(subject, timeoutMs) : elsewhere());
    });
    read.woken();
  });
}
