import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import type { GroupOffset } from '../../src/log/group-offset.js';
import { decodePartitionSnapshot, encodePartitionSnapshot } from '../../src/log/partition-snapshot.js';
import { asLogIndex } from '../../src/raft/types.js';
import { asOffset } from '../../src/records/offset.js';

/** Of a group that counts generations where the offset is even. */
function storedAt(offset: number): GroupOffset {
  const generation = offset % 2 === 0 ? offset % 2_147_483_648 : undefined;
  return { offset: asOffset(offset), generation, committedAtMs: 7 };
}

function snapshotOf(applied: number, base: number, start: number, groups: readonly [string, number][]) {
  return {
    appliedIndex: asLogIndex(applied),
    baseOffset: asOffset(base),
    logStartOffset: asOffset(start),
    committedOffsets: new Map(groups.map(([group, offset]) => [group, storedAt(offset)] as const)),
    producers: new Map(),
  };
}

const groups = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.maxSafeNat()), {
  selector: ([group]) => group,
});

describe('the data of a partition snapshot', () => {
  it('has the documented layout: version, applied, start, base, groups by name, no producers', () => {
    const data = encodePartitionSnapshot(
      snapshotOf(3, 1, 64, [
        ['b', 2],
        ['a', 5],
      ]),
    );
    expect([...data]).toEqual([2, 6, 0x80, 0x01, 2, 4, 2, 0x61, 10, 1, 14, 2, 0x62, 4, 4, 14, 0]);
  });

  it('reads back what was written, and does not depend on the order of the groups', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), fc.maxSafeNat(), groups, (applied, one, other, all) => {
        const [base, start] = [Math.min(one, other), Math.max(one, other)];
        const snapshot = snapshotOf(applied, base, start, all);
        const data = encodePartitionSnapshot(snapshot);
        expect(decodePartitionSnapshot(data)).toEqual(snapshot);
        expect(encodePartitionSnapshot(snapshotOf(applied, base, start, all.toReversed()))).toEqual(data);
      }),
    );
  });

  it.each([
    ['nothing', []],
    ['an unknown version', [1, 0, 0, 0, 0, 0]],
    ['a group beyond the end', [2, 0, 0, 0, 2, 4, 0x61]],
    ['no place for producers', [2, 0, 0, 0, 0]],
    ['producers beyond the end', [2, 0, 0, 0, 0, 2]],
    ['a producer without batches', [2, 0, 0, 0, 0, 2, 2, 0, 0]],
    ['a base offset behind the log start', [2, 0, 0, 2, 0, 0]],
    ['bytes behind it', [2, 0, 0, 0, 0, 0, 0]],
  ])('takes damage for a broken invariant: %s', (_name, bytes) => {
    expect(() => decodePartitionSnapshot(Uint8Array.from(bytes))).toThrow(InvariantError);
  });
});
