/** The few things that verify does to a cluster, each in the ways in which the SDK can do it. */
import type { BellwetherClient, PartitionRef } from '../client/types.js';
import { BellwetherError } from '../errors.js';

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

/** One client that reads. Every method rejects with BellwetherError. */
export interface Reader {
  read(ref: PartitionRef, from: number, options: ReadOptions): Promise<Read>;
  /** The high watermark: above every record acknowledged before the call, whoever led then. */
  end(ref: PartitionRef, timeoutMs: number): Promise<number>;
}

/** What became of some of the values that were given, one behind the other. */
export interface Appended {
  readonly count: number;
  /** Of the first; the others follow. Undefined when they were not acknowledged. */
  readonly baseOffset: number | undefined;
  /** Why they were not acknowledged. */
  readonly error: BellwetherError | undefined;
}

/** One client that writes. */
export interface Writer {
  /**
   * Appends values in their order, each at most once. Resolves once every one has its outcome, with what became of
   * them in that order; rejects only at a defect of the client.
   */
  append(ref: PartitionRef, values: readonly Uint8Array[]): Promise<readonly Appended[]>;
  /**
   * Calls that one process may have under way: with more than one the values of all are in the log in the order of
   * the calls.
   */
  readonly callsAtOnce: number;
}

/** How many calls a writer has under way that keeps their order, so that a failover finds several batches in flight. */
const ORDERED_CALLS = 4;

/** Single calls of the SDK. The client stays the caller's. */
export function reader(client: BellwetherClient): Reader {
  return {
    async read(ref, from, options) {
      const { records, nextOffset } = await client.fetch(ref, from, options);
      return { records, next: nextOffset };
    },
    async end(ref, timeoutMs) {
      return (await client.listOffsets(ref, 'latest', { timeoutMs })).offset;
    },
  };
}

/** Single calls: all of the values or none, never sent again. */
export function callWriter(client: BellwetherClient, timeoutMs: number): Writer {
  return {
    callsAtOnce: 1,
    async append(ref, values) {
      const records = values.map((value) => ({ value }));
      try {
        const { baseOffset } = await client.produce(ref, records, { timeoutMs });
        return [{ count: values.length, baseOffset, error: undefined }];
      } catch (error) {
        if (!(error instanceof BellwetherError)) throw error;
        return [{ count: values.length, baseOffset: undefined, error }];
      }
    },
  };
}

/** A producer of the SDK: streams, many batches in flight, sent again over failovers and in the log once. */
export function producerWriter(client: BellwetherClient, timeoutMs: number): Writer {
  const producer = client.producer({ deliveryTimeoutMs: timeoutMs });
  return {
    callsAtOnce: ORDERED_CALLS,
    async append({ topic, partition }, values) {
      const ranges = await producer.sendAllSettled(
        topic,
        values.map((value) => ({ partition, value })),
      );
      return ranges.map(({ recordCount, baseOffset, error }) => {
        return { count: recordCount, baseOffset: error === undefined ? baseOffset : undefined, error };
      });
    },
  };
}
