/** The SDK's public types about the cluster as a whole and the health of its brokers. */

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
