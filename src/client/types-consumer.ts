/** The SDK's public types of the consumer. */
import type { PartitionRef } from './types-base.js';
import type { ConsumedRecord } from './types-records.js';

/**
 * Where to begin to read.
 * - a number: this offset, inclusive;
 * - `earliest`: the log start offset; `latest`: records that come after the beginning only;
 * - `{ timestampMs }`: the first record with at least this timestamp;
 * - `committed`: what the consumer's group has committed, or its `fallback` where that is nothing.
 */
export type StartPosition = number | 'earliest' | 'latest' | 'committed' | { readonly timestampMs: number };

/** A partition to read. */
export interface ConsumedPartition extends PartitionRef {
  /** Default: 'committed' for a consumer with a group, else 'earliest'. */
  readonly from?: StartPosition;
}

/** Options of `client.consumer`. */
export interface ConsumerOptions {
  /** At least one, each once, at most 1000. */
  readonly partitions: readonly ConsumedPartition[];
  /** Whose offsets are committed. Default: none, and `commit` is refused. */
  readonly group?: string;
  /** Where to begin without a committed offset. Default 'earliest'. */
  readonly fallback?: 'earliest' | 'latest';
  /**
   * Which generation of the group this consumer is of: its commits are refused with FENCED_GENERATION once a later one
   * has committed, so that a consumer that was replaced cannot set the offsets back.
   * - a number, from 0 to 2^31 - 1, for who counts generations elsewhere;
   * - `claim`: when the first iteration begins, the consumer takes all of its partitions with the next generation,
   *   from whoever reads them, where they are. What that one has handled and not committed is read again.
   *
   * Default: none, and refused once any is stored.
   */
  readonly generation?: number | 'claim';
  /** Commits what has been handled so often, in milliseconds: 10 to an hour. Default: only `commit()` does. */
  readonly autoCommitIntervalMs?: number;
  /**
   * Bytes of batches of all partitions that are fetched ahead, a batch aside: 65536 to 1 GiB. Default 8 MiB.
   * Beside them gRPC holds up to 16 messages of `maxBytes` for each partition.
   */
  readonly prefetchBytes?: number;
  /** Bytes of one message of a broker, one larger batch aside: 1 to 2097152. Default 262144. */
  readonly maxBytes?: number;
  /** Ends the iteration once every partition has been read up to what was committed at its beginning. Default false. */
  readonly untilEnd?: boolean;
  /** Ends the iteration, without an error, when it aborts. */
  readonly signal?: AbortSignal;
  /** How long a partition may have no leader until the iteration ends with an error, in milliseconds. Default 60000. */
  readonly timeoutMs?: number;
}

/** Records of one partition that came together. */
export interface ConsumedBatch extends PartitionRef {
  /** Offset of the first record. */
  readonly baseOffset: number;
  /** Offset behind the last record: where to read on. */
  readonly nextOffset: number;
  readonly recordCount: number;
  /** First offset not known to be committed when the batch was sent, exclusive. */
  readonly highWatermark: number;
  /** Smallest readable offset, inclusive. */
  readonly logStartOffset: number;
  /**
   * The records, decoded by this call. Keys and values are views of the batch: to keep one of them for long, copy
   * it, or the whole batch stays in memory.
   *
   * @throws BellwetherError CORRUPT_RECORD_BATCH, UNSUPPORTED_RECORD_BATCH for a codec that this Node has not.
   */
  records(): readonly ConsumedRecord[];
}

/** A record and the partition that it came from. */
export interface PartitionRecord extends ConsumedRecord, PartitionRef {}

/**
 * Reads partitions. A failover is not seen: reading goes on at the next offset, no record comes twice and none is
 * left out. One iteration at a time; a new one goes on where the last one ended.
 *
 * `commit()` stores all that was handed out, the record or batch at hand with it: call it when that is done. Automatic
 * commits store what was handled, that is, when the next was asked for: a consumer that dies reads again what it was at.
 *
 * @throws BellwetherError in the iteration: OFFSET_OUT_OF_RANGE when the records to come were deleted (metadata has
 * `log_start_offset`: `seek` there and iterate again), UNKNOWN_TOPIC_OR_PARTITION when the topic was, NO_LEADER,
 * CONNECTION_FAILED, ... when nobody led a partition for `timeoutMs`; FENCED_GENERATION at an automatic commit when
 * another consumer has taken the group over: stop, it reads on.
 */
export interface Consumer {
  /** Batch by batch: the fast way. Breaking out of the loop cancels the calls. */
  batches(): AsyncIterableIterator<ConsumedBatch, void, undefined>;
  /** Record by record. */
  records(): AsyncIterableIterator<PartitionRecord, void, undefined>;
  /** As `records()`. */
  [Symbol.asyncIterator](): AsyncIterator<PartitionRecord, void, undefined>;
  /** Holds partitions up: nothing of them is handed out until `resume`. */
  pause(partitions: readonly PartitionRef[]): void;
  resume(partitions: readonly PartitionRef[]): void;
  /** Goes on at another offset, with what the iteration hands out next. */
  seek(partition: PartitionRef, offset: number): void;
  /** Offset of the next record that is handed out; undefined until that is known. */
  position(partition: PartitionRef): number | undefined;
  /** Records that are committed and not handed out yet, as of the last message; undefined until that is known. */
  lag(partition: PartitionRef): number | undefined;
  /** Of this consumer in its group; undefined without one, and until `claim` has been done. */
  readonly generation: number | undefined;
  /**
   * Stores for the group what was handed out, or `offsets`: the next to read of each.
   *
   * @throws BellwetherError INVALID_REQUEST without a group, and before the group that it claims is claimed.
   * @throws BellwetherError FENCED_GENERATION when another consumer has taken the group over: stop, it reads on.
   */
  commit(offsets?: readonly (PartitionRef & { readonly offset: number })[]): Promise<void>;
}
