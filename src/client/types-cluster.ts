/** The SDK's public types about the cluster as a whole and the health of its brokers. */
import type { PartitionRef } from './types-base.js';

export interface BrokerInfo {
  readonly id: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  readonly rack: string;
  readonly alive: boolean;
}

export interface ClusterDescription {
  readonly clusterId: string;
  readonly controller: string | undefined;
  readonly controllerTerm: number;
  readonly brokers: readonly (BrokerInfo & BrokerLoad)[];
  /** Partitions that another broker than the preferred leader leads, or nobody. */
  readonly notPreferredCount: number;
  /** Their share of all partitions, in percent. */
  readonly leaderImbalancePercent: number;
  /** Whether the answering broker hands partitions back to their preferred leaders by itself, and when. */
  readonly leaderBalance: { readonly on: boolean; readonly coolDownMs: number };
}

export interface BrokerLoad {
  readonly leaderCount: number;
  readonly replicaCount: number;
  /** Partitions that it should lead: it is the first replica of their assignment. */
  readonly preferredLeaderCount: number;
  /** Of these the share that it does not lead, in percent. */
  readonly leaderImbalancePercent: number;
}

/**
 * Why a broker cannot take part in commits.
 * - `NOT_REGISTERED`: the cluster metadata does not have it with its disk.
 * - `NO_CONTROLLER`, `NO_QUORUM`: it has known no controller, or heard from no majority, for a second.
 * - `DISK_SLOW`: a write to its disk had no answer for long.
 * - `DRAINING`: it is being stopped. `FAILED`: it will not come back by itself.
 * - `UNREACHABLE`: it did not answer; found by the client. `UNKNOWN`: a reason that this version does not know.
 */
export type UnreadyReason =
  | 'NOT_REGISTERED'
  | 'NO_CONTROLLER'
  | 'NO_QUORUM'
  | 'DISK_SLOW'
  | 'DRAINING'
  | 'FAILED'
  | 'UNREACHABLE'
  | 'UNKNOWN';

export interface BrokerHealth {
  readonly broker: string;
  /** HOST:PORT for clients; empty for a broker that has never started. */
  readonly address: string;
  /** True while it can take part in commits. */
  readonly serving: boolean;
  /** Why it cannot; empty while it serves. */
  readonly causes: readonly { readonly reason: UnreadyReason; readonly message: string }[];
}

/**
 * What a broker is to the cluster.
 * - `ACTIVE`: registered with its disk; replicas may be placed on it.
 * - `JOINING`: admitted and awaited: not started yet, or its lost disk is out of all groups.
 * - `REPLACING`: its disk is declared lost; it is being taken out of all groups.
 * - `REMOVING`: its replicas are being moved away; it is gone once it holds none.
 * - `UNKNOWN`: a status that this version does not know.
 */
export type BrokerStatus = 'ACTIVE' | 'JOINING' | 'REPLACING' | 'REMOVING' | 'UNKNOWN';

export interface BrokerDescription extends BrokerInfo {
  /** HOST:PORT for the other brokers. */
  readonly peerAddress: string;
  readonly status: BrokerStatus;
  /** True for the broker that leads the cluster metadata. */
  readonly controller: boolean;
  readonly leaderCount: number;
  /** Partitions of which it keeps a replica, those on their way to it or from it included. */
  readonly replicaCount: number;
  /** Identity of its disk; undefined while none is known. */
  readonly incarnation: string | undefined;
}

/** A partition whose replicas are not where they belong. */
export interface Reassignment extends PartitionRef {
  /** Where they were before the reassignment, or belong if none was asked for. */
  readonly replicas: readonly string[];
  /** Where they are being moved to; undefined if no reassignment was asked for. */
  readonly target: readonly string[] | undefined;
  /** Members that vote now, as the leader last reported. */
  readonly voters: readonly string[];
  /** Members that only receive the log so far. */
  readonly learners: readonly string[];
}

export interface ReplicationMember {
  readonly broker: string;
  readonly role: 'LEADER' | 'VOTER' | 'LEARNER' | 'UNKNOWN';
  /** Highest log index that it certainly has on disk, inclusive; for the leader the end of its log. */
  readonly matchIndex: number;
  /** Entries of the leader's log that it lacks. */
  readonly lagEntries: number;
  readonly alive: boolean;
}

export interface Replication {
  /** Term of the leader that answered. */
  readonly term: number;
  /** The leader first, then the other voters, then the learners. */
  readonly members: readonly ReplicationMember[];
}
