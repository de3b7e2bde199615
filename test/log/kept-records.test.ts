import { describe, expect, it } from 'vitest';
import { BatchIndex } from '../../src/log/batch-index.js';
import { countExpired } from '../../src/log/kept-records.js';
import { asLogIndex } from '../../src/raft/types.js';
import { asOffset } from '../../src/records/offset.js';

/** One batch of ten records for each size; the times count from 1 unless they are given. */
function batchesOf(
  sizes: readonly number[],
  timestamps: readonly number[] = sizes.map((_, i) => i + 1),
): BatchIndex {
  const batches = new BatchIndex(asOffset(0));
  for (const [i, bytes] of sizes.entries()) {
    batches.push(asOffset(i * 10), {
      index: asLogIndex(i + 1),
      endOffset: asOffset((i + 1) * 10),
      maxTimestampMs: timestamps[i] ?? -1,
      bytes,
    });
  }
  return batches;
}

function expired(
  batches: BatchIndex,
  kept: { readonly bytes?: number; readonly sinceMs?: number },
  deleted = 0,
  committed = batches.count,
): number {
  return countExpired(batches, { bytes: undefined, sinceMs: undefined, ...kept }, deleted, committed);
}

describe('what a partition keeps', () => {
  it('is everything without a limit', () => {
    expect(expired(batchesOf([5, 5]), {})).toBe(0);
  });

  it('is at least as many bytes as asked for, to the whole batch', () => {
    const batches = batchesOf([100, 100, 100]);
    const expiredAt = (bytes: number) => expired(batches, { bytes });
    expect([400, 300, 201, 200, 101, 100, 1, 0].map(expiredAt)).toEqual([0, 0, 0, 1, 1, 2, 2, 3]);
  });

  it('is every batch from the first on whose newest record is young enough', () => {
    const batches = batchesOf([1, 1, 1, 1], [10, 20, 40, 30]);
    const expiredAt = (sinceMs: number) => expired(batches, { sinceMs });
    expect([10, 11, 21, 35, 41].map(expiredAt)).toEqual([0, 1, 2, 2, 4]);
  });

  it('lets a batch without a timestamp go only with a later one that is too old', () => {
    const batches = batchesOf([1, 1, 1], [-1, 10, -1]);
    expect(expired(batches, { sinceMs: 5 })).toBe(0);
    expect(expired(batches, { sinceMs: 50 })).toBe(2);
    expect(expired(batches, { bytes: 0 })).toBe(3);
  });

  it('lets the more go of what is too much and what is too old', () => {
    const batches = batchesOf([100, 100, 100], [10, 20, 30]);
    expect(expired(batches, { bytes: 200, sinceMs: 25 })).toBe(2);
    expect(expired(batches, { bytes: 100, sinceMs: 15 })).toBe(2);
  });

  it('counts what is not committed, but lets none of it go; what has gone stays so', () => {
    const batches = batchesOf([100, 100, 100]);
    expect(expired(batches, { bytes: 100 }, 0, 1)).toBe(1);
    expect(expired(batches, { bytes: 300 }, 2)).toBe(2);
    batches.forgetFirst(1);
    expect(expired(batches, { bytes: 100 })).toBe(1);
    expect(batches.bytesFrom(0)).toBe(200);
  });

  it('lets the batches of a span go together', () => {
    const batches = batchesOf([100, 100, 100, 100], [10, 40, 20, 50]);
    expect(batches.collapse(3, [asLogIndex(1), asLogIndex(3)])).toBe(2);
    const expiredAt = (bytes: number) => expired(batches, { bytes });
    expect([301, 300, 200, 199, 100].map(expiredAt)).toEqual([0, 0, 1, 1, 2]);
    expect([39, 41].map((sinceMs) => expired(batches, { sinceMs }))).toEqual([0, 2]);
  });
});
