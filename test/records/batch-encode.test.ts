import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { BATCH_HEADER_BYTES, readBatchHeader, stampBatch } from '../../src/records/batch-header.js';
import { asOffset } from '../../src/records/offset.js';
import { CLIENT_BATCHES, KAFKA_BROKER_BATCHES } from './batch-vectors.js';
import { toHex, utf8 } from './hex.js';

const RECORD = { key: undefined, value: utf8('v'), headers: [], timestampMs: 5 };

describe('encodeRecordBatch', () => {
  it.each(KAFKA_BROKER_BATCHES)('writes what the broker wrote, byte for byte: $source', (vector) => {
    const batch = encodeRecordBatch(vector.records);
    stampBatch(batch, asOffset(vector.baseOffset), vector.leaderEpoch);
    expect(toHex(batch)).toBe(toHex(vector.batch));
  });

  it.each(CLIENT_BATCHES)('writes the same records as $source, byte for byte', (vector) => {
    const batch = encodeRecordBatch(vector.records);
    expect(toHex(batch.subarray(BATCH_HEADER_BYTES))).toBe(toHex(vector.batch.subarray(BATCH_HEADER_BYTES)));
  });

  it('leaves the place in the log and the producer open', () => {
    expect(readBatchHeader(encodeRecordBatch([RECORD]))).toMatchObject({
      baseOffset: 0,
      leaderEpoch: -1,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
    });
  });

  it('holds the time of the first record and the greatest of all', () => {
    const times = [5, 9, -1];
    const batch = encodeRecordBatch(times.map((timestampMs) => ({ ...RECORD, timestampMs })));
    expect(readBatchHeader(batch)).toMatchObject({ baseTimestampMs: 5, maxTimestampMs: 9 });
  });

  it('takes memory of exactly the size of the batch', () => {
    const batch = encodeRecordBatch([RECORD, RECORD]);
    expect(batch.buffer.byteLength).toBe(batch.length);
  });

  it('refuses no records', () => {
    expect(() => encodeRecordBatch([])).toThrow(InvariantError);
  });

  it.each([-2, 0.5, Number.NaN, 2 ** 53])('refuses the timestamp %d', (timestampMs) => {
    expect(() => encodeRecordBatch([RECORD, { ...RECORD, timestampMs }])).toThrow(InvariantError);
  });
});
