/** What a broker is made of: who it is, and the adapters that it works through. */

import type { BellwetherError } from '../errors.js';
import type { RaftTuning } from '../raft/config.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import type { RecoveredGroup } from '../storage/journal-replay.js';
import type { Journal } from '../storage/journal.js';
import type { Clock } from './clock.js';
import type { PeerTransport } from './peer-port.js';

export interface BrokerOptions {
  readonly id: BrokerId;
  /** All brokers of the cluster, this one included; the order is the preference of the cluster's leader. */
  readonly brokers: readonly BrokerId[];
  readonly incarnation: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  /** HOST:PORT for the other brokers. */
  readonly peerAddress: string;
  readonly rack: string;
  readonly tuning?: Partial<RaftTuning>;
}

export interface BrokerParts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly recovered: ReadonlyMap<GroupId, RecoveredGroup>;
  readonly transport: PeerTransport;
  readonly log: (message: string, facts?: Readonly<Record<string, unknown>>) => void;
  /** The broker cannot go on; the error says why. Called once. */
  readonly onFatal: (error: BellwetherError) => void;
}
