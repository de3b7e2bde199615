/** What a journal is opened with. */
import type { FileSystem } from './file-system.js';

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
  /** Resolves when it is time to write again what found no room on the disk. Default: 250 ms later. */
  readonly roomRetry?: () => Promise<void>;
  /** Bytes submitted and not yet durable: a limit that callers must keep, asserted. Default 512 MiB. */
  readonly pendingBytesMax?: number;
}
