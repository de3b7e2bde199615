/** What a journal is opened with, and whom it tells. */
import type { FileSystem } from './file-system.js';
import type { MachineState } from './stored-group.js';
import type { BellwetherError } from '../errors.js';
import type { GroupId } from '../raft/types.js';

export interface JournalOptions {
  readonly fileSystem: FileSystem;
  /** Folder that holds the journal's files and nothing else; made when it is missing. */
  readonly directory: string;
  /** Folder for what is copied out of the journal; made when it is needed. Default `segments`, beside it. */
  readonly segmentsDirectory?: string;
  /** UUID of the data folder; files of another one are refused. */
  readonly incarnation: string;
  /** A new file is begun when one is at least so long; a batch may overshoot. Default 64 MiB. */
  readonly fileBytes?: number;
  /** A new segment is begun when one is at least so long, whatever its group asks for. Default 2 GiB. */
  readonly segmentBytes?: number;
  /** Full files copied into segments before a checkpoint lets them go; a restart reads these. Default 2. */
  readonly checkpointFiles?: number;
  /** Step in which a file is extended with zeros ahead of the frames. Default 1 MiB. */
  readonly preallocateBytes?: number;
  /** Payload bytes of durable entries kept in memory, for all groups together. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** Room kept for when the disk is full, in a file `ballast` beside the folder. Default 0, none. */
  readonly ballastBytes?: number;
  /** Resolves when it is time to write again what found no room on the disk. Default: 250 ms later. */
  readonly roomRetry?: () => Promise<void>;
  /** Bytes submitted and not yet durable: a limit that callers must keep, asserted. Default 512 MiB. */
  readonly pendingBytesMax?: number;
}

/** Called from the event loop, never from inside `submit`. */
export interface JournalListener {
  /** Everything up to `sequence` is on disk. In order; not every number is named. */
  onDurable(sequence: number): void;
  /** The disk can no longer be trusted; nothing more becomes durable. Called at most once. */
  onFailed(error: BellwetherError): void;
  /** For a checkpoint: what the state machine of a group has come to; undefined when nobody knows. */
  machineState?(group: GroupId): MachineState | undefined;
  /** How long a group's segments should get; undefined for 64 MiB. */
  segmentBytes?(group: GroupId): number | undefined;
}
