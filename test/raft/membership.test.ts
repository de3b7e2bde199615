/** The codec of memberships: what was written comes back, and nothing else is taken for one. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { InvariantError } from '../../src/invariant.js';
import {
  decodeMembership,
  encodeMembership,
  type Membership,
  sameMembers,
} from '../../src/raft/membership.js';

const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
const membership = fc
  .tuple(fc.uniqueArray(name, { maxLength: 12, size: 'max' }), fc.nat(12))
  .map(([all, voters]): Membership => ({ voters: all.slice(0, voters), learners: all.slice(voters) }));

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe('the payload of a membership', () => {
  it('has a layout that people can read and that does not change', () => {
    const payload = encodeMembership({ voters: ['n2', 'n1'], learners: ['n3'] });
    expect(new TextDecoder().decode(payload)).toBe('1;n2,n1;n3');
  });

  it('comes back as it was written, the order of preference included', () => {
    fc.assert(
      fc.property(membership, (one) => {
        expect(decodeMembership(encodeMembership(one))).toEqual(one);
      }),
    );
  });

  it('with a byte changed, added or left out is refused, or is the membership that it spells', () => {
    const change = fc.record({ at: fc.nat(1_000), byte: fc.nat(255), cut: fc.nat(1), count: fc.nat(1) });
    fc.assert(
      fc.property(membership, change, (one, { at, byte, cut, count }) => {
        const payload = [...encodeMembership(one)];
        payload.splice(at % (payload.length + 1), cut, ...Array<number>(count).fill(byte));
        const changed = Uint8Array.from(payload);
        let read: Membership;
        try {
          read = decodeMembership(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(InvariantError);
          return;
        }
        expect(encodeMembership(read)).toEqual(changed);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['nothing', ''],
    ['another version', '2;n1;'],
    ['no learners', '1;n1'],
    ['more than learners', '1;n1;;'],
    ['an empty name', '1;n1,,n2;'],
    ['a name that is not allowed', '1;n 1;'],
    ['a name that is too long', `1;${'n'.repeat(65)};`],
    ['a voter twice', '1;n1,n1;'],
    ['a voter that learns', '1;n1;n1'],
  ])('is refused: %s', (_, text) => {
    expect(() => decodeMembership(bytes(text))).toThrow(InvariantError);
  });

  it('is refused however long it is', () => {
    expect(() => decodeMembership(new Uint8Array(1_000_000))).toThrow(InvariantError);
  });

  it.each<[string, Membership]>([
    ['a name that is not allowed', { voters: ['n,1'], learners: [] }],
    ['a member twice', { voters: ['n1'], learners: ['n1'] }],
  ])('is not written: %s', (_, one) => {
    expect(() => encodeMembership(one)).toThrow(InvariantError);
  });
});

describe('sameMembers', () => {
  it('asks who, not in what order', () => {
    const one = { voters: ['n1', 'n2'], learners: ['n3', 'n4'] };
    expect(sameMembers(one, { voters: ['n2', 'n1'], learners: ['n4', 'n3'] })).toBe(true);
    expect(sameMembers(one, { voters: ['n1', 'n2'], learners: ['n3'] })).toBe(false);
    expect(sameMembers(one, { voters: ['n1', 'n3'], learners: ['n2', 'n4'] })).toBe(false);
  });
});
