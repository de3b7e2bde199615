/** PartitionService and AdminService: moving leadership, and telling how it came about. */

import type {
  AdminServiceServer,
  TransferLeadershipResponse,
} from '../../../gen/bellwether/v1/admin_service.js';
import {
  type ExplainLeaderRequest,
  FailoverOutcome,
  LeadershipObstacle,
  type ListFailoversRequest,
  type ListFailoversResponse,
  type PartitionFailoverResponse,
  type PartitionServiceServer,
  WatchLeadershipResponse,
} from '../../../gen/bellwether/v1/partition_service.js';
import type { Broker } from '../../broker/broker.js';
import { CLUSTER_SUBJECT } from '../../broker/cluster-host.js';
import { explainController, explainLeader, type Explanation } from '../../broker/explain.js';
import type { FailoverResult } from '../../broker/failover.js';
import { LIMITS } from '../../broker/limits.js';
import { unknownPartition, unknownTopic } from '../../broker/refusals.js';
import { TERM_MAX } from '../../raft/types.js';
import { adaptUnary, type OnDefect, type ServiceHandlers } from '../adapt.js';
import { adaptServerStream } from '../adapt-stream.js';
import { callTimeoutMs } from '../call-timeout.js';
import { changeToWire, timelineToWire } from '../convert-leadership.js';
import {
  intField,
  intFieldOr,
  invalid,
  listField,
  nameField,
  optionalInt,
  partitionField,
  topicField,
} from '../fields.js';

const OUTCOMES = {
  MOVED: FailoverOutcome.MOVED,
  ALREADY_MOVED: FailoverOutcome.ALREADY_MOVED,
  WOULD_MOVE: FailoverOutcome.WOULD_MOVE,
} as const;

type FailoverMethods = 'partitionFailover' | 'watchLeadership' | 'listFailovers' | 'explainLeader';

export function failoverHandlers(
  broker: Broker,
  onDefect: OnDefect,
): Pick<ServiceHandlers<PartitionServiceServer>, FailoverMethods> {
  return {
    partitionFailover: adaptUnary(
      async (request, context): Promise<PartitionFailoverResponse> => {
        broker.checkServing();
        const assignment = broker.assignment(topicField(request.topic), partitionField(request.partition));
        const { dryRun } = request;
        const failedLeader = nameField('failed_leader', request.failedLeader);
        const fields = { failedLeader, dryRun, ...moveFields(request) };
        const result = await broker.failover.run(assignment, fields, callTimeoutMs(context));
        const { newLeader, newTerm, failoverMs, outcome } = result;
        const timeline = timelineOf(result);
        return { newLeader, newTerm, failoverMs, outcome: OUTCOMES[outcome], timeline };
      },
      { onDefect },
    ),

    watchLeadership: adaptServerStream(
      ({ topics, afterSequence }, stream) => {
        broker.checkServing();
        for (const topic of listField('topics', topics, 0, LIMITS.watchTopicsMax)) checkTopic(broker, topic);
        const send = (message: WatchLeadershipResponse): void => {
          stream.send(message, WatchLeadershipResponse.encode(message).finish().length);
        };
        const watch = broker.leadership.watches.watch(
          { topics, afterSequence: optionalInt('after_sequence', afterSequence, 0, Number.MAX_SAFE_INTEGER) },
          {
            get isFull() {
              return stream.bufferedBytes >= LIMITS.watchBufferBytes;
            },
            changed: (change) => {
              send({ event: { $case: 'change', value: changeToWire(change) }, lastSequence: undefined });
            },
            ended: (error) => {
              stream.close(error);
            },
          },
        );
        stream.onClosed(() => {
          watch.stop();
        });
        stream.onSent(() => {
          watch.resume();
        });
        const { position, lastSequence } = watch;
        send({ event: { $case: 'position', value: position }, lastSequence });
        watch.resume();
      },
      { onDefect },
    ),

    listFailovers: adaptUnary((request) => Promise.resolve(listFailovers(broker, request)), { onDefect }),

    explainLeader: adaptUnary(
      (request) => {
        broker.checkServing();
        const { leader, replicas, changes, ...rest } = explanationOf(broker, request);
        return Promise.resolve({
          ...rest,
          leader: leader ?? '',
          replicas: replicas.map(({ obstacles, ...standing }) => ({
            ...standing,
            obstacles: obstacles.map((obstacle) => LeadershipObstacle[obstacle]),
          })),
          changes: changes.map(changeToWire),
        });
      },
      { onDefect },
    ),
  };
}

export function transferHandlers(
  broker: Broker,
  onDefect: OnDefect,
): Pick<ServiceHandlers<AdminServiceServer>, 'transferLeadership'> {
  return {
    transferLeadership: adaptUnary(
      async (request, context): Promise<TransferLeadershipResponse> => {
        broker.checkServing();
        const assignment = broker.assignment(topicField(request.topic), partitionField(request.partition));
        const result = await broker.failover.handOver(
          assignment,
          moveFields(request),
          callTimeoutMs(context),
        );
        return {
          leader: result.newLeader,
          term: result.newTerm,
          transferMs: result.failoverMs,
          timeline: timelineOf(result),
          outcome: OUTCOMES[result.outcome],
        };
      },
      { onDefect },
    ),
  };
}

/** What all requests to move leadership have. */
function moveFields({
  expectedTerm,
  target,
  maxBlockMs,
}: {
  readonly expectedTerm?: number | undefined;
  readonly target?: string | undefined;
  readonly maxBlockMs?: number | undefined;
}): { expectedTerm: number | undefined; target: string | undefined; maxBlockMs: number } {
  const blockMs = maxBlockMs ?? LIMITS.maxBlockMsDefault;
  return {
    expectedTerm: optionalInt('expected_term', expectedTerm, 0, TERM_MAX),
    target: target === undefined ? undefined : nameField('target', target),
    maxBlockMs: intField('max_block_ms', blockMs, 1, LIMITS.maxBlockMsMax),
  };
}

function timelineOf({ report }: FailoverResult): ReturnType<typeof timelineToWire> | undefined {
  return report && timelineToWire(report);
}

function explanationOf(broker: Broker, { topic, partition }: ExplainLeaderRequest): Explanation {
  const asked = { topic: topicField(topic), partition: partitionField(partition) };
  const isController = asked.topic === CLUSTER_SUBJECT.topic && asked.partition === CLUSTER_SUBJECT.partition;
  return isController
    ? explainController(broker)
    : explainLeader(broker, broker.assignment(asked.topic, asked.partition));
}

function listFailovers(
  broker: Broker,
  { topic, partition, limit }: ListFailoversRequest,
): ListFailoversResponse {
  broker.checkServing();
  const max = intFieldOr('limit', limit, LIMITS.failoversDefault, 1, LIMITS.failoversMax);
  if (partition !== undefined) partitionField(partition);
  if (topic === '' && partition !== undefined) throw invalid('topic', 'must be set where partition is');
  const all = broker.cluster.state.leadership.newestFirst();
  const found = all.filter(
    (change) =>
      (topic === '' || change.topic === topicField(topic)) &&
      (partition === undefined || change.partition === partition),
  );
  if (topic !== '' && found.length === 0) checkTopic(broker, topic, partition);
  const failovers = found.filter(({ cause }) => cause !== 'CREATED').slice(0, max);
  return { failovers: failovers.map(changeToWire) };
}

/** @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION */
function checkTopic(broker: Broker, topic: string, partition?: number): void {
  if (topicField(topic) === CLUSTER_SUBJECT.topic) return;
  const known = broker.cluster.state.topics.get(topic);
  if (known === undefined && broker.cluster.state.clusterId === '') throw broker.clusterElsewhere();
  if (known === undefined) throw unknownTopic(topic);
  if (partition !== undefined && known.partitions[partition] === undefined) {
    throw unknownPartition({ topic, partition });
  }
}
