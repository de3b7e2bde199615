import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import { decodeOffsetCommit, encodeOffsetCommit } from '../../src/log/offset-commit.js';
import { asOffset, type Offset } from '../../src/records/offset.js';

describe('offset commit', () => {
  it('has the documented layout: version, group size, group, offset', () => {
    expect([...encodeOffsetCommit({ group: 'grü', offset: asOffset(64) })]).toEqual([
      1, 8, 0x67, 0x72, 0xc3, 0xbc, 0x80, 0x01,
    ]);
  });

  it('reads back every group and offset that was written', () => {
    const groups = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(groups, fc.maxSafeNat(), (group, offset) => {
        const commit = { group, offset: asOffset(offset) };
        expect(decodeOffsetCommit(encodeOffsetCommit(commit))).toEqual(commit);
      }),
    );
  });

  it('refuses an offset that is none', () => {
    expect(() => encodeOffsetCommit({ group: 'g', offset: -1 as Offset })).toThrow(InvariantError);
  });

  it.each([
    ['nothing', []],
    ['an unknown version', [2, 2, 0x67, 0]],
    ['a group beyond the end', [1, 4, 0x67]],
    ['a negative group size', [1, 1, 0]],
    ['no offset', [1, 2, 0x67]],
    ['a negative offset', [1, 2, 0x67, 1]],
    ['bytes after the offset', [1, 2, 0x67, 0, 0]],
  ])('takes damage for a broken invariant: %s', (_name, bytes) => {
    expect(() => decodeOffsetCommit(Uint8Array.from(bytes))).toThrow(InvariantError);
  });
});
