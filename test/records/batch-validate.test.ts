import { describe, expect, it } from 'vitest';
import { encodeRecordBatch, stampProducer } from '../../src/records/batch-encode.js';
import {
  BATCH_ATTRIBUTE,
  BATCH_CRC_START,
  BATCH_FIELD,
  NO_PRODUCER,
  readBatchHeader,
} from '../../src/records/batch-header.js';
import { validateRecordBatch } from '../../src/records/batch-validate.js';
import { crc32c } from '../../src/crc32c.js';
import { CLIENT_BATCHES, GZIP_BATCH, KAFKA_BROKER_BATCHES, MAGIC_1_BATCH } from './batch-vectors.js';
import { fromHex, utf8 } from './hex.js';

const LIMITS = { batchBytesMax: 1000, recordsMax: 10 };

function batchOf(count: number): Uint8Array {
  const record = { key: utf8('k'), value: utf8('v'), headers: [], timestampMs: 1000 };
  return encodeRecordBatch(Array.from({ length: count }, () => record));
}

/** A header over `recordsHex` with right length and checksum: the records are all that can be wrong. */
function batchAround(recordsHex: string, recordCount = 1, baseTimestampMs = 0n): Uint8Array {
  const records = fromHex(recordsHex);
  const batch = new Uint8Array(61 + records.length);
  batch.set(batchOf(1).subarray(0, 61));
  batch.set(records, 61);
  return changed(batch, (view) => {
    view.setInt32(BATCH_FIELD.BATCH_LENGTH, batch.length - 12);
    view.setInt32(BATCH_FIELD.RECORD_COUNT, recordCount);
    view.setInt32(BATCH_FIELD.LAST_OFFSET_DELTA, recordCount - 1);
    view.setBigInt64(BATCH_FIELD.BASE_TIMESTAMP, baseTimestampMs);
  });
}

/** A copy with some fields changed and the checksum made right again. */
function changed(batch: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = batch.slice();
  const view = new DataView(copy.buffer);
  change(view);
  view.setUint32(BATCH_FIELD.CRC, crc32c(copy, BATCH_CRC_START));
  return copy;
}

/** A batch of these numbers, which an encoder may not write. */
function ofProducer(id: bigint, epoch: number, sequence: number): Uint8Array {
  return changed(batchOf(1), (view) => {
    view.setBigInt64(BATCH_FIELD.PRODUCER_ID, id);
    view.setInt16(BATCH_FIELD.PRODUCER_EPOCH, epoch);
    view.setInt32(BATCH_FIELD.BASE_SEQUENCE, sequence);
  });
}

function verdictOf(batch: Uint8Array, limits = LIMITS): string {
  const verdict = validateRecordBatch(batch, limits);
  return verdict.ok ? 'ok' : `${verdict.reason}: ${verdict.message}`;
}

/** The gzip batch with another codec in its header. */
function withCodec(compression: number): Uint8Array {
  const batch = Uint8Array.from(GZIP_BATCH);
  batch[22] = compression;
  stampProducer(batch, NO_PRODUCER);
  return batch;
}

describe('validateRecordBatch', () => {
  it('accepts gzip and zstd without a look at the records', () => {
    expect(verdictOf(GZIP_BATCH)).toBe('ok');
    expect(verdictOf(withCodec(4))).toBe('ok');
  });

  it.each([...KAFKA_BROKER_BATCHES, ...CLIENT_BATCHES])('accepts $source', (vector) => {
    expect(validateRecordBatch(vector.batch, LIMITS)).toEqual({
      ok: true,
      header: readBatchHeader(vector.batch),
    });
  });

  it.each([
    ['compression by snappy', withCodec(2), 'codec'],
    ['compression by lz4', withCodec(3), 'codec'],
    ['an unknown compression', withCodec(5), 'codec'],
    ['format version 1', MAGIC_1_BATCH, 'magic'],
  ])('refuses what others wrote with %s as unsupported', (_name, batch, word) => {
    expect(verdictOf(batch)).toContain('UNSUPPORTED_RECORD_BATCH');
    expect(verdictOf(batch)).toContain(word);
  });

  it.each([
    ['a transaction', BATCH_ATTRIBUTE.TRANSACTIONAL],
    ['control records', BATCH_ATTRIBUTE.CONTROL],
    ['a delete horizon', BATCH_ATTRIBUTE.DELETE_HORIZON],
    ['an unknown attribute', 1 << 7],
    ['the sign bit of the attributes', 1 << 15],
  ])('refuses %s as unsupported', (_name, attributes) => {
    const batch = changed(batchOf(1), (view) => view.setInt16(BATCH_FIELD.ATTRIBUTES, attributes));
    expect(verdictOf(batch)).toContain('UNSUPPORTED_RECORD_BATCH');
  });

  it.each([
    ['the lowest numbers', 0n, 0, 0],
    ['the highest numbers', BigInt(Number.MAX_SAFE_INTEGER), 32_767, 2_147_483_647],
    ['no producer id, whatever the rest', -1n, 3, 4],
  ])('accepts a producer of %s', (_name, id, epoch, sequence) => {
    expect(verdictOf(ofProducer(id, epoch, sequence))).toBe(verdictOf(batchOf(1)));
  });

  it.each([
    ['a producer id below -1', -2n, 0, 0],
    ['a producer id from 2^53', 2n ** 53n, 0, 0],
    ['a producer id without epoch', 7n, -1, 0],
    ['a producer id without sequence', 7n, 0, -1],
  ])('refuses %s as corrupt', (_name, id, epoch, sequence) => {
    expect(verdictOf(ofProducer(id, epoch, sequence))).toContain('CORRUPT_RECORD_BATCH: producer id');
  });

  it('accepts log append time and the timestamp -1', () => {
    const batch = changed(batchOf(1), (view) => {
      view.setInt16(BATCH_FIELD.ATTRIBUTES, BATCH_ATTRIBUTE.LOG_APPEND_TIME);
      view.setBigInt64(BATCH_FIELD.BASE_TIMESTAMP, -1n);
      view.setBigInt64(BATCH_FIELD.MAX_TIMESTAMP, -1n);
    });
    expect(verdictOf(batch)).toBe('ok');
  });

  it.each([
    [BATCH_FIELD.BASE_TIMESTAMP, -2n],
    [BATCH_FIELD.MAX_TIMESTAMP, -2n],
    [BATCH_FIELD.BASE_TIMESTAMP, 2n ** 53n],
    [BATCH_FIELD.MAX_TIMESTAMP, 2n ** 63n - 1n],
  ])('refuses, at byte %d, the timestamp %d', (field, timestampMs) => {
    const batch = changed(batchOf(1), (view) => view.setBigInt64(field, timestampMs));
    expect(verdictOf(batch)).toContain('CORRUPT_RECORD_BATCH: a timestamp of the record batch');
  });

  it.each([
    [0, -1],
    [-1, -2],
    [2, 0],
    [1, 1],
  ])('refuses record count %d with last offset delta %d', (recordCount, lastOffsetDelta) => {
    const batch = changed(batchOf(1), (view) => {
      view.setInt32(BATCH_FIELD.RECORD_COUNT, recordCount);
      view.setInt32(BATCH_FIELD.LAST_OFFSET_DELTA, lastOffsetDelta);
    });
    expect(verdictOf(batch)).toContain('CORRUPT_RECORD_BATCH');
  });

  it('refuses a header without records', () => {
    expect(verdictOf(batchAround('', 0))).toContain('CORRUPT_RECORD_BATCH: the record batch has no records');
  });

  it('accepts exactly the limits and refuses one more, with the numbers', () => {
    const batch = batchOf(3);
    expect(verdictOf(batch, { batchBytesMax: batch.length, recordsMax: 3 })).toBe('ok');
    expect(validateRecordBatch(batch, { batchBytesMax: batch.length - 1, recordsMax: 3 })).toMatchObject({
      reason: 'RECORD_BATCH_TOO_LARGE',
      metadata: { size_bytes: String(batch.length), limit_bytes: String(batch.length - 1) },
    });
    expect(validateRecordBatch(batch, { batchBytesMax: batch.length, recordsMax: 2 })).toMatchObject({
      reason: 'RECORD_BATCH_TOO_LARGE',
      metadata: { record_count: '3', limit_records: '2' },
    });
  });

  it('refuses two batches where one is due', () => {
    const one = batchOf(1);
    const two = new Uint8Array(one.length * 2);
    two.set(one);
    two.set(one, one.length);
    expect(verdictOf(two)).toContain('CORRUPT_RECORD_BATCH: the length field');
  });

  it('refuses a wrong checksum', () => {
    const batch = batchOf(1);
    batch[batch.length - 1] = 1;
    expect(verdictOf(batch)).toContain('CORRUPT_RECORD_BATCH: the checksum');
  });

  // A record: length, attributes, timestamp delta, offset delta, key size, value size, header count.
  it.each([
    ['the smallest record is fine', '0c 00 00 00 01 01 00', 'ok'],
    ['a header with null value is fine', '12 00 00 00 01 01 02 02 61 01', 'ok'],
    ['no bytes for the record', '', 'bytes end early'],
    ['a length beyond the batch', '0e 00 00 00 01 01 00', 'has other contents'],
    ['a length before the record ends', '0a 00 00 00 01 01 00', 'has other contents'],
    ['a negative length', '01 00 00 00 01 01 00', 'has other contents'],
    ['a key beyond the batch', '0c 00 00 00 04 01 00', 'bytes end early'],
    ['a key much beyond the batch', '0c 00 00 00 7e 01 00', 'exceeds'],
    ['a key of size -2', '0c 00 00 00 03 01 00', 'negative size -2'],
    ['a value beyond the batch', '0c 00 00 00 01 04 00', 'exceeds'],
    ['a negative header count', '0c 00 00 00 01 01 01', 'negative header count'],
    ['more headers than bytes', '10 00 00 00 01 01 fe7f 00', 'bytes end early'],
    ['a header with null key', '10 00 00 00 01 01 02 01 01', 'negative size -1'],
    ['a wrong offset delta', '0c 00 00 02 01 01 00', 'offset delta'],
    ['an overlong varint', '0e 00 00 8000 01 01 00', 'overlong'],
    ['a record timestamp below -1', '0c 00 03 00 01 01 00', 'timestamp of a record'],
    ['a byte after the last record', '0c 00 00 00 01 01 00 00', 'bytes follow'],
    ['a record more than counted', '0c 00 00 00 01 01 00 0c 00 00 02 01 01 00', 'bytes follow'],
  ])('checks every record: %s', (_name, recordsHex, expected) => {
    const verdict = verdictOf(batchAround(recordsHex));
    expect(verdict).toContain(expected);
    if (expected !== 'ok') expect(verdict).toContain('CORRUPT_RECORD_BATCH');
  });

  it('refuses fewer records than counted', () => {
    expect(verdictOf(batchAround('0c 00 00 00 01 01 00', 2))).toContain('record 1 of the batch is malformed');
  });
});
