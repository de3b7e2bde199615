/** The replicas of partitions that this broker keeps, as the cluster metadata wants them. */

import type { BellwetherError } from '../errors.js';
import type { ClusterChange, PartitionAssignment } from '../cluster/cluster-types.js';
import type { ClusterState } from '../cluster/cluster-state.js';
import { hostsOf } from '../cluster/desired.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import { PartitionHost } from './partition-host.js';
import type { Subject } from './refusals.js';

export interface PartitionsContext {
  readonly self: BrokerId;
  readonly clock: Clock;
  elsewhere(group: GroupId, subject: Subject): BellwetherError;
  createGroup(group: GroupId, voters: readonly BrokerId[], machine: PartitionHost): GroupHost;
  /** Ends the group on this broker, with all that it has on disk. */
  dropGroup(group: GroupId): void;
}

export class Partitions {
  readonly #context: PartitionsContext;
  readonly #hosts = new Map<GroupId, PartitionHost>();

  constructor(context: PartitionsContext) {
    this.#context = context;
  }

  /** This broker's replica; undefined when it keeps none. */
  get(group: GroupId): PartitionHost | undefined {
    return this.#hosts.get(group);
  }

  metadataChanged(changes: readonly ClusterChange[]): void {
    for (const change of changes) {
      if (change.kind === 'topicCreated') {
        for (const assignment of change.topic.partitions) this.#follow(assignment);
      } else if (change.kind === 'topicDeleted') {
        for (const { group } of change.topic.partitions) this.#drop(group);
      } else if (change.kind === 'assignmentChanged') this.#follow(change.after);
    }
  }

  /**
   * Takes over a state whose history this broker has not seen, from a snapshot. It is one that was committed,
   * and names all partitions that there are: only so may the absence of one delete it (B4).
   */
  adopt(state: ClusterState): void {
    for (const group of this.#hosts.keys()) if (state.assignment(group) === undefined) this.#drop(group);
    for (const assignment of state.byGroup.values()) this.#follow(assignment);
  }

  /** Keeps a replica while the metadata says so. A late one begins empty, with the first members of its group. */
  #follow(assignment: PartitionAssignment): void {
    const { group, initial } = assignment;
    const { self, clock } = this.#context;
    const known = this.#hosts.get(group);
    if (known !== undefined) known.assignment = assignment;
    if (!hostsOf(assignment).includes(self)) {
      if (known !== undefined && !this.#isNamedLater(known)) this.#drop(group);
      return;
    }
    if (known !== undefined) return;
    const host = new PartitionHost(assignment, clock, () => this.#context.elsewhere(group, assignment));
    this.#hosts.set(group, host);
    host.attach(this.#context.createGroup(group, initial, host));
  }

  /**
   * True while the group's own log names this replica in a membership that the metadata has not heard of yet:
   * what it has may be counted on. The report of a later one ends that.
   */
  #isNamedLater({ assignment, group }: PartitionHost): boolean {
    const { index, membership } = group.raft.newestMembership;
    if (index <= assignment.membership.index) return false;
    return [...membership.voters, ...membership.learners].includes(this.#context.self);
  }

  #drop(group: GroupId): void {
    if (this.#hosts.delete(group)) this.#context.dropGroup(group);
  }
}
