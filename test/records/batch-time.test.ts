import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { BATCH_ATTRIBUTE, BATCH_FIELD, stampBatch, viewOf } from '../../src/records/batch-header.js';
import { firstRecordAtTime } from '../../src/records/batch-time.js';
import { asOffset } from '../../src/records/offset.js';

function batchAt(base: number, times: readonly number[], attributes = 0): Uint8Array {
  const batch = encodeRecordBatch(
    times.map((timestampMs) => ({ key: undefined, value: undefined, headers: [], timestampMs })),
  );
  stampBatch(batch, asOffset(base), 1);
  viewOf(batch).setInt16(BATCH_FIELD.ATTRIBUTES, attributes);
  return batch;
}

describe('firstRecordAtTime', () => {
  it('finds the first record as young, from an offset on, as a walk over all records does', () => {
    const times = fc.array(fc.nat(30), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(times, fc.nat(31), fc.nat(14), (timestamps, timeMs, skip) => {
        const records = timestamps.map((timestampMs, i) => ({ offset: asOffset(10 + i), timestampMs }));
        const from = asOffset(8 + skip);
        const walked = records.find((record) => record.offset >= from && record.timestampMs >= timeMs);
        expect(firstRecordAtTime(batchAt(10, timestamps), from, timeMs)).toEqual(walked);
      }),
    );
  });

  it('gives every record the time of the header where the broker set it', () => {
    const batch = batchAt(5, [1, 9, 3], BATCH_ATTRIBUTE.LOG_APPEND_TIME);
    expect(firstRecordAtTime(batch, asOffset(0), 4)).toEqual({ offset: 5, timestampMs: 9 });
    expect(firstRecordAtTime(batch, asOffset(7), 4)).toEqual({ offset: 7, timestampMs: 9 });
  });

  it('does not look into compressed records: the first stands for all', () => {
    const batch = batchAt(5, [1, 9, 3], 1);
    expect(firstRecordAtTime(batch, asOffset(0), 4)).toEqual({ offset: 5, timestampMs: 1 });
    expect(firstRecordAtTime(batch, asOffset(0), 10)).toBeUndefined();
  });
});
