/**
 * The header of a Kafka record batch, format version 2 ("magic 2"). Pure.
 *
 * Layout, big-endian (https://kafka.apache.org/documentation/#recordbatch):
 *
 *     byte  size  field
 *        0     8  base offset               stamped by the leader, outside the checksum
 *        8     4  batch length              bytes after this field
 *       12     4  partition leader epoch    the term; stamped by the leader, outside the checksum
 *       16     1  magic                     2
 *       17     4  CRC-32C                   over everything from byte 21 to the end
 *       21     2  attributes                bits 0-2 compression, 3 log append time, 4 transactional,
 *                                           5 control, 6 delete horizon, others unused
 *       23     4  last offset delta         record count - 1
 *       27     8  base timestamp            of the first record, ms; -1 for none
 *       35     8  max timestamp             ms; -1 for none
 *       43     8  producer id               -1 for none
 *       51     2  producer epoch            -1 for none
 *       53     4  base sequence             -1 for none
 *       57     4  record count
 *       61        records (see record-walk.ts)
 */

import { invariant } from '../invariant.js';
import { asOffset, type Offset } from './offset.js';

/** Size of the header in bytes. */
export const BATCH_HEADER_BYTES = 61;

/** Bytes before the part that the batch length counts: base offset and the length itself. */
export const BATCH_LENGTH_OVERHEAD_BYTES = 12;

/** The one format version served. */
export const BATCH_MAGIC = 2;

/** First byte under the checksum. */
export const BATCH_CRC_START = 21;

/** Where each field begins, in bytes. */
export const BATCH_FIELD = {
  BASE_OFFSET: 0,
  BATCH_LENGTH: 8,
  LEADER_EPOCH: 12,
  MAGIC: 16,
  CRC: 17,
  ATTRIBUTES: 21,
  LAST_OFFSET_DELTA: 23,
  BASE_TIMESTAMP: 27,
  MAX_TIMESTAMP: 35,
  PRODUCER_ID: 43,
  PRODUCER_EPOCH: 51,
  BASE_SEQUENCE: 53,
  RECORD_COUNT: 57,
} as const;

/** Bits of the attributes. */
export const BATCH_ATTRIBUTE = {
  COMPRESSION_MASK: 0b111,
  LOG_APPEND_TIME: 1 << 3,
  TRANSACTIONAL: 1 << 4,
  CONTROL: 1 << 5,
  DELETE_HORIZON: 1 << 6,
} as const;

/** The header's fields, as they stand in the batch: nothing is checked. */
export interface BatchHeader {
  /** Offset of the first record; before the leader stamped it, whatever the producer wrote. */
  readonly baseOffset: Offset;
  /** Size of the whole batch in bytes, as its length field says. */
  readonly sizeBytes: number;
  /** Term of the leader that appended the batch; -1 before. */
  readonly leaderEpoch: number;
  readonly magic: number;
  /** Unsigned. */
  readonly crc: number;
  readonly attributes: number;
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly compression: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  /** Exact up to 2^53 either way, as are the timestamps. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

/** Who an idempotent batch is of: a producer id, its epoch, and the sequence of the batch's first record. */
export interface BatchProducer {
  readonly id: number;
  readonly epoch: number;
  readonly baseSequence: number;
}

/** What is written in a batch of a producer that is not idempotent. */
export const NO_PRODUCER: BatchProducer = { id: -1, epoch: -1, baseSequence: -1 };

/** Reads the header of `batch`, which must hold at least `BATCH_HEADER_BYTES`. */
export function readBatchHeader(batch: Uint8Array): BatchHeader {
  invariant(batch.length >= BATCH_HEADER_BYTES, 'batch shorter than its header', { sizeBytes: batch.length });
  const view = viewOf(batch);
  const attributes = view.getInt16(BATCH_FIELD.ATTRIBUTES);
  return {
    // Not asOffset: a producer may have written anything, and validation does not depend on it.
    baseOffset: readInt64(view, BATCH_FIELD.BASE_OFFSET) as Offset,
    sizeBytes: view.getInt32(BATCH_FIELD.BATCH_LENGTH) + BATCH_LENGTH_OVERHEAD_BYTES,
    leaderEpoch: view.getInt32(BATCH_FIELD.LEADER_EPOCH),
    magic: view.getInt8(BATCH_FIELD.MAGIC),
    crc: view.getUint32(BATCH_FIELD.CRC),
    attributes,
    compression: attributes & BATCH_ATTRIBUTE.COMPRESSION_MASK,
    lastOffsetDelta: view.getInt32(BATCH_FIELD.LAST_OFFSET_DELTA),
    baseTimestampMs: readInt64(view, BATCH_FIELD.BASE_TIMESTAMP),
    maxTimestampMs: readInt64(view, BATCH_FIELD.MAX_TIMESTAMP),
    producerId: readInt64(view, BATCH_FIELD.PRODUCER_ID),
    producerEpoch: view.getInt16(BATCH_FIELD.PRODUCER_EPOCH),
    baseSequence: view.getInt32(BATCH_FIELD.BASE_SEQUENCE),
    recordCount: view.getInt32(BATCH_FIELD.RECORD_COUNT),
  };
}

/**
 * Says which producer a batch is of, in place: its id, its epoch and the sequence of the first record, each
 * from 0, in 53, 15 and 31 bits. The checksum covers them: it must be computed after.
 */
export function writeProducer(view: DataView, { id, epoch, baseSequence }: BatchProducer): void {
  writeInt64(view, BATCH_FIELD.PRODUCER_ID, id);
  view.setInt16(BATCH_FIELD.PRODUCER_EPOCH, epoch);
  view.setInt32(BATCH_FIELD.BASE_SEQUENCE, baseSequence);
}

/**
 * Writes the batch's place in the log into `batch`, in place. Both fields stand outside the checksum, so it
 * stays valid. `leaderEpoch` is the leader's term, from -1 to 2^31 - 1.
 */
export function stampBatch(batch: Uint8Array, baseOffset: Offset, leaderEpoch: number): void {
  invariant(batch.length >= BATCH_HEADER_BYTES, 'batch shorter than its header', { sizeBytes: batch.length });
  invariant((leaderEpoch | 0) === leaderEpoch && leaderEpoch >= -1, 'leader epoch out of range', {
    leaderEpoch,
  });
  const view = viewOf(batch);
  writeInt64(view, BATCH_FIELD.BASE_OFFSET, asOffset(baseOffset));
  view.setInt32(BATCH_FIELD.LEADER_EPOCH, leaderEpoch);
}

/** A big-endian reader and writer of the same memory. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes a safe integer as an int64. */
export function writeInt64(view: DataView, position: number, value: number): void {
  invariant(Number.isSafeInteger(value), 'int64 out of range', { value });
  view.setInt32(position, Math.floor(value / 2 ** 32));
  view.setUint32(position + 4, value >>> 0);
}

/** An int64 as a number. Beyond 2^53 it is rounded, but never to a safe integer. */
function readInt64(view: DataView, position: number): number {
  return view.getInt32(position) * 2 ** 32 + view.getUint32(position + 4);
}
