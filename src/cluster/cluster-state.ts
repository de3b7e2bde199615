/** The cluster metadata: brokers, topics, assignments. Pure; changed only by committed commands. */

import { invariant, unreachable } from '../invariant.js';
import { asGroupId, type BrokerId, type GroupId } from '../raft/types.js';
import type { ClusterCommand, CommandResult, CreateTopic, RegisterBroker } from './commands.js';

export interface BrokerRegistration {
  readonly id: BrokerId;
  readonly incarnation: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  readonly rack: string;
}

export interface PartitionAssignment {
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  readonly group: GroupId;
  /** The preferred leader first. */
  readonly replicas: readonly BrokerId[];
}

export interface TopicState {
  readonly topic: string;
  readonly replicationFactor: number;
  /** Ordered by number, without gaps. */
  readonly partitions: readonly PartitionAssignment[];
}

/** What a command changed, for the broker that hosts the replicas. */
export type ClusterChange =
  | { readonly kind: 'brokerRegistered'; readonly broker: BrokerRegistration }
  | { readonly kind: 'topicCreated'; readonly topic: TopicState }
  | { readonly kind: 'topicDeleted'; readonly topic: TopicState }
  | { readonly kind: 'none' };

const OK: CommandResult = { ok: true };

export class ClusterState {
  #clusterId = '';
  readonly #brokers = new Map<BrokerId, BrokerRegistration>();
  readonly #topics = new Map<string, TopicState>();
  readonly #byGroup = new Map<GroupId, PartitionAssignment>();
  /** Never reused, so that a late message of a deleted group cannot reach a new one. */
  #nextGroup = 1;

  /** Empty until the first command has been applied. */
  get clusterId(): string {
    return this.#clusterId;
  }

  /** All groups below this were created at some time. */
  get nextGroup(): number {
    return this.#nextGroup;
  }

  get brokers(): ReadonlyMap<BrokerId, BrokerRegistration> {
    return this.#brokers;
  }

  get topics(): ReadonlyMap<string, TopicState> {
    return this.#topics;
  }

  partition(topic: string, partition: number): PartitionAssignment | undefined {
    return this.#topics.get(topic)?.partitions[partition];
  }

  assignment(group: GroupId): PartitionAssignment | undefined {
    return this.#byGroup.get(group);
  }

  /** True for a group whose topic is gone: nothing that is said of it counts any more. */
  isDeleted(group: GroupId): boolean {
    return group >= 1 && group < this.#nextGroup && !this.#byGroup.has(group);
  }

  /** Applies one committed command. Deterministic: every broker gets the same state and result. */
  apply(command: ClusterCommand): { readonly result: CommandResult; readonly change: ClusterChange } {
    switch (command.kind) {
      case 'initCluster':
        if (this.#clusterId === '') this.#clusterId = command.clusterId;
        return { result: OK, change: { kind: 'none' } };
      case 'registerBroker':
        return this.#registerBroker(command);
      case 'createTopic':
        return this.#createTopic(command);
      case 'deleteTopic':
        return this.#deleteTopic(command.topic);
      default:
        return unreachable(command);
    }
  }

  #registerBroker(command: RegisterBroker): { result: CommandResult; change: ClusterChange } {
    const known = this.#brokers.get(command.id);
    if (known !== undefined && known.incarnation !== command.incarnation) {
      return {
        result: {
          ok: false,
          reason: 'CLUSTER_MISMATCH',
          message: `broker ${command.id} is registered with another disk`,
          metadata: { broker: command.id, registered: known.incarnation, presented: command.incarnation },
        },
        change: { kind: 'none' },
      };
    }
    const { id, incarnation, address, rack } = command;
    const broker = { id, incarnation, address, rack };
    this.#brokers.set(id, broker);
    return { result: OK, change: { kind: 'brokerRegistered', broker } };
  }

  #createTopic(command: CreateTopic): { result: CommandResult; change: ClusterChange } {
    const { topic, replicationFactor, assignments } = command;
    if (this.#topics.has(topic)) {
      return {
        result: {
          ok: false,
          reason: 'TOPIC_ALREADY_EXISTS',
          message: `topic ${topic} exists`,
          metadata: { topic },
        },
        change: { kind: 'none' },
      };
    }
    const partitions = assignments.map((replicas, partition) => {
      invariant(replicas.length === replicationFactor, 'every partition has its replicas', { partition });
      const assignment = { topic, partition, group: asGroupId(this.#nextGroup), replicas };
      this.#nextGroup += 1;
      this.#byGroup.set(assignment.group, assignment);
      return assignment;
    });
    const created = { topic, replicationFactor, partitions };
    this.#topics.set(topic, created);
    return { result: OK, change: { kind: 'topicCreated', topic: created } };
  }

  #deleteTopic(name: string): { result: CommandResult; change: ClusterChange } {
    const topic = this.#topics.get(name);
    if (topic === undefined) {
      return {
        result: {
          ok: false,
          reason: 'UNKNOWN_TOPIC_OR_PARTITION',
          message: `there is no topic ${name}`,
          metadata: { topic: name },
        },
        change: { kind: 'none' },
      };
    }
    this.#topics.delete(name);
    for (const { group } of topic.partitions) this.#byGroup.delete(group);
    return { result: OK, change: { kind: 'topicDeleted', topic } };
  }
}
