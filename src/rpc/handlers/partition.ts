/** PartitionService: who leads, and moving it. */

import {
  FailoverOutcome,
  type PartitionServiceServer,
} from '../../../gen/bellwether/v1/partition_service.js';
import type { Broker } from '../../broker/broker.js';
import { confirmLeadership } from '../../broker/data.js';
import { hostsOf } from '../../cluster/desired.js';
import { LIMITS } from '../../broker/limits.js';
import { noLeader } from '../../broker/refusals.js';
import { TERM_MAX } from '../../raft/types.js';
import { adaptUnary, type OnDefect, type ServiceHandlers } from '../adapt.js';
import { callTimeoutMs } from '../call-timeout.js';
import { intField, nameField, optionalInt, partitionField, topicField } from '../fields.js';

const OUTCOMES = { MOVED: FailoverOutcome.MOVED, ALREADY_MOVED: FailoverOutcome.ALREADY_MOVED } as const;

export function partitionHandlers(
  broker: Broker,
  onDefect: OnDefect,
): ServiceHandlers<PartitionServiceServer> {
  return {
    partitionLeader: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        const assignment = broker.assignment(topicField(request.topic), partitionField(request.partition));
        const { group } = assignment;
        const waitMs = Math.min(LIMITS.leaderWaitMsMax, callTimeoutMs(context));
        let leader = await broker.table.waitFor(group, waitMs, () => true);
        if (request.linearizable && leader !== undefined) {
          await confirmLeadership(broker, assignment.topic, assignment.partition, callTimeoutMs(context));
          leader = broker.table.leaderOf(group);
        }
        if (leader === undefined) throw noLeader(assignment);
        return {
          leader: leader.leader,
          followers: hostsOf(assignment).filter((replica) => replica !== leader.leader),
          term: leader.term,
          leaderAddress: broker.cluster.state.brokers.get(leader.leader)?.address ?? '',
          inSyncReplicas: [...leader.inSyncReplicas],
          highWatermark: broker.replica(group)?.log.highWatermark,
          leaderSinceMs: leader.leaderSinceMs,
        };
      },
      { onDefect },
    ),

    partitionFailover: adaptUnary(
      async (request, context) => {
        broker.checkServing();
        const assignment = broker.assignment(topicField(request.topic), partitionField(request.partition));
        const result = await broker.failover.run(
          assignment,
          {
            failedLeader: nameField('failed_leader', request.failedLeader),
            expectedTerm: optionalInt('expected_term', request.expectedTerm, 0, TERM_MAX),
            target: request.target === undefined ? undefined : nameField('target', request.target),
            maxBlockMs: intField(
              'max_block_ms',
              request.maxBlockMs ?? LIMITS.maxBlockMsDefault,
              1,
              LIMITS.maxBlockMsMax,
            ),
          },
          callTimeoutMs(context),
        );
        return { ...result, outcome: OUTCOMES[result.outcome] };
      },
      { onDefect },
    ),
  };
}
