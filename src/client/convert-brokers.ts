/** Generated messages about brokers and replicas -> the SDK's public types. */
import { BrokerStatus as WireStatus, MemberRole } from '../../gen/bellwether/v1/admin_service.js';
import type {
  DescribeReplicationResponse,
  ListBrokersResponse,
  ListReassignmentsResponse,
} from '../../gen/bellwether/v1/admin_service.js';
import type {
  BrokerDescription,
  BrokerStatus,
  Reassignment,
  Replication,
  ReplicationMember,
} from './types-cluster.js';

const STATUSES: Readonly<Record<number, BrokerStatus>> = {
  [WireStatus.ACTIVE]: 'ACTIVE',
  [WireStatus.JOINING]: 'JOINING',
  [WireStatus.REPLACING]: 'REPLACING',
  [WireStatus.REMOVING]: 'REMOVING',
};

const ROLES: Readonly<Record<number, ReplicationMember['role']>> = {
  [MemberRole.LEADER]: 'LEADER',
  [MemberRole.VOTER]: 'VOTER',
  [MemberRole.LEARNER]: 'LEARNER',
};

export function toBrokerDescriptions({ brokers }: ListBrokersResponse): BrokerDescription[] {
  return brokers.map((broker) => ({
    id: broker.id,
    address: broker.address,
    rack: broker.rack,
    alive: broker.alive,
    peerAddress: broker.peerAddress,
    status: STATUSES[broker.status] ?? 'UNKNOWN',
    controller: broker.controller,
    leaderCount: broker.leaderCount,
    replicaCount: broker.replicaCount,
    incarnation: broker.incarnation === '' ? undefined : broker.incarnation,
  }));
}

export function toReassignments({ reassignments }: ListReassignmentsResponse): Reassignment[] {
  return reassignments.map(({ topic, partition, replicas, target, voters, learners }) => ({
    topic,
    partition,
    replicas,
    target: target.length === 0 ? undefined : target,
    voters,
    learners,
  }));
}

export function toReplication({ term, members }: DescribeReplicationResponse): Replication {
  return {
    term,
    members: members.map(({ broker, role, matchIndex, lagEntries, alive }) => ({
      broker,
      role: ROLES[role] ?? 'UNKNOWN',
      matchIndex,
      lagEntries,
      alive,
    })),
  };
}
