import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchIndex } from '../../src/log/batch-index.js';
import { asLogIndex } from '../../src/raft/types.js';
import { asOffset } from '../../src/records/offset.js';

/** What may happen to an index, in any order. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('push' as const), timeMs: fc.integer({ min: -1, max: 20 }) }),
  fc.record({ kind: fc.constant('truncate' as const), count: fc.nat(3) }),
  fc.record({ kind: fc.constant('forget' as const), count: fc.nat(3) }),
);

describe('BatchIndex', () => {
  it('finds the first batch of a time as a walk over all of them does, whatever was cut off', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(21), fc.nat(8), (steps, timeMs, from) => {
        const index = new BatchIndex(asOffset(0));
        let times: number[] = [];
        let next = 1;
        for (const each of steps) {
          if (each.kind === 'push') {
            index.push(index.endOffset, {
              index: asLogIndex(next),
              endOffset: asOffset(index.endOffset + 2),
              maxTimestampMs: each.timeMs,
              bytes: 100,
            });
            times.push(each.timeMs);
            next += 1;
          } else {
            const count = Math.min(each.count, times.length);
            if (each.kind === 'forget') {
              index.forgetFirst(count);
              times = times.slice(count);
            } else {
              next -= count;
              index.truncateFrom(asLogIndex(next));
              times = times.slice(0, times.length - count);
            }
          }
        }
        const start = Math.min(from, times.length);
        const walked = times.findIndex((time, nth) => nth >= start && time >= timeMs);
        expect(index.firstAtTime(start, timeMs)).toBe(walked < 0 ? times.length : walked);
      }),
    );
  });
});
