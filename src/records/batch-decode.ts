/** Reads the records of a Kafka v2 record batch back (layout: batch-header.ts, record-walk.ts). Pure. */

import { BellwetherError } from '../errors.js';
import {
  BATCH_ATTRIBUTE,
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  readBatchHeader,
  type BatchHeader,
} from './batch-header.js';
import { ByteCursor, MalformedBytesError } from './byte-cursor.js';
import type { LogRecordHeader, StoredRecord } from './log-record.js';
import { asOffset, type Offset } from './offset.js';
import { NULL_SIZE, RecordWalk } from './record-walk.js';
import { decodeUtf8 } from './utf8.js';
import { readVarint } from './varint.js';

const NO_HEADERS: readonly LogRecordHeader[] = [];

/**
 * The records of `batch` from `fromOffset` (inclusive) on, at most `maxRecords`; by default all. Keys and
 * values are views into `batch`, not copies.
 *
 * Meant for batches that `validateRecordBatch` accepted once: the checksum is not checked again. Throws
 * `BellwetherError` CORRUPT_RECORD_BATCH when the bytes break the format all the same, and
 * UNSUPPORTED_RECORD_BATCH for another format version, compression and control records.
 */
export function decodeRecordBatch(
  batch: Uint8Array,
  fromOffset?: Offset,
  maxRecords: number = Number.MAX_SAFE_INTEGER,
): StoredRecord[] {
  const header = readableHeader(batch);
  const firstDelta = Math.max(0, (fromOffset ?? header.baseOffset) - header.baseOffset);
  const endDelta = Math.min(header.recordCount, firstDelta + maxRecords);
  const records: StoredRecord[] = [];
  const walk = new RecordWalk(batch);
  try {
    for (let delta = 0; delta < endDelta; delta++) {
      if (delta < firstDelta) {
        walk.skip();
        continue;
      }
      walk.next();
      records.push(recordAt(batch, walk, header, asOffset(header.baseOffset + delta)));
    }
  } catch (error) {
    if (error instanceof MalformedBytesError) throw corrupt(error.message);
    throw error;
  }
  return records;
}

function readableHeader(batch: Uint8Array): BatchHeader {
  if (batch.length < BATCH_HEADER_BYTES) throw corrupt('it is shorter than its header');
  const header = readBatchHeader(batch);
  if (header.magic !== BATCH_MAGIC || header.compression !== 0 || isControl(header)) {
    throw new BellwetherError(
      'UNSUPPORTED_RECORD_BATCH',
      'a record batch of another format version, compressed, or with control records is not decoded here',
      { metadata: { magic: String(header.magic), attributes: String(header.attributes) } },
    );
  }
  if (header.sizeBytes !== batch.length) throw corrupt('its length field does not match its size');
  if (!Number.isSafeInteger(header.baseOffset + header.recordCount) || header.baseOffset < 0) {
    throw corrupt('its base offset is out of range');
  }
  return header;
}

function isControl(header: BatchHeader): boolean {
  return (header.attributes & BATCH_ATTRIBUTE.CONTROL) !== 0;
}

/** The record on which `walk` stands. */
function recordAt(batch: Uint8Array, walk: RecordWalk, header: BatchHeader, offset: Offset): StoredRecord {
  const logAppendTime = (header.attributes & BATCH_ATTRIBUTE.LOG_APPEND_TIME) !== 0;
  return {
    offset,
    key: nullable(batch, walk.keyStart, walk.keySize),
    value: nullable(batch, walk.valueStart, walk.valueSize),
    headers: walk.headerCount === 0 ? NO_HEADERS : headersAt(batch, walk),
    // With log append time the broker's clock stands in the header and the deltas mean nothing.
    timestampMs: logAppendTime ? header.maxTimestampMs : header.baseTimestampMs + walk.timestampDeltaMs,
  };
}

function headersAt(batch: Uint8Array, walk: RecordWalk): LogRecordHeader[] {
  const cursor = new ByteCursor(batch, walk.headersStart);
  const headers: LogRecordHeader[] = [];
  for (let nth = 0; nth < walk.headerCount; nth++) {
    const key = decodeUtf8(cursor.take(readVarint(cursor)));
    const valueSize = readVarint(cursor);
    headers.push({ key, value: valueSize === NULL_SIZE ? undefined : cursor.take(valueSize) });
  }
  return headers;
}

function nullable(batch: Uint8Array, start: number, sizeBytes: number): Uint8Array | undefined {
  return sizeBytes === NULL_SIZE ? undefined : batch.subarray(start, start + sizeBytes);
}

function corrupt(problem: string): BellwetherError {
  return new BellwetherError('CORRUPT_RECORD_BATCH', `the record batch is damaged: ${problem}`, {
    metadata: { problem },
  });
}
