/** The next step from the members that a group has to those that it should have. Pure. */

import type { Membership } from '../raft/membership.js';
import type { BrokerId } from '../raft/types.js';

/** What the leader of a group must know to take the step. */
export interface Members extends Membership {
  readonly leader: BrokerId;
  /** True for a live learner that lacks little. */
  isCaughtUp(learner: BrokerId): boolean;
  isAlive(broker: BrokerId): boolean;
}

export type NextChange =
  | { readonly kind: 'propose'; readonly membership: Membership }
  /** The leader itself does not belong there: another voter, any of those that stay, must lead first. */
  | { readonly kind: 'handOver' }
  /** A learner has to catch up, or a broker to come up. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'done' };

/**
 * Chooses one change, of one voter at most (Ongaro's thesis section 4.1):
 * - Brokers that should not learn stop; those that are missing begin to, all at once.
 * - A voter that should not be one goes as soon as there are more voters than wanted, a dead one first, and
 *   one that is alive only when a wanted one votes already. So the group has no fewer voters than it had or
 *   will have, and the last old one does not go before a new one is there.
 * - Else a learner that has caught up becomes a voter.
 * - Last the order of preference is set right.
 *
 * @param desired - The voters that the group should have, in order of preference; at least one.
 */
export function nextChange(members: Members, desired: readonly BrokerId[]): NextChange {
  const { voters, learners } = members;
  const wantedLearners = learners.filter((id) => desired.includes(id));
  const missing = desired.filter((id) => !voters.includes(id) && !learners.includes(id));
  if (missing.length > 0 || wantedLearners.length < learners.length) {
    return propose(voters, [...wantedLearners, ...missing]);
  }
  const surplus = voters.filter((id) => !desired.includes(id));
  if (voters.length > desired.length) {
    const removed = removal(members, surplus, desired);
    if (removed !== undefined) return removed;
  }
  const ready = desired.find((id) => learners.includes(id) && members.isCaughtUp(id));
  if (ready !== undefined) {
    return propose(
      inOrder([...voters, ready], desired),
      learners.filter((id) => id !== ready),
    );
  }
  if (learners.length > 0 || surplus.length > 0) return { kind: 'wait' };
  const ordered = voters.every((id, at) => id === desired[at]);
  return ordered ? { kind: 'done' } : propose(desired, []);
}

function removal(
  members: Members,
  surplus: readonly BrokerId[],
  desired: readonly BrokerId[],
): NextChange | undefined {
  const { voters, learners, leader } = members;
  const others = surplus.filter((id) => id !== leader);
  const dead = others.find((id) => !members.isAlive(id));
  const stays = voters.some((id) => desired.includes(id));
  const leaves = dead ?? (stays ? others[0] : undefined);
  if (leaves !== undefined) {
    return propose(
      voters.filter((id) => id !== leaves),
      learners,
    );
  }
  const isLast = others.length === 0 && surplus.includes(leader);
  return isLast && voters.some((id) => desired.includes(id) && members.isAlive(id))
    ? { kind: 'handOver' }
    : undefined;
}

/** The wanted ones in order of preference, then those that are about to leave. */
function inOrder(voters: readonly BrokerId[], desired: readonly BrokerId[]): readonly BrokerId[] {
  const wanted = desired.filter((id) => voters.includes(id));
  return [...wanted, ...voters.filter((id) => !desired.includes(id))];
}

function propose(voters: readonly BrokerId[], learners: readonly BrokerId[]): NextChange {
  return { kind: 'propose', membership: { voters, learners } };
}
