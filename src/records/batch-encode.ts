/** Makes a Kafka v2 record batch of records (layout: batch-header.ts, record-walk.ts). Pure. */

import { invariant } from '../invariant.js';
import {
  BATCH_CRC_START,
  BATCH_FIELD,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_OVERHEAD_BYTES,
  BATCH_MAGIC,
  type BatchProducer,
  NO_PRODUCER,
  viewOf,
  writeInt64,
  writeProducer,
} from './batch-header.js';
import { crc32c } from '../crc32c.js';
import type { LogRecord } from './log-record.js';
import { NULL_SIZE } from './record-walk.js';
import { utf8Size, writeUtf8 } from './utf8.js';
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint.js';

const INT16_MAX = 32_767;
const INT32_MAX = 2_147_483_647;

/** Attributes of a record: none are in use (KIP-98). */
const NO_ATTRIBUTES = 0;

/** What "no leader epoch" and "no timestamp" are written as. */
const NONE = -1;

/**
 * One uncompressed batch of all `records` (at least one), at base offset 0 and leader epoch -1. Timestamps
 * must be integers from -1. Each payload is copied once, into memory of the exact size.
 *
 * @param producer Of an idempotent producer, whose numbers must be in their bounds (`writeProducer`).
 */
export function encodeRecordBatch(
  records: readonly LogRecord[],
  producer: BatchProducer = NO_PRODUCER,
): Uint8Array {
  const first = records[0];
  invariant(first !== undefined, 'a record batch has at least one record');
  const bodySizes = new Array<number>(records.length);
  let sizeBytes = BATCH_HEADER_BYTES;
  let maxTimestampMs = NONE;
  for (const [delta, record] of records.entries()) {
    checkTimestamp(record.timestampMs);
    maxTimestampMs = Math.max(maxTimestampMs, record.timestampMs);
    const bodySize = recordBodySize(record, record.timestampMs - first.timestampMs, delta);
    bodySizes[delta] = bodySize;
    sizeBytes += varintSize(bodySize) + bodySize;
    invariant(sizeBytes <= INT32_MAX, 'record batch exceeds its length field', { sizeBytes });
  }

  const batch = new Uint8Array(sizeBytes);
  let position = BATCH_HEADER_BYTES;
  for (const [delta, record] of records.entries()) {
    // One size was stored for each record.
    position = writeVarint(batch, position, bodySizes[delta] ?? 0);
    position = writeRecordBody(batch, position, record, record.timestampMs - first.timestampMs, delta);
  }
  invariant(position === sizeBytes, 'record batch size was computed wrong', { position, sizeBytes });
  const { timestampMs: baseTimestampMs } = first;
  writeBatchHeader(batch, { recordCount: records.length, baseTimestampMs, maxTimestampMs });
  stampProducer(batch, producer);
  return batch;
}

/**
 * Makes a batch one of `producer`, in place, and computes its checksum: for a batch that is sent again in a
 * later epoch. Its numbers must be in their bounds (`writeProducer`).
 */
export function stampProducer(batch: Uint8Array, producer: BatchProducer): void {
  const { id, epoch, baseSequence } = producer;
  const isNone = id === -1 && epoch === -1 && baseSequence === -1;
  const isWhole =
    id >= 0 && epoch >= 0 && epoch <= INT16_MAX && baseSequence >= 0 && baseSequence <= INT32_MAX;
  invariant(isNone || isWhole, 'producer out of range', { id, epoch, baseSequence });
  const view = viewOf(batch);
  writeProducer(view, producer);
  view.setUint32(BATCH_FIELD.CRC, crc32c(batch, BATCH_CRC_START));
}

function checkTimestamp(timestampMs: number): void {
  invariant(Number.isSafeInteger(timestampMs) && timestampMs >= NONE, 'timestamp out of range', {
    timestampMs,
  });
}

/** Size in bytes of a record after its length field. */
export function recordBodySize(record: LogRecord, timestampDeltaMs: number, offsetDelta: number): number {
  let sizeBytes =
    1 +
    varlongSize(timestampDeltaMs) +
    varintSize(offsetDelta) +
    nullableSize(record.key) +
    nullableSize(record.value) +
    varintSize(record.headers.length);
  for (const { key, value } of record.headers) {
    const keySize = utf8Size(key);
    sizeBytes += varintSize(keySize) + keySize + nullableSize(value);
  }
  return sizeBytes;
}

function nullableSize(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? varintSize(NULL_SIZE) : varintSize(bytes.length) + bytes.length;
}

/** Writes a record, its length field aside; returns the position after it. */
export function writeRecordBody(
  batch: Uint8Array,
  position: number,
  record: LogRecord,
  timestampDeltaMs: number,
  offsetDelta: number,
): number {
  batch[position] = NO_ATTRIBUTES;
  let next = writeVarlong(batch, position + 1, timestampDeltaMs);
  next = writeVarint(batch, next, offsetDelta);
  next = writeNullable(batch, next, record.key);
  next = writeNullable(batch, next, record.value);
  next = writeVarint(batch, next, record.headers.length);
  for (const { key, value } of record.headers) {
    next = writeVarint(batch, next, utf8Size(key));
    next = writeUtf8(batch, next, key);
    next = writeNullable(batch, next, value);
  }
  return next;
}

function writeNullable(batch: Uint8Array, position: number, bytes: Uint8Array | undefined): number {
  if (bytes === undefined) return writeVarint(batch, position, NULL_SIZE);
  const next = writeVarint(batch, position, bytes.length);
  batch.set(bytes, next);
  return next + bytes.length;
}

/** What the header says of the records of a batch. */
export interface BatchFacts {
  readonly recordCount: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  /** Default 0, no compression; see `BATCH_ATTRIBUTE`. */
  readonly attributes?: number;
}

/** Writes the header, but for the producer and the checksum: `stampProducer` does that. */
export function writeBatchHeader(
  batch: Uint8Array,
  { recordCount, baseTimestampMs, maxTimestampMs, attributes = 0 }: BatchFacts,
): void {
  const view = viewOf(batch);
  writeInt64(view, BATCH_FIELD.BASE_OFFSET, 0);
  view.setInt32(BATCH_FIELD.BATCH_LENGTH, batch.length - BATCH_LENGTH_OVERHEAD_BYTES);
  view.setInt32(BATCH_FIELD.LEADER_EPOCH, NONE);
  view.setInt8(BATCH_FIELD.MAGIC, BATCH_MAGIC);
  view.setInt16(BATCH_FIELD.ATTRIBUTES, attributes);
  view.setInt32(BATCH_FIELD.LAST_OFFSET_DELTA, recordCount - 1);
  writeInt64(view, BATCH_FIELD.BASE_TIMESTAMP, baseTimestampMs);
  writeInt64(view, BATCH_FIELD.MAX_TIMESTAMP, maxTimestampMs);
  view.setInt32(BATCH_FIELD.RECORD_COUNT, recordCount);
}
