import { describe, expect, it } from 'vitest';
import { BellwetherError } from '../../src/errors.js';
import { decodeRecordBatch } from '../../src/records/batch-decode.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { BATCH_ATTRIBUTE, BATCH_FIELD, stampBatch } from '../../src/records/batch-header.js';
import { asOffset } from '../../src/records/offset.js';
import { CLIENT_BATCHES, GZIP_BATCH, KAFKA_BROKER_BATCHES, MAGIC_1_BATCH } from './batch-vectors.js';
import { utf8 } from './hex.js';

/** Ten records with values v0 to v9, at offsets 100 to 109. */
function tenRecords(): Uint8Array {
  const batch = encodeRecordBatch(
    Array.from({ length: 10 }, (_, at) => ({
      key: undefined,
      value: utf8(`v${at}`),
      headers: [],
      timestampMs: 1000 + at,
    })),
  );
  stampBatch(batch, asOffset(100), 3);
  return batch;
}

/** The same, with these attributes (and so with a wrong checksum, which decoding does not look at). */
function withAttributes(attributes: number): Uint8Array {
  const batch = tenRecords();
  new DataView(batch.buffer).setInt16(BATCH_FIELD.ATTRIBUTES, attributes);
  return batch;
}

function offsetsOf(batch: Uint8Array, fromOffset: number, maxRecords?: number): number[] {
  return decodeRecordBatch(batch, asOffset(fromOffset), maxRecords).map((record) => record.offset);
}

function reasonOf(batch: Uint8Array): string {
  try {
    decodeRecordBatch(batch);
  } catch (error) {
    if (error instanceof BellwetherError) return error.reason;
    throw error;
  }
  return 'none';
}

describe('decodeRecordBatch', () => {
  it.each([...KAFKA_BROKER_BATCHES, ...CLIENT_BATCHES])('reads the records of $source', (vector) => {
    expect(decodeRecordBatch(vector.batch)).toEqual(
      vector.records.map((record, at) => ({ ...record, offset: vector.baseOffset + at })),
    );
  });

  it('begins at an offset and ends after a number of records', () => {
    const batch = tenRecords();
    expect(offsetsOf(batch, 0)).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
    expect(offsetsOf(batch, 107)).toEqual([107, 108, 109]);
    expect(offsetsOf(batch, 103, 2)).toEqual([103, 104]);
    expect(offsetsOf(batch, 110)).toEqual([]);
    expect(offsetsOf(batch, 100, 0)).toEqual([]);
    expect(decodeRecordBatch(batch, asOffset(103), 1)[0]).toMatchObject({
      value: utf8('v3'),
      timestampMs: 1003,
    });
  });

  it('gives views into the batch, not copies', () => {
    const batch = tenRecords();
    const value = decodeRecordBatch(batch)[0]?.value;
    expect(value?.buffer).toBe(batch.buffer);
  });

  it('takes the header time for every record of a batch with log append time', () => {
    const batch = withAttributes(BATCH_ATTRIBUTE.LOG_APPEND_TIME);
    expect(new Set(decodeRecordBatch(batch).map((record) => record.timestampMs))).toEqual(new Set([1009]));
  });

  it.each([
    ['compression', GZIP_BATCH],
    ['control records', withAttributes(BATCH_ATTRIBUTE.CONTROL)],
    ['format version 1', MAGIC_1_BATCH],
  ])('refuses %s as unsupported', (_name, batch) => {
    expect(reasonOf(batch)).toBe('UNSUPPORTED_RECORD_BATCH');
  });

  it('refuses damage as corruption, never by reading past the batch', () => {
    const batch = tenRecords();
    expect(reasonOf(batch.subarray(0, 60))).toBe('CORRUPT_RECORD_BATCH');
    expect(reasonOf(batch.subarray(0, batch.length - 1))).toBe('CORRUPT_RECORD_BATCH');
    const wrongLength = batch.slice();
    wrongLength[61] = 0x7e;
    expect(reasonOf(wrongLength)).toBe('CORRUPT_RECORD_BATCH');
    const wrongOffset = batch.slice();
    wrongOffset.fill(0xff, 0, 8);
    expect(reasonOf(wrongOffset)).toBe('CORRUPT_RECORD_BATCH');
  });
});
