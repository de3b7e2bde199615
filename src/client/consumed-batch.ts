/** A record batch on the consumer's side: decompressed and decoded when somebody asks for its records. */
import {
  BATCH_ATTRIBUTE,
  BATCH_HEADER_BYTES,
  NO_PRODUCER,
  readBatchHeader,
} from '../records/batch-header.js';
import type { BatchHeader } from '../records/batch-header.js';
import { decodeRecordBatch } from '../records/batch-decode.js';
import { stampProducer, writeBatchHeader } from '../records/batch-encode.js';
import { stampBatch } from '../records/batch-header.js';
import { asOffset } from '../records/offset.js';
import { decompressed } from './compression.js';
import type { ConsumedBatch } from './types-consumer.js';
import type { PartitionRef } from './types-base.js';
import type { ConsumedRecord } from './types-records.js';

/** Where the partition stood when the batch was sent. */
export interface LogEnds {
  readonly highWatermark: number;
  readonly logStartOffset: number;
}

/** The records of `bytes` from `fromOffset` on; undefined when it has none. */
export function consumedBatch(
  ref: PartitionRef,
  bytes: Uint8Array,
  fromOffset: number,
  ends: LogEnds,
): ConsumedBatch | undefined {
  const header = readBatchHeader(bytes);
  const nextOffset = header.baseOffset + header.lastOffsetDelta + 1;
  const baseOffset = Math.max(header.baseOffset, fromOffset);
  if (baseOffset >= nextOffset) return undefined;
  return {
    topic: ref.topic,
    partition: ref.partition,
    baseOffset,
    nextOffset,
    recordCount: nextOffset - baseOffset,
    highWatermark: ends.highWatermark,
    logStartOffset: ends.logStartOffset,
    records: () => decodeRecordBatch(plain(bytes, header), asOffset(baseOffset)),
  };
}

/**
 * The records of `bytes` from `fromOffset` on, at most `maxRecords`.
 *
 * @throws BellwetherError CORRUPT_RECORD_BATCH, UNSUPPORTED_RECORD_BATCH for a codec that this Node has not.
 */
export function recordsOf(bytes: Uint8Array, fromOffset: number, maxRecords: number): ConsumedRecord[] {
  return decodeRecordBatch(plain(bytes, readBatchHeader(bytes)), asOffset(fromOffset), maxRecords);
}

/** The same batch without compression; its checksum is made anew. */
export function plain(bytes: Uint8Array, header: BatchHeader): Uint8Array {
  if (header.compression === 0) return bytes;
  const body = decompressed(bytes.subarray(BATCH_HEADER_BYTES), header.compression);
  // A Buffer, as records without compression are parts of one.
  const batch = Buffer.alloc(BATCH_HEADER_BYTES + body.length);
  batch.set(body, BATCH_HEADER_BYTES);
  const { recordCount, baseTimestampMs, maxTimestampMs, attributes } = header;
  const kept = attributes & BATCH_ATTRIBUTE.LOG_APPEND_TIME;
  writeBatchHeader(batch, { recordCount, baseTimestampMs, maxTimestampMs, attributes: kept });
  stampProducer(batch, NO_PRODUCER);
  stampBatch(batch, header.baseOffset, header.leaderEpoch);
  return batch;
}

/** A record with its partition. */
export function withPartition({ topic, partition }: PartitionRef, record: ConsumedRecord) {
  const { offset, key, value, headers, timestampMs } = record;
  return { topic, partition, offset, key, value, headers, timestampMs };
}
