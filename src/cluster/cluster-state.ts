/** The cluster metadata: brokers, topics, assignments. Pure; changed only by what group 0 has committed. */

import { unreachable } from '../invariant.js';
import type { Membership } from '../raft/membership.js';
import type { BrokerId, GroupId, LogIndex } from '../raft/types.js';
import { alterTopicConfig } from './cluster-config.js';
import {
  cancelReassignment,
  clusterMembershipCommitted,
  createTopic,
  deleteTopic,
  membershipChanged,
  reassignPartition,
} from './cluster-assignments.js';
import { addBroker, registerBroker, removeBroker, replaceBroker } from './cluster-brokers.js';
import { recordLeadership } from './cluster-leadership.js';
import { type ClusterStateJson, tablesFromJson, tablesToJson } from './cluster-json.js';
import { accepted, ClusterTables, type Verdict } from './cluster-tables.js';
import type {
  BrokerRegistration,
  ClusterChange,
  PartitionAssignment,
  ReportedMembership,
  TopicState,
} from './cluster-types.js';
import type { ClusterCommand } from './commands.js';
import type { LeadershipHistoryView } from './leadership-history.js';

export class ClusterState {
  readonly #tables: ClusterTables;

  constructor(tables = new ClusterTables()) {
    this.#tables = tables;
  }

  /** Reads what `toJson` gave. @throws InvariantError for anything else. */
  static fromJson(json: unknown): ClusterState {
    return new ClusterState(tablesFromJson(json));
  }

  /** The whole state as plain data for JSON; the same on every broker that has applied the same. */
  toJson(): ClusterStateJson {
    return tablesToJson(this.#tables);
  }

  /** Empty until the first command has been applied. */
  get clusterId(): string {
    return this.#tables.clusterId;
  }

  /** All groups below this were created at some time. */
  get nextGroup(): number {
    return this.#tables.nextGroup;
  }

  /** In the order in which they were entered. */
  get brokers(): ReadonlyMap<BrokerId, BrokerRegistration> {
    return this.#tables.brokers;
  }

  get topics(): ReadonlyMap<string, TopicState> {
    return this.#tables.topics;
  }

  /** Every partition by its group. */
  get byGroup(): ReadonlyMap<GroupId, PartitionAssignment> {
    return this.#tables.byGroup;
  }

  /** The voters and learners of group 0. */
  get clusterMembership(): ReportedMembership {
    return this.#tables.clusterMembership;
  }

  /** The recent changes of leadership. */
  get leadership(): LeadershipHistoryView {
    return this.#tables.leadership;
  }

  partition(topic: string, partition: number): PartitionAssignment | undefined {
    return this.topics.get(topic)?.partitions[partition];
  }

  assignment(group: GroupId): PartitionAssignment | undefined {
    return this.#tables.assignment(group);
  }

  /** True for a group whose topic is gone: nothing that is said of it counts any more. */
  isDeleted(group: GroupId): boolean {
    return group >= 1 && group < this.nextGroup && !this.byGroup.has(group);
  }

  /** Applies one committed command. Deterministic: every broker gets the same state and result. */
  apply(command: ClusterCommand): Verdict {
    const tables = this.#tables;
    switch (command.kind) {
      case 'initCluster':
        if (tables.clusterId === '') tables.clusterId = command.clusterId;
        return accepted();
      case 'registerBroker':
        return registerBroker(tables, command);
      case 'addBroker':
        return addBroker(tables, command);
      case 'removeBroker':
        return removeBroker(tables, command.id);
      case 'replaceBroker':
        return replaceBroker(tables, command.id);
      case 'createTopic':
        return createTopic(tables, command);
      case 'alterTopicConfig':
        return alterTopicConfig(tables, command);
      case 'deleteTopic':
        return deleteTopic(tables, command.topic);
      case 'reassignPartition':
        return reassignPartition(tables, command);
      case 'cancelReassignment':
        return cancelReassignment(tables, command.topic, command.partition);
      case 'membershipChanged':
        return membershipChanged(tables, command);
      case 'recordLeadership':
        return recordLeadership(tables, command);
      case 'takeProducerIds':
        return { result: { ok: true, firstProducerId: tables.takeProducerIds(command.count) }, changes: [] };
      default:
        return unreachable(command);
    }
  }

  /** Takes in a committed membership of group 0, whose entry stands at `index`. */
  clusterMembershipCommitted(index: LogIndex, membership: Membership): readonly ClusterChange[] {
    return clusterMembershipCommitted(this.#tables, index, membership).changes;
  }
}
