/**
 * The few things that verify does to a cluster, so that another way to the log (streams, another client) can be
 * put in the place of single calls of the SDK.
 */
import type { BellwetherClient, PartitionRef } from '../client/types.js';

export interface ReadOptions {
  /** Bound of the call in milliseconds. */
  readonly timeoutMs: number;
  /** Longest wait for a first record, in milliseconds. */
  readonly maxWaitMs: number;
  readonly maxRecords: number;
  /** Take what a follower knows to be committed. */
  readonly allowFollower: boolean;
}

/** What one read returned. */
export interface Read {
  readonly records: readonly { readonly offset: number; readonly value: Uint8Array | undefined }[];
  /** Offset to read next. */
  readonly next: number;
}

/** One client at work. Every method rejects with BellwetherError, whose outcome says what became of a write. */
export interface Drive {
  /**
   * Appends values as consecutive records, all or none, and never twice. Resolves once a quorum has them on
   * disk, with the offset of the first.
   */
  append(ref: PartitionRef, values: readonly Uint8Array[], timeoutMs: number): Promise<number>;
  read(ref: PartitionRef, from: number, options: ReadOptions): Promise<Read>;
  /** The high watermark: above every record acknowledged before the call, whoever led then. */
  end(ref: PartitionRef, timeoutMs: number): Promise<number>;
}

/** Single calls of the SDK. The client stays the caller's. */
export function sdkDrive(client: BellwetherClient): Drive {
  return {
    async append(ref, values, timeoutMs) {
      const records = values.map((value) => ({ value }));
      return (await client.produce(ref, records, { timeoutMs })).baseOffset;
    },
    async read(ref, from, options) {
      const { records, nextOffset } = await client.fetch(ref, from, options);
      return { records, next: nextOffset };
    },
    async end(ref, timeoutMs) {
      return (await client.listOffsets(ref, 'latest', { timeoutMs })).offset;
    },
  };
}
