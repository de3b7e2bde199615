/**
 * The tables of the cluster metadata, and what keeps them consistent with each other. Pure.
 *
 * Only the command handlers of this folder write here; everybody else sees `ClusterState`.
 */

import { invariant } from '../invariant.js';
import { asGroupId, asLogIndex, type BrokerId, type GroupId } from '../raft/types.js';
import type { CommandResult, RefusalReason } from './commands.js';
import { standsNowhere, standsInNoMembership } from './desired.js';
import { LeadershipHistory } from './leadership-history.js';
import type { TopicOverrides } from './topic-config.js';
import type {
  BrokerRegistration,
  ClusterChange,
  PartitionAssignment,
  ReportedMembership,
  TopicState,
} from './cluster-types.js';

/** What applying a command came to. */
export interface Verdict {
  readonly result: CommandResult;
  /** In the order in which they happened; empty when nothing changed. */
  readonly changes: readonly ClusterChange[];
}

/** The command was accepted. */
export function accepted(...changes: readonly ClusterChange[]): Verdict {
  return { result: { ok: true }, changes };
}

/** The command was refused; nothing changed. */
export function refused(
  reason: RefusalReason,
  message: string,
  metadata: Readonly<Record<string, string>>,
): Verdict {
  return { result: { ok: false, reason, message, metadata }, changes: [] };
}

export class ClusterTables {
  clusterId = '';
  /** Never reused, so that a late message of a deleted group cannot reach a new one. */
  nextGroup = 1;
  /** Never reused. From 1: in JSON, proto3 does not show a 0. */
  nextProducerId = 1;
  /**
   * The voters of group 0. Until its first entry of that kind is committed (index 0) they are the brokers
   * that registered without being added: those that the cluster was started with.
   */
  clusterMembership: ReportedMembership = { index: asLogIndex(0), voters: [], learners: [] };
  readonly brokers = new Map<BrokerId, BrokerRegistration>();
  readonly topics = new Map<string, TopicState>();
  readonly byGroup = new Map<GroupId, PartitionAssignment>();
  leadership = new LeadershipHistory();

  assignment(group: GroupId): PartitionAssignment | undefined {
    return this.byGroup.get(group);
  }

  takeGroup(): GroupId {
    const group = asGroupId(this.nextGroup);
    this.nextGroup += 1;
    return group;
  }

  /** Takes `count` producer ids; returns the first. */
  takeProducerIds(count: number): number {
    const first = this.nextProducerId;
    this.nextProducerId += count;
    return first;
  }

  addTopic(topic: TopicState): void {
    this.topics.set(topic.topic, topic);
    for (const assignment of topic.partitions) this.byGroup.set(assignment.group, assignment);
  }

  putConfig(before: TopicState, config: TopicOverrides): ClusterChange {
    const topic = { ...before, config };
    this.topics.set(topic.topic, topic);
    return { kind: 'topicConfigChanged', topic };
  }

  deleteTopic(topic: TopicState): void {
    this.topics.delete(topic.topic);
    for (const { group } of topic.partitions) {
      this.byGroup.delete(group);
      this.leadership.groupDeleted(group);
    }
  }

  putBroker(broker: BrokerRegistration): ClusterChange {
    this.brokers.set(broker.id, broker);
    return { kind: 'brokerChanged', broker };
  }

  putAssignment(after: PartitionAssignment): ClusterChange {
    const before = this.byGroup.get(after.group);
    const topic = this.topics.get(after.topic);
    invariant(before !== undefined && topic !== undefined, 'an assignment that exists', {
      group: after.group,
    });
    this.byGroup.set(after.group, after);
    const partitions = topic.partitions.map((partition) => (partition === before ? after : partition));
    this.topics.set(after.topic, { ...topic, partitions });
    return { kind: 'assignmentChanged', before, after };
  }

  /**
   * What follows from where the brokers stand: one that stands in no group any more has its lost disk
   * forgotten, or is gone. A late report may show one that awaits its disk in a group: the lost disk is not
   * out of all groups yet, so it waits on. Invariant: no broker that is JOINING is a member of a group (B34).
   */
  settleBrokers(): ClusterChange[] {
    const changes: ClusterChange[] = [];
    for (const broker of [...this.brokers.values()]) {
      if (broker.status === 'REPLACING' && standsInNoMembership(this, broker.id)) {
        changes.push(this.putBroker({ ...broker, incarnation: '', status: 'JOINING' }));
      } else if (broker.status === 'JOINING' && !standsInNoMembership(this, broker.id)) {
        changes.push(this.putBroker({ ...broker, status: 'REPLACING' }));
      } else if (broker.status === 'REMOVING' && standsNowhere(this, broker.id)) {
        this.brokers.delete(broker.id);
        changes.push({ kind: 'brokerGone', broker });
      }
    }
    return changes;
  }
}
