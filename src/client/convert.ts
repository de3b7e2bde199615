/**
 * Generated messages <-> the SDK's public types. Generated types never leave this folder. Leadership is in
 * convert-leadership.ts, brokers and replicas in convert-brokers.ts.
 */
import type { DescribeClusterResponse } from '../../gen/bellwether/v1/admin_service.js';
import { Acks as WireAcks } from '../../gen/bellwether/v1/log_service.js';
import type { MetadataResponse } from '../../gen/bellwether/v1/metadata_service.js';
import type { Broker, PartitionMetadata, TopicMetadata } from '../../gen/bellwether/v1/types.js';
import { BellwetherError } from '../errors.js';
import { checkedChoice } from './checked-option.js';
import type { Acks, ClusterMetadata, PartitionInfo, TopicInfo } from './types.js';
import type { BrokerInfo, ClusterDescription } from './types-cluster.js';

export function toBrokers(brokers: readonly Broker[]): BrokerInfo[] {
  return brokers.map(({ id, address, rack, alive }) => ({ id, address, rack, alive }));
}

/** @throws BellwetherError INTERNAL when the broker left the topic out. */
export function toTopic(topic: TopicMetadata | undefined): TopicInfo {
  if (topic === undefined) throw new BellwetherError('INTERNAL', 'the answer of the broker has no topic');
  return { topic: topic.topic, partitions: topic.partitions.map(toPartition) };
}

function toPartition(partition: PartitionMetadata): PartitionInfo {
  return {
    partition: partition.partition,
    leader: unlessEmpty(partition.leader),
    term: partition.term,
    replicas: partition.replicas,
    inSyncReplicas: partition.inSyncReplicas,
    offlineReplicas: partition.offlineReplicas,
  };
}

export function toMetadata(response: MetadataResponse): ClusterMetadata {
  return {
    clusterId: response.clusterId,
    controller: unlessEmpty(response.controller),
    brokers: toBrokers(response.brokers),
    topics: response.topics.map(toTopic),
  };
}

export function toDescription(response: DescribeClusterResponse): ClusterDescription {
  const loads = new Map(response.loads.map((load) => [load.broker, load]));
  return {
    clusterId: response.clusterId,
    controller: unlessEmpty(response.controller),
    controllerTerm: response.controllerTerm,
    brokers: toBrokers(response.brokers).map((broker) => ({
      ...broker,
      leaderCount: loads.get(broker.id)?.leaderCount ?? 0,
      replicaCount: loads.get(broker.id)?.replicaCount ?? 0,
      preferredLeaderCount: loads.get(broker.id)?.preferredLeaderCount ?? 0,
      leaderImbalancePercent: loads.get(broker.id)?.leaderImbalancePercent ?? 0,
    })),
    notPreferredCount: response.notPreferredCount,
    leaderImbalancePercent: response.leaderImbalancePercent,
    leaderBalance: { on: response.leaderBalanceOn, coolDownMs: response.leaderBalanceCoolDownMs },
  };
}

/** @throws BellwetherError INVALID_REQUEST for anything else: taken for 0 it would acknowledge what may be lost. */
export function toWireAcks(acks: Acks): WireAcks {
  checkedChoice<Acks>('acks', acks, [0, 1, 'all']);
  if (acks === 'all') return WireAcks.ALL;
  return acks === 1 ? WireAcks.LEADER : WireAcks.NONE;
}

/** The wire says "none" with an empty string. */
function unlessEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}
