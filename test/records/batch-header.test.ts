import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import { readBatchHeader, stampBatch } from '../../src/records/batch-header.js';
import { asOffset, type Offset } from '../../src/records/offset.js';
import { validateRecordBatch } from '../../src/records/batch-validate.js';
import { CLIENT_BATCHES, GZIP_BATCH, KAFKA_BROKER_BATCHES } from './batch-vectors.js';

const LIMITS = { batchBytesMax: 1000, recordsMax: 10 };

describe('readBatchHeader', () => {
  it.each([...KAFKA_BROKER_BATCHES, ...CLIENT_BATCHES])('reads the header of $source', (vector) => {
    const timestamps = vector.records.map((record) => record.timestampMs);
    expect(readBatchHeader(vector.batch)).toMatchObject({
      baseOffset: vector.baseOffset,
      sizeBytes: vector.batch.length,
      leaderEpoch: vector.leaderEpoch,
      magic: 2,
      crc: vector.crc,
      attributes: 0,
      compression: 0,
      lastOffsetDelta: vector.records.length - 1,
      recordCount: vector.records.length,
      baseTimestampMs: timestamps[0],
      maxTimestampMs: Math.max(...timestamps),
      producerId: -1,
    });
  });

  it('reads the fields that the kafkajs fixture v0_recordbatch.json is known to hold', () => {
    expect(readBatchHeader(GZIP_BATCH)).toEqual({
      baseOffset: 0,
      sizeBytes: 125,
      leaderEpoch: 0,
      magic: 2,
      crc: 0xe4c324a5,
      attributes: 9,
      compression: 1,
      lastOffsetDelta: 0,
      baseTimestampMs: 1_597_425_188_775,
      maxTimestampMs: 1_597_425_188_809,
      producerId: -1,
      producerEpoch: 0,
      baseSequence: 0,
      recordCount: 1,
    });
  });

  it('refuses less than a header', () => {
    expect(() => readBatchHeader(GZIP_BATCH.subarray(0, 60))).toThrow(InvariantError);
  });
});

describe('stampBatch', () => {
  it.each([
    [0, 0],
    [2 ** 32 - 1, 7],
    [2 ** 32, 1],
    [Number.MAX_SAFE_INTEGER, 2 ** 31 - 1],
  ])('writes offset %d and term %d, and the checksum stays right', (offset, term) => {
    for (const vector of KAFKA_BROKER_BATCHES) {
      const batch = vector.batch.slice();
      stampBatch(batch, asOffset(offset), term);
      expect(readBatchHeader(batch)).toMatchObject({ baseOffset: offset, leaderEpoch: term, magic: 2 });
      expect(validateRecordBatch(batch, LIMITS).ok).toBe(true);
      expect(batch.subarray(16)).toEqual(vector.batch.subarray(16));
      expect(batch.subarray(8, 12)).toEqual(vector.batch.subarray(8, 12));
    }
  });

  it.each([-2, 2 ** 31, 0.5])('refuses the term %d', (term) => {
    expect(() => stampBatch(GZIP_BATCH.slice(), asOffset(0), term)).toThrow(InvariantError);
  });

  it('refuses an offset that is none', () => {
    expect(() => stampBatch(GZIP_BATCH.slice(), -1 as Offset, 1)).toThrow(InvariantError);
  });
});
