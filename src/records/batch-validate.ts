/** Decides whether bytes from a producer are a record batch that a broker can append. Pure. */

import {
  BATCH_ATTRIBUTE,
  BATCH_CRC_START,
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  readBatchHeader,
  type BatchHeader,
} from './batch-header.js';
import { MalformedBytesError } from './byte-cursor.js';
import { crc32c } from '../crc32c.js';
import { RecordWalk } from './record-walk.js';

/** None, gzip and zstd: what every client can have from its standard library. Not snappy (2) and lz4 (3). */
const CODECS: ReadonlySet<number> = new Set([0, 1, 4]);

/** What one batch may be at most. */
export interface RecordBatchLimits {
  /** Whole batch, header included. */
  readonly batchBytesMax: number;
  readonly recordsMax: number;
}

/** A refusal; the reasons are rows of the error table, `metadata` has every dynamic part of `message`. */
export interface RecordBatchRefusal {
  readonly ok: false;
  readonly reason: 'CORRUPT_RECORD_BATCH' | 'UNSUPPORTED_RECORD_BATCH' | 'RECORD_BATCH_TOO_LARGE';
  readonly message: string;
  readonly metadata: Record<string, string>;
}

export type RecordBatchVerdict = { readonly ok: true; readonly header: BatchHeader } | RecordBatchRefusal;

/**
 * Accepts exactly one whole Kafka v2 batch without transaction or control records: sizes,
 * checksum, counts, producer and every record are checked. Base offset and leader epoch are not: the leader
 * overwrites them. Allocates nothing for each record.
 */
export function validateRecordBatch(batch: Uint8Array, limits: RecordBatchLimits): RecordBatchVerdict {
  if (batch.length > limits.batchBytesMax) {
    return refuse('RECORD_BATCH_TOO_LARGE', 'the record batch has more bytes than allowed', {
      size_bytes: batch.length,
      limit_bytes: limits.batchBytesMax,
    });
  }
  if (batch.length < BATCH_HEADER_BYTES) {
    return corrupt('the record batch is shorter than its header', { size_bytes: batch.length });
  }
  const header = readBatchHeader(batch);
  const refusal =
    refuseEnvelope(batch, header) ??
    refuseFeatures(header) ??
    refuseProducer(header) ??
    refuseCounts(header, limits) ??
    refuseTimestamps(header) ??
    refuseRecords(batch, header);
  return refusal ?? { ok: true, header };
}

/** Magic first: before it is known to be 2, no other field is known to be where we read it. */
function refuseEnvelope(batch: Uint8Array, header: BatchHeader): RecordBatchRefusal | undefined {
  if (header.magic !== BATCH_MAGIC) {
    return unsupported('the record batch is not of format version (magic) 2', { magic: header.magic });
  }
  if (header.sizeBytes !== batch.length) {
    return corrupt('the length field of the record batch does not match its size', {
      length_field_size_bytes: header.sizeBytes,
      size_bytes: batch.length,
    });
  }
  const crc = crc32c(batch, BATCH_CRC_START);
  if (header.crc !== crc) {
    return corrupt('the checksum of the record batch is wrong', { crc_field: header.crc, crc });
  }
  return undefined;
}

function refuseFeatures(header: BatchHeader): RecordBatchRefusal | undefined {
  const { attributes, compression } = header;
  if (!CODECS.has(compression)) {
    return unsupported('the record batch is compressed with a codec that is not served', { compression });
  }
  if ((attributes & BATCH_ATTRIBUTE.TRANSACTIONAL) !== 0) {
    return unsupported('the record batch is part of a transaction', { attributes });
  }
  if ((attributes & BATCH_ATTRIBUTE.CONTROL) !== 0) {
    return unsupported('the record batch holds control records', { attributes });
  }
  if ((attributes & ~(BATCH_ATTRIBUTE.LOG_APPEND_TIME | BATCH_ATTRIBUTE.COMPRESSION_MASK)) !== 0) {
    return unsupported('the record batch has a delete horizon or unknown attributes', { attributes });
  }
  return undefined;
}

/** Without a producer id, -1, the epoch and the sequence mean nothing, as in Kafka. */
function refuseProducer(header: BatchHeader): RecordBatchRefusal | undefined {
  const { producerId, producerEpoch, baseSequence } = header;
  if (producerId === -1) return undefined;
  if (Number.isSafeInteger(producerId) && producerId >= 0 && producerEpoch >= 0 && baseSequence >= 0) {
    return undefined;
  }
  return corrupt('producer id, producer epoch or base sequence of the record batch is out of range', {
    producer_id: producerId,
    producer_epoch: producerEpoch,
    base_sequence: baseSequence,
  });
}

function refuseCounts(header: BatchHeader, limits: RecordBatchLimits): RecordBatchRefusal | undefined {
  const { recordCount, lastOffsetDelta } = header;
  if (recordCount < 1) return corrupt('the record batch has no records', { record_count: recordCount });
  if (lastOffsetDelta !== recordCount - 1) {
    return corrupt('the last offset delta of the record batch does not match its record count', {
      last_offset_delta: lastOffsetDelta,
      record_count: recordCount,
    });
  }
  if (recordCount > limits.recordsMax) {
    return refuse('RECORD_BATCH_TOO_LARGE', 'the record batch has more records than allowed', {
      record_count: recordCount,
      limit_records: limits.recordsMax,
    });
  }
  return undefined;
}

function refuseTimestamps(header: BatchHeader): RecordBatchRefusal | undefined {
  const { baseTimestampMs, maxTimestampMs } = header;
  if (isTimestamp(baseTimestampMs) && isTimestamp(maxTimestampMs)) return undefined;
  return corrupt('a timestamp of the record batch is out of range', {
    base_timestamp_ms: baseTimestampMs,
    max_timestamp_ms: maxTimestampMs,
  });
}

function refuseRecords(batch: Uint8Array, header: BatchHeader): RecordBatchRefusal | undefined {
  if (header.compression !== 0) return undefined; // The records are the clients' matter: brokers never open them.
  const walk = new RecordWalk(batch);
  for (let nth = 0; nth < header.recordCount; nth++) {
    try {
      walk.next();
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      return corrupt(`record ${nth} of the batch is malformed: ${error.message}`, {
        record: nth,
        problem: error.message,
      });
    }
    if (walk.offsetDelta !== nth) {
      return corrupt('the offset delta of a record does not match its position', {
        record: nth,
        offset_delta: walk.offsetDelta,
      });
    }
    if (!isTimestamp(header.baseTimestampMs + walk.timestampDeltaMs)) {
      return corrupt('the timestamp of a record is out of range', { record: nth });
    }
  }
  if (walk.remainingBytes > 0) {
    return corrupt('bytes follow the last record of the batch', { remaining_bytes: walk.remainingBytes });
  }
  return undefined;
}

/** -1 is "none" (Kafka's RecordBatch.NO_TIMESTAMP). */
function isTimestamp(timestampMs: number): boolean {
  return Number.isSafeInteger(timestampMs) && timestampMs >= -1;
}

type Facts = Readonly<Record<string, number | string>>;

function corrupt(message: string, facts: Facts): RecordBatchRefusal {
  return refuse('CORRUPT_RECORD_BATCH', message, facts);
}

function unsupported(message: string, facts: Facts): RecordBatchRefusal {
  return refuse('UNSUPPORTED_RECORD_BATCH', message, facts);
}

function refuse(reason: RecordBatchRefusal['reason'], message: string, facts: Facts): RecordBatchRefusal {
  const metadata = Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, String(fact)]));
  return { ok: false, reason, message, metadata };
}
