/** The replicas of partitions that this broker keeps, as the cluster metadata wants them. */

import type { BellwetherError } from '../errors.js';
import type { ClusterChange, PartitionAssignment } from '../cluster/cluster-types.js';
import type { ClusterState } from '../cluster/cluster-state.js';
import { hostsOf } from '../cluster/desired.js';
import { configInForce, type TopicConfig } from '../cluster/topic-config.js';
import { asLogIndex, type BrokerId, type GroupId, type LogIndex } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import { PartitionHost } from './partition-host.js';
import type { Subject } from './refusals.js';

export interface PartitionsContext {
  readonly self: BrokerId;
  /** Identity of this broker's disk. */
  readonly incarnation: string;
  readonly clock: Clock;
  state(): ClusterState;
  /** Groups that the disk holds and nobody has claimed since the start. */
  readonly unclaimed: { has(group: GroupId): boolean; keys(): Iterable<GroupId> };
  elsewhere(group: GroupId, subject: Subject): BellwetherError;
  createGroup(
    group: GroupId,
    spec: { readonly voters: readonly BrokerId[]; readonly votesFrom: LogIndex },
    machine: PartitionHost,
  ): GroupHost;
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

  /** Answers whoever waits for a record with none. */
  endPolls(): void {
    for (const host of this.#hosts.values()) host.endPolls();
  }

  /**
   * Goes by where the metadata stands now, not by what it was at each change: many come at once to a broker
   * that starts, or was cut off. A replica that went and came back meanwhile stays, with all that it has.
   *
   * Until the metadata knows the broker with this disk it is a past of which the disk has no part: another
   * one may have kept the replicas then, and what that one promised is not remembered here (B12).
   */
  metadataChanged(changes: readonly ClusterChange[]): void {
    if (!this.#isRegistered()) return;
    const { self } = this.#context;
    for (const change of changes) {
      if (change.kind === 'brokerChanged' && change.broker.id === self) this.adopt();
      if (change.kind === 'topicCreated' || change.kind === 'topicDeleted') {
        for (const { group } of change.topic.partitions) this.#look(group);
      } else if (change.kind === 'assignmentChanged') this.#look(change.after.group);
    }
  }

  /**
   * Takes over a state whose history this broker has not followed. It is one that was committed, and names
   * all partitions that there are: only so may the absence of one delete it (B4).
   */
  adopt(): void {
    if (!this.#isRegistered()) return;
    const state = this.#context.state();
    const here = new Set([...this.#hosts.keys(), ...this.#context.unclaimed.keys()]);
    for (const group of here) if (state.isDeleted(group)) this.#drop(group);
    for (const assignment of state.byGroup.values()) this.#follow(assignment);
  }

  #isRegistered(): boolean {
    const { self, incarnation } = this.#context;
    return this.#context.state().brokers.get(self)?.incarnation === incarnation;
  }

  #look(group: GroupId): void {
    const state = this.#context.state();
    const assignment = state.assignment(group);
    if (assignment !== undefined) this.#follow(assignment);
    else if (state.isDeleted(group)) this.#drop(group);
  }

  /** Keeps a replica while the metadata says so. A late one begins empty, with the first members of its group. */
  #follow(assignment: PartitionAssignment): void {
    const { group } = assignment;
    const belongs = hostsOf(assignment).includes(this.#context.self);
    let host = this.#hosts.get(group);
    if (host !== undefined) host.assignment = assignment;
    // What the disk holds of one that does not belong here tells itself whether it may go.
    else if (belongs || this.#context.unclaimed.has(group)) host = this.#create(assignment);
    if (!belongs && host !== undefined && !this.#isNamedLater(host)) this.#drop(group);
  }

  #create(assignment: PartitionAssignment): PartitionHost {
    const { group, initial: voters, membership } = assignment;
    const { clock, self } = this.#context;
    // One that votes by what was reported has its log. Any other may have been here before, and was dropped.
    const votesFrom = membership.voters.includes(self) ? asLogIndex(0) : membership.index;
    const elsewhere = (): BellwetherError => this.#context.elsewhere(group, assignment);
    const config = (): TopicConfig =>
      configInForce(this.#context.state().topics.get(assignment.topic)?.config ?? {});
    const host = new PartitionHost(assignment, clock, elsewhere, config);
    this.#hosts.set(group, host);
    host.attach(this.#context.createGroup(group, { voters, votesFrom }, host));
    return host;
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
    const host = this.#hosts.get(group);
    this.#hosts.delete(group);
    this.#context.dropGroup(group);
    host?.dropped();
  }
}
