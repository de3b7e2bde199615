/**
 * Who should be the members of a group, who keeps a replica, and whether all is as it should be. Pure.
 *
 * The leader of a group moves its membership towards `desiredMembers`, one change at a time. What the
 * metadata knows of memberships are committed ones, reported after the fact: never ahead of the truth.
 */

import type { BrokerId, GroupId } from '../raft/types.js';
import type { BrokerRegistration, PartitionAssignment, ReportedMembership } from './cluster-types.js';

/** What of the cluster metadata is needed here. */
export interface MembershipView {
  readonly brokers: ReadonlyMap<BrokerId, BrokerRegistration>;
  readonly byGroup: ReadonlyMap<GroupId, PartitionAssignment>;
  readonly clusterMembership: ReportedMembership;
  assignment(group: GroupId): PartitionAssignment | undefined;
}

/**
 * The voters that a group should have, in order of preference; empty for a group that is gone.
 *
 * `present` are the voters of now, which for group 0 set the order, and of whom those unknown to the metadata
 * stay: brokers that the cluster was started with and that have not registered yet. Left out, they are those
 * that the metadata knows of; the leader of group 0 must name its own.
 */
export function desiredMembers(
  state: MembershipView,
  group: GroupId,
  present: readonly BrokerId[] = state.clusterMembership.voters,
): readonly BrokerId[] {
  if (group === 0) return desiredOfCluster(state, present);
  const assignment = state.assignment(group);
  if (assignment === undefined) return [];
  const inPlace = placeOf(assignment).filter((id) => hasDisk(state, id));
  // With nowhere to go the group stays, but still lets go of those whose disk is lost: they wait for that.
  return inPlace.length > 0 ? inPlace : assignment.replicas.filter((id) => hasDisk(state, id));
}

/** Brokers that keep a replica of the partition. One outside drops it. */
export function hostsOf({ replicas, target, membership }: PartitionAssignment): readonly BrokerId[] {
  return [...new Set([...replicas, ...(target ?? []), ...membership.voters, ...membership.learners])];
}

/** True when nothing is left to do: the committed members are those that belong there, and no others. */
export function isSettled(state: MembershipView, group: GroupId): boolean {
  const assignment = state.assignment(group);
  if (assignment !== undefined) {
    const { replicas, target } = assignment;
    return target === undefined && isInPlace(assignment) && replicas.every((id) => hasDisk(state, id));
  }
  const { clusterMembership } = state;
  return (
    group !== 0 ||
    (clusterMembership.learners.length === 0 &&
      sameSet(clusterMembership.voters, desiredOfCluster(state, clusterMembership.voters)))
  );
}

/** Where the replicas belong: where they are being moved to, else where they are. */
export function placeOf({ replicas, target }: PartitionAssignment): readonly BrokerId[] {
  return target ?? replicas;
}

/** True when the committed voters are where the replicas belong, and nobody still learns. */
export function isInPlace(assignment: PartitionAssignment): boolean {
  const { voters, learners } = assignment.membership;
  return learners.length === 0 && sameSet(voters, placeOf(assignment));
}

/** True when the broker is a member of no group, as far as was reported. */
export function standsInNoMembership(state: MembershipView, id: BrokerId): boolean {
  if (isNamedIn(state.clusterMembership, id)) return false;
  for (const { membership } of state.byGroup.values()) if (isNamedIn(membership, id)) return false;
  return true;
}

function isNamedIn({ voters, learners }: ReportedMembership, id: BrokerId): boolean {
  return voters.includes(id) || learners.includes(id);
}

/** True when the broker is a member of no group, and no partition belongs on it. */
export function standsNowhere(state: MembershipView, id: BrokerId): boolean {
  return standsInNoMembership(state, id) && !holdsPartition(state, id);
}

function holdsPartition(state: MembershipView, id: BrokerId): boolean {
  for (const assignment of state.byGroup.values()) if (hostsOf(assignment).includes(id)) return true;
  return false;
}

function desiredOfCluster(state: MembershipView, present: readonly BrokerId[]): readonly BrokerId[] {
  const stays = (id: BrokerId): boolean => {
    const status = state.brokers.get(id)?.status;
    // A broker that leaves votes on while it serves partitions: it must hear what becomes of them.
    return (
      status === undefined || status === 'ACTIVE' || (status === 'REMOVING' && holdsPartition(state, id))
    );
  };
  const added = [...state.brokers.values()].filter(
    ({ id, status }) => status === 'ACTIVE' && !present.includes(id),
  );
  return [...present.filter(stays), ...added.map(({ id }) => id)];
}

function hasDisk(state: MembershipView, id: BrokerId): boolean {
  const status = state.brokers.get(id)?.status;
  return status !== 'REPLACING' && status !== 'JOINING';
}

function sameSet(a: readonly BrokerId[], b: readonly BrokerId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
