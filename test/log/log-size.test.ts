import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogSize } from '../../src/log/log-size.js';
import { asLogIndex } from '../../src/raft/types.js';
import { asOffset } from '../../src/records/offset.js';

/** One batch of ten records for each size; the times count from 1 unless they are given. */
function sizeOf(
  sizes: readonly number[],
  timestamps: readonly number[] = sizes.map((_, i) => i + 1),
): LogSize {
  const size = new LogSize();
  for (const [i, bytes] of sizes.entries()) {
    const maxTimestampMs = timestamps[i] ?? -1;
    size.appended(asLogIndex(i + 1), { endOffset: (i + 1) * 10, bytes, maxTimestampMs });
  }
  size.committedTo(asLogIndex(sizes.length));
  return size;
}

const NO_LIMIT = { bytes: undefined, sinceMs: undefined };

describe('LogSize', () => {
  it('keeps everything without a limit', () => {
    expect(sizeOf([5, 5]).expired(NO_LIMIT)).toBeUndefined();
  });

  it('keeps at least as many bytes as asked for, to the whole batch', () => {
    const size = sizeOf([100, 100, 100]);
    const expiredAt = (bytes: number) => size.expired({ ...NO_LIMIT, bytes });
    expect([300, 201, 200, 101, 100, 1, 0].map(expiredAt)).toEqual([
      undefined,
      undefined,
      10,
      10,
      20,
      20,
      30,
    ]);
  });

  it('lets batches go whose newest record is too old, up to the first that is not', () => {
    const size = sizeOf([1, 1, 1, 1], [10, 20, 40, 30]);
    const expiredAt = (sinceMs: number) => size.expired({ ...NO_LIMIT, sinceMs });
    expect([10, 11, 21, 35, 41].map(expiredAt)).toEqual([undefined, 10, 20, 20, 40]);
  });

  it('lets a batch without a timestamp go only with a later one that is too old', () => {
    const size = sizeOf([1, 1, 1], [-1, 10, -1]);
    expect(size.expired({ ...NO_LIMIT, sinceMs: 5 })).toBeUndefined();
    expect(size.expired({ ...NO_LIMIT, sinceMs: 50 })).toBe(20);
    expect(size.expired({ ...NO_LIMIT, bytes: 0 })).toBe(30);
  });

  it('counts what is not committed, but lets none of it go, and forgets what is truncated', () => {
    const size = sizeOf([100]);
    for (const index of [2, 3]) {
      size.appended(asLogIndex(index), { endOffset: index * 10, bytes: 100, maxTimestampMs: 1 });
    }
    expect([size.bytes, size.expired({ ...NO_LIMIT, bytes: 0 })]).toEqual([300, 10]);
    size.truncatedFrom(asLogIndex(3));
    size.committedTo(asLogIndex(2));
    expect([size.bytes, size.expired({ ...NO_LIMIT, bytes: 0 })]).toEqual([200, 20]);
  });

  it('has no bytes left once all is deleted', () => {
    const size = sizeOf([100, 100]);
    size.deletedTo(asOffset(15));
    expect(size.bytes).toBe(100);
    size.deletedTo(asOffset(20));
    expect([size.bytes, size.sampleCount]).toEqual([0, 0]);
  });

  it('stays small however many batches there are, and exact to a hundredth', () => {
    const bytes = fc.array(fc.integer({ min: 61, max: 5_000 }), { minLength: 5_000, maxLength: 6_000 });
    fc.assert(
      fc.property(bytes, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (sizes, share) => {
        const size = sizeOf(sizes);
        const total = sizes.reduce((sum, each) => sum + each, 0);
        expect(size.sampleCount).toBeLessThanOrEqual(1_024);
        expect(size.bytes).toBe(total);
        const kept = Math.floor(total * share);
        const before = size.expired({ ...NO_LIMIT, bytes: kept }) ?? 0;
        const left = sizes.slice(before / 10).reduce((sum, each) => sum + each, 0);
        expect(left).toBeGreaterThanOrEqual(kept);
        expect(left).toBeLessThan(kept + total / 100);
      }),
      { numRuns: 10 },
    );
  });
});
