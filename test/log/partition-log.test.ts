import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import { PartitionLog } from '../../src/log/partition-log.js';
import { asLogIndex, ENTRY_KIND } from '../../src/raft/types.js';
import { asOffset } from '../../src/records/offset.js';
import { batch, entryOf, noop, offsetCommit } from './entries.js';

/** What a log comes to, computed without any cleverness from the entries that stand. */
class Oracle {
  readonly entries: { readonly kind: 'batch' | 'noop' | 'commit'; readonly size: number }[] = [];
  commit = 0;

  endOffset(upToIndex: number): number {
    return this.entries
      .slice(0, upToIndex)
      .reduce((sum, { kind, size }) => sum + (kind === 'batch' ? size : 0), 0);
  }

  /** Linear: the first entry behind which the offset lies. */
  indexOf(offset: number): number | undefined {
    if (offset < 0 || offset >= this.endOffset(this.commit)) return undefined;
    return this.entries.findIndex((_, i) => this.endOffset(i + 1) > offset) + 1;
  }

  committedOffset(): number | undefined {
    return this.entries.slice(0, this.commit).findLast(({ kind }) => kind === 'commit')?.size;
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ batch: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.constant({ noop: true as const }) },
  { weight: 2, arbitrary: fc.record({ offsetCommit: fc.integer({ min: 0, max: 99 }) }) },
  { weight: 2, arbitrary: fc.record({ commit: fc.integer({ min: 0, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ truncate: fc.integer({ min: 0, max: 6 }) }) },
);

describe('PartitionLog', () => {
  it('agrees with a linear oracle on every offset, whatever is appended, truncated and committed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const log = new PartitionLog();
        const oracle = new Oracle();
        for (const each of steps) {
          const index = oracle.entries.length + 1;
          if ('batch' in each) {
            log.appended(batch(index, oracle.endOffset(index), each.batch));
            oracle.entries.push({ kind: 'batch', size: each.batch });
          } else if ('noop' in each) {
            log.appended(noop(index));
            oracle.entries.push({ kind: 'noop', size: 0 });
          } else if ('offsetCommit' in each) {
            log.appended(offsetCommit(index, 'g', each.offsetCommit));
            oracle.entries.push({ kind: 'commit', size: each.offsetCommit });
          } else if ('commit' in each) {
            const before = oracle.endOffset(oracle.commit);
            oracle.commit = Math.min(oracle.entries.length, oracle.commit + each.commit);
            const moved = log.committedTo(asLogIndex(oracle.commit));
            expect(moved).toBe(oracle.endOffset(oracle.commit) > before);
          } else {
            const from = Math.max(oracle.commit, oracle.entries.length - each.truncate) + 1;
            log.truncatedFrom(asLogIndex(from));
            oracle.entries.length = from - 1;
          }
          const end = oracle.endOffset(oracle.entries.length);
          expect([log.logStartOffset, log.highWatermark, log.logEndOffset]).toEqual([
            0,
            oracle.endOffset(oracle.commit),
            end,
          ]);
          expect(log.committedOffset('g')?.offset).toBe(oracle.committedOffset());
          for (let offset = 0; offset <= end + 1; offset++) {
            expect(log.indexOfOffset(asOffset(offset))).toBe(oracle.indexOf(offset));
          }
        }
      }),
    );
  });

  it('gives an offset that was truncated to the next batch', () => {
    const log = new PartitionLog();
    for (const entry of [noop(1), batch(2, 0, 3), batch(3, 3, 2)]) log.appended(entry);
    log.committedTo(asLogIndex(2));
    log.truncatedFrom(asLogIndex(3));
    expect(log.logEndOffset).toBe(3);
    log.appended(batch(3, 3, 7));
    log.committedTo(asLogIndex(3));
    expect([log.logEndOffset, log.indexOfOffset(asOffset(9))]).toEqual([10, 3]);
  });

  it('keeps the offsets of consumer groups apart, and the last commit of each wins', () => {
    const log = new PartitionLog();
    const commits = [
      ['a', 5],
      ['b', 9],
      ['a', 2],
    ] as const;
    for (const [i, [group, offset]] of commits.entries()) log.appended(offsetCommit(i + 1, group, offset));
    expect(log.committedOffset('a')?.offset).toBeUndefined();
    log.committedTo(asLogIndex(2));
    expect([log.committedOffset('a')?.offset, log.committedOffset('b')?.offset]).toEqual([5, 9]);
    log.committedTo(asLogIndex(3));
    expect([log.committedOffset('a')?.offset, log.committedOffset('c')?.offset]).toEqual([2, undefined]);
  });

  it('drops an offset commit that was truncated before it was committed', () => {
    const log = new PartitionLog();
    log.appended(offsetCommit(1, 'a', 5));
    log.truncatedFrom(asLogIndex(1));
    log.appended(noop(1));
    log.committedTo(asLogIndex(1));
    expect(log.committedOffset('a')?.offset).toBeUndefined();
  });

  it.each([
    ['a gap between offsets', () => batch(1, 1, 1)],
    ['a cluster command', () => entryOf(1, ENTRY_KIND.CLUSTER_COMMAND, new Uint8Array(2))],
  ])('takes %s for a broken invariant', (_name, make) => {
    expect(() => new PartitionLog().appended(make())).toThrow(InvariantError);
  });

  it('takes the truncation of a committed record for a broken invariant (I7)', () => {
    const log = new PartitionLog();
    log.appended(batch(1, 0, 1));
    log.committedTo(asLogIndex(1));
    expect(() => log.truncatedFrom(asLogIndex(1))).toThrow(InvariantError);
  });
});
