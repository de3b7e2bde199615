import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import { decodeOffsetCommit, encodeOffsetCommit, type OffsetCommit } from '../../src/log/offset-commit.js';
import { asOffset, type Offset } from '../../src/records/offset.js';

const COMMIT: OffsetCommit = {
  group: 'grü',
  offset: asOffset(64),
  generation: undefined,
  claim: false,
  committedAtMs: 5,
};

function commitOf(fields: Partial<OffsetCommit>): OffsetCommit {
  return { ...COMMIT, ...fields };
}

describe('offset commit', () => {
  it('has the documented layout: version, claim, group size, group, offset, generation, time', () => {
    expect([...encodeOffsetCommit(commitOf({ claim: true, generation: 3 }))]).toEqual([
      2, 1, 8, 0x67, 0x72, 0xc3, 0xbc, 0x80, 0x01, 6, 10,
    ]);
    expect([...encodeOffsetCommit(commitOf({}))]).toEqual([
      2, 0, 8, 0x67, 0x72, 0xc3, 0xbc, 0x80, 0x01, 1, 10,
    ]);
  });

  it('reads back every group, offset, generation and time that was written', () => {
    const groups = fc.string({ unit: 'binary', maxLength: 40 });
    const generations = fc.option(fc.nat(2_147_483_647), { nil: undefined });
    fc.assert(
      fc.property(groups, fc.maxSafeNat(), generations, fc.boolean(), (group, offset, generation, claim) => {
        const commit = commitOf({
          group,
          offset: asOffset(offset),
          generation,
          claim,
          committedAtMs: offset,
        });
        expect(decodeOffsetCommit(encodeOffsetCommit(commit))).toEqual(commit);
      }),
    );
  });

  it('refuses an offset that is none', () => {
    expect(() => encodeOffsetCommit(commitOf({ offset: -1 as Offset }))).toThrow(InvariantError);
  });

  it.each([
    ['nothing', []],
    ['an unknown version', [1, 0, 2, 0x67, 0, 1, 0]],
    ['a group beyond the end', [2, 0, 4, 0x67]],
    ['a negative group size', [2, 0, 1, 0]],
    ['no offset', [2, 0, 2, 0x67]],
    ['a negative offset', [2, 0, 2, 0x67, 1, 1, 0]],
    ['a generation below none', [2, 0, 2, 0x67, 0, 3, 0]],
    ['a claim that is neither yes nor no', [2, 2, 2, 0x67, 0, 1, 0]],
    ['a time before 1970', [2, 0, 2, 0x67, 0, 1, 1]],
    ['bytes after the time', [2, 0, 2, 0x67, 0, 1, 0, 0]],
  ])('takes damage for a broken invariant: %s', (_name, bytes) => {
    expect(() => decodeOffsetCommit(Uint8Array.from(bytes))).toThrow(InvariantError);
  });
});
