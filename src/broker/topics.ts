/** Creates and deletes topics, through the controller wherever it is. */

import { BellwetherError } from '../errors.js';
import type { TopicState } from '../cluster/cluster-types.js';
import { candidatesOf, placeReplicas } from '../cluster/placement.js';
import {
  configInForce,
  type TopicConfig,
  type TopicConfigName,
  type TopicOverrides,
} from '../cluster/topic-config.js';
import type { BrokerId } from '../raft/types.js';
import type { Broker } from './broker.js';
import { LIMITS } from './limits.js';
import { unknownTopic } from './refusals.js';
import { submitCommand } from './submit.js';

export interface TopicRequest {
  readonly topic: string;
  readonly partitions: number;
  /** Undefined for the default: three, or all brokers if they are fewer. */
  readonly replicationFactor: number | undefined;
  /** What is set for it; nothing where it is left out. */
  readonly config?: TopicOverrides;
}

/** Creates a topic and returns it as this broker knows it then. */
export async function createTopic(
  broker: Broker,
  request: TopicRequest,
  timeoutMs: number,
): Promise<TopicState> {
  const { state } = broker.cluster;
  const { topic, partitions, config = {} } = request;
  const registered = activeBrokers(broker);
  const replicationFactor =
    request.replicationFactor ?? Math.max(1, Math.min(LIMITS.replicationFactorDefault, registered.length));
  if (replicationFactor > registered.length) {
    throw new BellwetherError(
      'INVALID_REPLICATION_FACTOR',
      `replication factor ${String(replicationFactor)} asked for, ${String(registered.length)} brokers are active`,
      { metadata: { replication_factor: String(replicationFactor), brokers: String(registered.length) } },
    );
  }
  checkMinInSync('config', config, replicationFactor);
  const alive = registered.filter((id) => broker.isAlive(id));
  const candidates = candidatesOf(state, registered, new Set(alive));
  const assignments = placeReplicas(candidates, partitions, replicationFactor);
  const command = { kind: 'createTopic', topic, replicationFactor, assignments, config } as const;
  await submitCommand(broker, command, timeoutMs);
  return describeTopic(broker, topic);
}

/**
 * Resolves when this broker knows who leads each partition of a topic, or after `timeoutMs`: whoever made it looks at it
 * next, and would find partitions without leaders that only are new.
 */
export async function leadersElected(
  { table, clock }: Pick<Broker, 'table' | 'clock'>,
  { partitions }: Pick<TopicState, 'partitions'>,
  timeoutMs: number,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  // One after the other: one timer and one watcher, however many partitions there are.
  for (const { group } of partitions) {
    const leftMs = deadlineMs - clock.monotonicMs();
    if (leftMs <= 0) return;
    if (table.leaderOf(group) === undefined) await table.waitFor(group, leftMs, () => true);
  }
}

/** The brokers that replicas may be placed on: first those that the cluster was started with, in their order. */
function activeBrokers({ options, cluster }: Broker): BrokerId[] {
  const { brokers } = cluster.state;
  const known = [...new Set([...options.bootstrap.filter((id) => brokers.has(id)), ...brokers.keys()])];
  return known.filter((id) => brokers.get(id)?.status === 'ACTIVE');
}

export async function deleteTopic(broker: Broker, topic: string, timeoutMs: number): Promise<void> {
  await submitCommand(broker, { kind: 'deleteTopic', topic }, timeoutMs);
}

/** Changes the configuration of a topic and returns it as this broker knows it then. */
export async function alterTopicConfig(
  broker: Broker,
  topic: string,
  change: { readonly set: TopicOverrides; readonly reset: readonly TopicConfigName[] },
  timeoutMs: number,
): Promise<TopicState> {
  const { partitions = [] } = broker.cluster.state.topics.get(topic) ?? {};
  const replicaCounts = partitions.map(({ replicas, target = replicas }) => target.length);
  checkMinInSync('set', change.set, Math.min(...replicaCounts));
  await submitCommand(broker, { kind: 'alterTopicConfig', topic, ...change }, timeoutMs);
  return describeTopic(broker, topic);
}

/**
 * More replicas than a partition has can never be in sync. Kafka takes such a topic and then refuses every write with
 * acks all; here it is refused when it is asked for. A reassignment to fewer replicas later is not: see `checkInSync`.
 *
 * @throws BellwetherError INVALID_REQUEST
 */
function checkMinInSync(field: string, set: TopicOverrides, replicaCount: number): void {
  const { min_insync_replicas: asked } = set;
  if (asked === undefined || asked <= replicaCount) return;
  throw new BellwetherError(
    'INVALID_REQUEST',
    `${field}.min_insync_replicas: ${String(asked)} asked for, and the topic has ${String(replicaCount)} replicas`,
    {
      metadata: {
        field: `${field}.min_insync_replicas`,
        value: String(asked),
        max: String(replicaCount),
      },
    },
  );
}

/** What is in force for a topic, as this broker knows; the defaults for one that it does not know. */
export function configOf(broker: Broker, topic: string): TopicConfig {
  return configInForce(broker.cluster.state.topics.get(topic)?.config ?? {});
}

/** @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION */
export function describeTopic(broker: Broker, topic: string): TopicState {
  const state = broker.cluster.state.topics.get(topic);
  if (state === undefined) throw unknownTopic(topic);
  return state;
}
