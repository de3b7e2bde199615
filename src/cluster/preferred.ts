/**
 * Which broker should lead a group, and how far a cluster is from that. Pure.
 *
 * The preferred leader is the first replica of the present assignment: as placement made it, or as a
 * reassignment named it. While one runs it is the first of those that are to be, as members move there too.
 */

import type { BrokerId, GroupId } from '../raft/types.js';
import type { PartitionAssignment } from './cluster-types.js';
import { desiredMembers, type MembershipView, placeOf } from './desired.js';

/**
 * Undefined for a group that is gone.
 *
 * @param voters - Those in force, as the leader knows them: they set the order for group 0.
 */
export function preferredLeader(
  state: MembershipView,
  group: GroupId,
  voters: readonly BrokerId[],
): BrokerId | undefined {
  if (group === 0) return desiredMembers(state, group, voters)[0];
  const assignment = state.assignment(group);
  return assignment && placeOf(assignment)[0];
}

/** Of the partitions that a broker is the preferred leader of. */
export interface LeaderSpread {
  readonly preferred: number;
  /** Those of them that another broker leads, or nobody. */
  readonly ledElsewhere: number;
}

/** By preferred leader; brokers that are preferred for nothing are left out. Group 0 does not count. */
export function leaderSpread(
  assignments: Iterable<PartitionAssignment>,
  leaderOf: (group: GroupId) => BrokerId | undefined,
): ReadonlyMap<BrokerId, LeaderSpread> {
  const spread = new Map<BrokerId, { preferred: number; ledElsewhere: number }>();
  for (const assignment of assignments) {
    const [preferred] = placeOf(assignment);
    if (preferred === undefined) continue;
    const counted = spread.get(preferred) ?? { preferred: 0, ledElsewhere: 0 };
    spread.set(preferred, counted);
    counted.preferred += 1;
    if (leaderOf(assignment.group) !== preferred) counted.ledElsewhere += 1;
  }
  return spread;
}

/**
 * The share of partitions that their preferred leader does not lead, in percent: 0 to 100, and 0 of none. For
 * one broker it is Kafka's figure, which `leader.imbalance.per.broker.percentage` bounds.
 */
export function imbalancePercent(spreads: Iterable<LeaderSpread>): number {
  let preferred = 0;
  let ledElsewhere = 0;
  for (const spread of spreads) {
    preferred += spread.preferred;
    ledElsewhere += spread.ledElsewhere;
  }
  return preferred === 0 ? 0 : (100 * ledElsewhere) / preferred;
}
