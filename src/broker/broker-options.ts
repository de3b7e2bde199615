/** What a broker is made of: who it is, and the adapters that it works through. */

import type { SnapshotSpacing } from '../cluster/cluster-log.js';
import type { BellwetherError } from '../errors.js';
import type { RaftTuning } from '../raft/config.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import type { RecoveredGroup } from '../storage/journal-replay.js';
import type { Journal } from '../storage/journal.js';
import type { LeaderBalance } from './balancer.js';
import type { Clock } from './clock.js';
import type { RaftFactory } from './group-factory.js';
import type { PeerTransport } from './peer-port.js';

export interface BrokerOptions {
  readonly id: BrokerId;
  /**
   * The brokers that the cluster was begun with, the voters that group 0 was made with; the order is the
   * preference of its leader. Empty for a broker that joins an existing cluster.
   */
  readonly bootstrap: readonly BrokerId[];
  /** HOST:PORT for the other brokers, as far as this one was told; its own entry is what others are told. */
  readonly peerAddresses: ReadonlyMap<BrokerId, string>;
  /** HOST:PORT at which this broker listens for the others: what they are told when it has no entry above. */
  readonly peerAddress: string;
  readonly incarnation: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  readonly rack: string;
  readonly tuning?: Partial<RaftTuning>;
  /** Whether preferred leaders get back what they should lead, and when; on, after 60 s, where it is left out. */
  readonly leaderBalance?: LeaderBalance | undefined;
  /** Pause between two passes of retention over all partitions; 60 s where it is left out. */
  readonly retentionCheckMs?: number | undefined;
  /** Bytes of the disk that are not for records; 256 MiB where it is left out. */
  readonly diskReserveBytes?: number | undefined;
}

export interface BrokerParts {
  readonly clock: Clock;
  readonly journal: Journal;
  /** Bytes that may still be written to the journal's disk; where it is left out, only a failed write tells. */
  readonly freeBytes?: (() => Promise<number>) | undefined;
  readonly recovered: ReadonlyMap<GroupId, RecoveredGroup>;
  readonly transport: PeerTransport;
  /** Level `warn` is for what the operator should see; else `debug`. */
  readonly log: (
    message: string,
    facts?: Readonly<Record<string, unknown>>,
    level?: 'debug' | 'warn',
  ) => void;
  /** The broker cannot go on; the error says why. Called once. */
  readonly onFatal: (error: BellwetherError) => void;
  /** Whether the broker can take part in commits from now on; see readiness.ts. It begins with "no". */
  readonly onServing?: ((serving: boolean) => void) | undefined;
  /** How often group 0 takes a snapshot; as in cluster-log.ts where it is left out. */
  readonly snapshotSpacing?: SnapshotSpacing | undefined;
  /** Makes the core of each group; the production core where it is left out. */
  readonly newRaft?: RaftFactory | undefined;
}
