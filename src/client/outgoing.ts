/** What a caller hands to a producer, checked and as the batch takes it. */
import { BellwetherError } from '../errors.js';
import type { LogRecord } from '../records/log-record.js';
import type { OutgoingRecord, Payload } from './types-producer.js';

/** One record encoded, in bytes, header of its batch aside: what a broker takes as a batch. */
export const RECORD_BYTES_MAX = 1_048_576 - 128;

/** What a record takes beside its payloads, in bytes: lengths, deltas, and the objects that stand for it. */
const RECORD_OVERHEAD_BYTES = 32;

const NO_HEADERS: LogRecord['headers'] = [];

/** @throws BellwetherError INVALID_REQUEST, RECORD_BATCH_TOO_LARGE */
export function toLogRecord(record: OutgoingRecord): LogRecord {
  const { timestampMs = Date.now(), headers = NO_HEADERS } = record;
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
    throw invalid('timestampMs', `must be a whole number from 0, got ${timestampMs}`);
  }
  return { key: bytesOf('key', record.key), value: bytesOf('value', record.value), headers, timestampMs };
}

/** Memory that a record takes until it is acknowledged, in bytes; about. */
export function memoryOf({ key, value, headers }: LogRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) bytes += header.key.length + (header.value?.length ?? 0);
  if (bytes <= RECORD_BYTES_MAX) return bytes;
  throw new BellwetherError(
    'RECORD_BATCH_TOO_LARGE',
    `the record has ${bytes} bytes, at most ${RECORD_BYTES_MAX}`,
    {
      metadata: { size_bytes: String(bytes), limit_bytes: String(RECORD_BYTES_MAX) },
    },
  );
}

function bytesOf(field: string, payload: Payload | undefined): Uint8Array | undefined {
  if (payload === undefined || payload instanceof Uint8Array) return payload;
  if (typeof payload === 'string') return Buffer.from(payload);
  throw invalid(field, 'must be bytes, text or undefined');
}

/** @throws BellwetherError INVALID_REQUEST unless `partition` is an int32 from 0. */
export function checkedPartition(partition: number): number {
  if ((partition | 0) === partition && partition >= 0) return partition;
  throw invalid('partition', `must be a whole number from 0, got ${partition}`);
}

function invalid(field: string, why: string): BellwetherError {
  return new BellwetherError('INVALID_REQUEST', `a record cannot be sent: ${field} ${why}`, {
    metadata: { field },
  });
}
