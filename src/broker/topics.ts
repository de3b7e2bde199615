/** Creates and deletes topics, through the controller wherever it is. */

import { BellwetherError } from '../errors.js';
import type { TopicState } from '../cluster/cluster-types.js';
import { type ClusterCommand, encodeCommand } from '../cluster/commands.js';
import { candidatesOf, placeReplicas } from '../cluster/placement.js';
import { type BrokerId, ENTRY_KIND } from '../raft/types.js';
import type { Broker } from './broker.js';
import { checkResult, CLUSTER_GROUP } from './cluster-host.js';
import { LIMITS } from './limits.js';
import type { SubmitResult } from './peer-port.js';
import { unknownTopic } from './refusals.js';

/**
 * Has a command committed and applied, on this broker too. Sends it again while it was certainly not
 * applied and time is left.
 *
 * @throws BellwetherError NO_LEADER without a controller, COMMIT_TIMEOUT, or the state machine's refusal.
 */
export async function submitCommand(
  broker: Broker,
  command: ClusterCommand,
  timeoutMs: number,
): Promise<void> {
  const { clock, cluster } = broker;
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  const payload = encodeCommand(command);
  for (;;) {
    const leftMs = deadlineMs - clock.monotonicMs();
    if (leftMs <= 0) throw broker.clusterElsewhere();
    const leader = await broker.table.waitFor(CLUSTER_GROUP, leftMs, () => true);
    if (leader === undefined) throw broker.clusterElsewhere();
    try {
      const { index, result } = await submitTo(
        broker,
        leader.leader,
        payload,
        deadlineMs - clock.monotonicMs(),
      );
      checkResult(result);
      if (await cluster.applied(index, deadlineMs - clock.monotonicMs())) return;
      throw new BellwetherError('COMMIT_TIMEOUT', `broker ${broker.id} has not applied the change in time`);
    } catch (error) {
      if (!(error instanceof BellwetherError) || !error.retryable) throw error;
      await new Promise<void>((resolve) => {
        clock.schedule(LIMITS.registerRetryMs, resolve);
      });
    }
  }
}

function submitTo(
  broker: Broker,
  leader: string,
  payload: Uint8Array,
  timeoutMs: number,
): Promise<SubmitResult> {
  const { cluster, transport } = broker;
  if (leader !== broker.id) {
    const request = { group: CLUSTER_GROUP, kind: ENTRY_KIND.CLUSTER_COMMAND, payload };
    return transport.submit(leader, request, timeoutMs);
  }
  return cluster.append(
    payload,
    timeoutMs,
    () => broker.clusterElsewhere(),
    () => {
      broker.wake(cluster.group);
    },
  );
}

export interface TopicRequest {
  readonly topic: string;
  readonly partitions: number;
  /** Undefined for the default: three, or all brokers if they are fewer. */
  readonly replicationFactor: number | undefined;
}

/** Creates a topic and returns it as this broker knows it then. */
export async function createTopic(
  broker: Broker,
  request: TopicRequest,
  timeoutMs: number,
): Promise<TopicState> {
  const { state } = broker.cluster;
  const { topic, partitions } = request;
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
  const alive = registered.filter((id) => broker.isAlive(id));
  const candidates = candidatesOf(state, registered, new Set(alive));
  const assignments = placeReplicas(candidates, partitions, replicationFactor);
  await submitCommand(broker, { kind: 'createTopic', topic, replicationFactor, assignments }, timeoutMs);
  return describeTopic(broker, topic);
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

/** @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION */
export function describeTopic(broker: Broker, topic: string): TopicState {
  const state = broker.cluster.state.topics.get(topic);
  if (state === undefined) throw unknownTopic(topic);
  return state;
}
