/** PartitionService: who leads; moving it, and how it came about, is in leadership.ts. */

import type { PartitionServiceServer } from '../../../gen/bellwether/v1/partition_service.js';
import type { Broker } from '../../broker/broker.js';
import { confirmLeadership } from '../../broker/data.js';
import { hostsOf } from '../../cluster/desired.js';
import { LIMITS } from '../../broker/limits.js';
import { noLeader } from '../../broker/refusals.js';
import { adaptUnary, type OnDefect, type ServiceHandlers } from '../adapt.js';
import { callTimeoutMs } from '../call-timeout.js';
import { partitionField, topicField } from '../fields.js';
import { failoverHandlers } from './leadership.js';

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

    ...failoverHandlers(broker, onDefect),
  };
}
