import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import { decodeDeleteRecords, encodeDeleteRecords } from '../../src/log/delete-records.js';
import { asOffset, type Offset } from '../../src/records/offset.js';

describe('deletion of records', () => {
  it('has the documented layout: version, offset', () => {
    expect([...encodeDeleteRecords({ beforeOffset: asOffset(64) })]).toEqual([1, 0x80, 0x01]);
  });

  it('reads back every offset that was written', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (offset) => {
        const deletion = { beforeOffset: asOffset(offset) };
        expect(decodeDeleteRecords(encodeDeleteRecords(deletion))).toEqual(deletion);
      }),
    );
  });

  it('refuses an offset that is none', () => {
    expect(() => encodeDeleteRecords({ beforeOffset: -1 as Offset })).toThrow(InvariantError);
  });

  it.each([
    ['nothing', []],
    ['an unknown version', [2, 0]],
    ['no offset', [1]],
    ['a negative offset', [1, 1]],
    ['bytes after the offset', [1, 0, 0]],
  ])('takes damage for a broken invariant: %s', (_name, bytes) => {
    expect(() => decodeDeleteRecords(Uint8Array.from(bytes))).toThrow(InvariantError);
  });
});
