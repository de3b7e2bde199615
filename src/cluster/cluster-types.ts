/** What the cluster metadata consists of, and what a command can change in it. Pure. */

import type { Membership } from '../raft/membership.js';
import type { BrokerId, GroupId, LogIndex } from '../raft/types.js';
import type { LeadershipChange } from './leadership-change.js';
import type { TopicOverrides } from './topic-config.js';

/**
 * - `JOINING`: admitted, without a disk that is known: not started yet, or its lost disk is out of all groups.
 * - `ACTIVE`: registered with its disk; replicas may be placed on it.
 * - `REPLACING`: its disk is declared lost; the leaders take it out of all groups.
 * - `REMOVING`: nothing is placed on it any more; erased once it stands nowhere.
 */
export const BROKER_STATUSES = ['ACTIVE', 'JOINING', 'REPLACING', 'REMOVING'] as const;
export type BrokerStatus = (typeof BROKER_STATUSES)[number];

export interface BrokerRegistration {
  readonly id: BrokerId;
  /** Identity of its disk; empty while none is known. */
  readonly incarnation: string;
  /** HOST:PORT for clients; empty until it has registered for the first time. */
  readonly address: string;
  /** HOST:PORT for the other brokers. */
  readonly peerAddress: string;
  readonly rack: string;
  readonly status: BrokerStatus;
}

/** A committed membership of a group, as the metadata last heard of it. */
export interface ReportedMembership extends Membership {
  /** Of its entry in the log of the group; 0 for the voters that the group was made with. */
  readonly index: LogIndex;
}

export interface PartitionAssignment {
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
  readonly group: GroupId;
  /** The voters that the group was made with. Never changes: a replica's log begins with them. */
  readonly initial: readonly BrokerId[];
  /** Where the replicas belong, the preferred leader first. */
  readonly replicas: readonly BrokerId[];
  /** Where they are being moved to; undefined while no reassignment runs. */
  readonly target: readonly BrokerId[] | undefined;
  readonly membership: ReportedMembership;
}

export interface TopicState {
  readonly topic: string;
  /** As the topic was created; reassignments may give a partition more replicas, or fewer. */
  readonly replicationFactor: number;
  /** What was set for it. */
  readonly config: TopicOverrides;
  /** Ordered by number, without gaps. */
  readonly partitions: readonly PartitionAssignment[];
}

/** What a command changed, for the broker that hosts the replicas. */
export type ClusterChange =
  /** Entered, registered again, or of another status. */
  | { readonly kind: 'brokerChanged'; readonly broker: BrokerRegistration }
  /** Removed: it stands in no group any more. */
  | { readonly kind: 'brokerGone'; readonly broker: BrokerRegistration }
  | { readonly kind: 'topicCreated'; readonly topic: TopicState }
  | { readonly kind: 'topicDeleted'; readonly topic: TopicState }
  | { readonly kind: 'topicConfigChanged'; readonly topic: TopicState }
  | {
      readonly kind: 'assignmentChanged';
      readonly before: PartitionAssignment;
      readonly after: PartitionAssignment;
    }
  | { readonly kind: 'clusterMembershipChanged'; readonly membership: ReportedMembership }
  /** Entered in the history, or entered before and completed now. Ordered by sequence. */
  | { readonly kind: 'leadershipRecorded'; readonly leadership: readonly LeadershipChange[] };
