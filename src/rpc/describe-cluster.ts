/** The cluster and the health of a broker, as this one knows them, in the wire form of the public API. */

import {
  type DescribeClusterResponse,
  type DescribeHealthResponse,
  UnreadyReason as WireReason,
} from '../../gen/bellwether/v1/admin_service.js';
import type { Broker } from '../broker/broker.js';
import type { UnreadyReason } from '../broker/readiness.js';
import { imbalancePercent, leaderSpread } from '../cluster/preferred.js';
import type { BrokerId } from '../raft/types.js';
import { describeBrokers, describeController } from './describe.js';

const REASONS: Readonly<Record<UnreadyReason, WireReason>> = {
  NOT_REGISTERED: WireReason.NOT_REGISTERED,
  NO_CONTROLLER: WireReason.NO_CONTROLLER,
  NO_QUORUM: WireReason.NO_QUORUM,
  DISK_SLOW: WireReason.DISK_SLOW,
  DRAINING: WireReason.DRAINING,
  FAILED: WireReason.FAILED,
};

export function describeCluster(broker: Broker): DescribeClusterResponse {
  const { cluster, table, balancer } = broker;
  const brokers = describeBrokers(broker);
  const leaders = new Map<BrokerId, number>();
  const replicas = new Map<BrokerId, number>();
  const spread = leaderSpread(cluster.state.byGroup.values(), (group) => table.leaderOf(group)?.leader);
  for (const assignment of cluster.state.byGroup.values()) {
    const leader = table.leaderOf(assignment.group)?.leader;
    if (leader !== undefined) count(leaders, leader);
    for (const replica of assignment.replicas) count(replicas, replica);
  }
  const spreads = [...spread.values()];
  return {
    clusterId: cluster.state.clusterId,
    ...describeController(broker),
    brokers,
    loads: brokers.map(({ id }) => ({
      broker: id,
      leaderCount: leaders.get(id) ?? 0,
      replicaCount: replicas.get(id) ?? 0,
      preferredLeaderCount: spread.get(id)?.preferred ?? 0,
      leaderImbalancePercent: imbalancePercent([spread.get(id) ?? NONE]),
    })),
    notPreferredCount: spreads.reduce((sum, { ledElsewhere }) => sum + ledElsewhere, 0),
    leaderImbalancePercent: imbalancePercent(spreads),
    leaderBalanceOn: balancer.isOn,
    leaderBalanceCoolDownMs: balancer.settings.coolDownMs,
  };
}

const NONE = { preferred: 0, ledElsewhere: 0 } as const;

function count(counts: Map<BrokerId, number>, id: BrokerId): void {
  counts.set(id, (counts.get(id) ?? 0) + 1);
}

export function describeHealth({ id, readiness }: Broker): DescribeHealthResponse {
  const causes = readiness.causes.map(({ reason, message }) => ({ reason: REASONS[reason], message }));
  return { broker: id, serving: causes.length === 0, causes };
}
