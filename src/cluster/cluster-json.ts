/** The whole cluster metadata as plain data, for snapshots of group 0. Pure. */

import { invariant } from '../invariant.js';
import { asGroupId, asLogIndex, type BrokerId } from '../raft/types.js';
import { ClusterTables } from './cluster-tables.js';
import {
  BROKER_STATUSES,
  type BrokerRegistration,
  type BrokerStatus,
  type PartitionAssignment,
  type ReportedMembership,
  type TopicState,
} from './cluster-types.js';
import { historyFromJson, historyToJson, type LeadershipHistoryJson } from './leadership-json.js';
import { isTopicOverrides, type TopicOverrides } from './topic-config.js';

/** Another number is another layout. */
const VERSION = 1;

/** Without functions and `undefined`, so that JSON keeps all of it. Lists are in the order of the tables. */
export interface ClusterStateJson {
  readonly version: typeof VERSION;
  readonly clusterId: string;
  readonly nextGroup: number;
  readonly nextProducerId: number;
  readonly clusterMembership: ReportedMembership;
  readonly brokers: readonly BrokerRegistration[];
  readonly topics: readonly TopicJson[];
  readonly leadership: LeadershipHistoryJson;
}

interface TopicJson {
  readonly topic: string;
  readonly replicationFactor: number;
  /** Left out while nothing was set. */
  readonly config?: TopicOverrides;
  readonly partitions: readonly PartitionJson[];
}

/** A partition without what its place says: topic and number. */
interface PartitionJson {
  readonly group: number;
  readonly initial: readonly BrokerId[];
  readonly replicas: readonly BrokerId[];
  /** Null for none. */
  readonly target: readonly BrokerId[] | null;
  readonly membership: ReportedMembership;
}

export function tablesToJson(tables: ClusterTables): ClusterStateJson {
  const { clusterId, nextGroup, nextProducerId, clusterMembership } = tables;
  return {
    version: VERSION,
    clusterId,
    nextGroup,
    nextProducerId,
    clusterMembership,
    brokers: [...tables.brokers.values()],
    topics: [...tables.topics.values()].map(({ topic, replicationFactor, config, partitions }) => ({
      topic,
      replicationFactor,
      ...(Object.keys(config).length > 0 && { config }),
      partitions: partitions.map(({ group, initial, replicas, target, membership }) => ({
        group,
        initial,
        replicas,
        target: target ?? null,
        membership,
      })),
    })),
    leadership: historyToJson(tables.leadership),
  };
}

/** Reads what `tablesToJson` made. Anything else breaks an invariant: its checksum was right. */
export function tablesFromJson(json: unknown): ClusterTables {
  const { version, ...rest } = fields(json);
  invariant(version === VERSION, 'cluster metadata of a known version', { version });
  const tables = new ClusterTables();
  tables.clusterId = text(rest['clusterId']);
  tables.nextGroup = asGroupId(number(rest['nextGroup']));
  tables.nextProducerId = number(rest['nextProducerId']);
  tables.clusterMembership = membership(rest['clusterMembership']);
  for (const each of list(rest['brokers'])) tables.putBroker(broker(each));
  for (const each of list(rest['topics'])) tables.addTopic(topicState(each));
  // One that was written before there was a history has none.
  if (rest['leadership'] !== undefined) tables.leadership = historyFromJson(rest['leadership']);
  for (const group of tables.byGroup.keys()) {
    invariant(group < tables.nextGroup, 'group numbers are not used twice', { group });
  }
  return tables;
}

function broker(json: unknown): BrokerRegistration {
  const { id, incarnation, address, peerAddress, rack, status } = fields(json);
  const known = BROKER_STATUSES.find((each) => each === status);
  invariant(known !== undefined, 'a broker of a known status', { status });
  return {
    id: text(id),
    incarnation: text(incarnation),
    address: text(address),
    peerAddress: text(peerAddress),
    rack: text(rack),
    status: known satisfies BrokerStatus,
  };
}

function topicState(json: unknown): TopicState {
  const { topic, replicationFactor, config = {}, partitions } = fields(json);
  invariant(isTopicOverrides(config), 'a topic with a configuration that is known', { topic });
  return {
    topic: text(topic),
    replicationFactor: number(replicationFactor),
    config,
    partitions: list(partitions).map((each, i) => partition(text(topic), i, each)),
  };
}

function partition(topic: string, position: number, json: unknown): PartitionAssignment {
  const { group, initial, replicas, target, membership: members } = fields(json);
  return {
    topic,
    partition: position,
    group: asGroupId(number(group)),
    initial: list(initial).map(text),
    replicas: list(replicas).map(text),
    target: target === null ? undefined : list(target).map(text),
    membership: membership(members),
  };
}

function membership(json: unknown): ReportedMembership {
  const { index, voters, learners } = fields(json);
  return {
    index: asLogIndex(number(index)),
    voters: list(voters).map(text),
    learners: list(learners).map(text),
  };
}

function fields(json: unknown): Readonly<Record<string, unknown>> {
  invariant(typeof json === 'object' && json !== null, 'cluster metadata is whole', { found: typeof json });
  return json as Readonly<Record<string, unknown>>;
}

function list(json: unknown): readonly unknown[] {
  invariant(Array.isArray(json), 'cluster metadata is whole', { found: typeof json });
  return json;
}

function text(json: unknown): string {
  invariant(typeof json === 'string', 'cluster metadata is whole', { found: typeof json });
  return json;
}

function number(json: unknown): number {
  invariant(typeof json === 'number', 'cluster metadata is whole', { found: typeof json });
  return json;
}
