/** What a caller hands to a producer, checked and as the batch takes it. */
import { BellwetherError } from '../errors.js';
import { recordBodySize } from '../records/batch-encode.js';
import { BATCH_HEADER_BYTES } from '../records/batch-header.js';
import type { LogRecord, LogRecordHeader } from '../records/log-record.js';
import { varintSize } from '../records/varint.js';
import { checkNames, isObject, shown } from './checked-option.js';
import type { ProducerRecord } from './types-records.js';

/** Largest batch that a broker takes, in bytes, its header included. */
const BATCH_BYTES_MAX = 1_048_576;

/** Memory of a record, in bytes, up to which its batch need not be computed: headers aside it fits for certain. */
const SURE_BYTES_MAX = BATCH_BYTES_MAX - 128;

/** What a record takes beside its payloads, in bytes: lengths, deltas, and the objects that stand for it. */
const RECORD_OVERHEAD_BYTES = 32;

const FIELDS = { key: true, value: true, headers: true, timestampMs: true, partition: true } as const;

const NO_HEADERS: LogRecord['headers'] = [];

/**
 * Text becomes UTF-8 and null undefined. `nowMs` is for records without a timestamp. JavaScript would make zero bytes of
 * anything else that is copied as bytes, so nothing else gets through.
 *
 * @throws BellwetherError INVALID_REQUEST that names the field
 */
export function toLogRecord(record: ProducerRecord, nowMs?: number): LogRecord {
  if (!isObject(record)) throw invalid('record', 'must be { key, value, headers, timestampMs }', record);
  // A value whose name is misspelt would be a tombstone.
  if (record.value === undefined) checkNames('a record', record, FIELDS);
  const { timestampMs = nowMs ?? Date.now() } = record;
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
    throw invalid('timestampMs', 'must be a whole number from 0', timestampMs);
  }
  const key = bytesOf('key', record.key);
  return { key, value: bytesOf('value', record.value), headers: headersOf(record.headers), timestampMs };
}

/**
 * Takes records that are sent together, all before the first of them is sent.
 *
 * @throws BellwetherError as `toLogRecord` and `memoryOf`; `metadata.record` is the number of the record, from 0
 */
export function toLogRecords(records: readonly ProducerRecord[]): LogRecord[] {
  return records.map((record, index) => {
    try {
      const logRecord = toLogRecord(record);
      memoryOf(logRecord);
      return logRecord;
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      const metadata = { ...error.metadata, record: String(index) };
      throw new BellwetherError(error.reason, `records[${index}]: ${error.message}; none was sent`, {
        metadata,
      });
    }
  });
}

/** Memory that a record takes until it is acknowledged, in bytes; about. */
export function memoryOf(record: LogRecord): number {
  const { key, value, headers } = record;
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) bytes += header.key.length + (header.value?.length ?? 0);
  if (bytes > SURE_BYTES_MAX) checkFitsBatch(record);
  return bytes;
}

/** @throws BellwetherError RECORD_BATCH_TOO_LARGE */
function checkFitsBatch(record: LogRecord): void {
  const bodyBytes = recordBodySize(record, 0, 0);
  const sizeBytes = BATCH_HEADER_BYTES + varintSize(bodyBytes) + bodyBytes;
  if (sizeBytes <= BATCH_BYTES_MAX) return;
  const message = `the record alone makes a batch of ${sizeBytes} bytes, at most ${BATCH_BYTES_MAX}`;
  const metadata = { size_bytes: String(sizeBytes), limit_bytes: String(BATCH_BYTES_MAX) };
  throw new BellwetherError('RECORD_BATCH_TOO_LARGE', message, { metadata });
}

function headersOf(headers: ProducerRecord['headers']): LogRecord['headers'] {
  if (headers === undefined) return NO_HEADERS;
  const list: unknown = headers;
  if (!Array.isArray(list)) throw invalid('headers', 'must be an array of { key, value }', list);
  return list.map(headerOf);
}

function headerOf(header: unknown, index: number): LogRecordHeader {
  const field = `headers[${index}]`;
  if (!isObject(header)) throw invalid(field, 'must be { key, value }', header);
  const { key, value } = header;
  if (typeof key !== 'string') throw invalid(`${field}.key`, 'must be text', key);
  return { key, value: bytesOf(`${field}.value`, value) };
}

function bytesOf(field: string, payload: unknown): Uint8Array | undefined {
  if (payload === undefined || payload instanceof Uint8Array) return payload;
  if (typeof payload === 'string') return Buffer.from(payload);
  if (payload === null) return undefined;
  throw invalid(field, 'must be bytes (Uint8Array), text, null or undefined', payload);
}

/** @throws BellwetherError INVALID_REQUEST unless `partition` is an int32 from 0. */
export function checkedPartition(partition: number): number {
  if ((partition | 0) === partition && partition >= 0) return partition;
  throw invalid('partition', 'must be a whole number from 0', partition);
}

function invalid(field: string, why: string, got: unknown): BellwetherError {
  const message = `a record cannot be sent: ${field} ${why}, got ${shown(got)}`;
  return new BellwetherError('INVALID_REQUEST', message, { metadata: { field } });
}
