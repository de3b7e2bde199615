/** The memberships of a log: which is in force, against a model that keeps them all. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Memberships, type MembershipAt } from '../../src/raft/memberships.js';
import { asLogIndex } from '../../src/raft/types.js';

function at(index: number): MembershipAt {
  return { index: asLogIndex(index), membership: { voters: [`n${String(index)}`], learners: [] } };
}

function known(...indexes: readonly number[]): Memberships {
  const [first = 0, ...later] = indexes;
  return new Memberships(at(first), later.map(at));
}

describe('the membership in force', () => {
  it.each([
    ['that of the beginning', [0], 0, 0],
    ['the newest, once it is committed', [0, 5], 5, 5],
    ['the one before, until then', [0, 5], 4, 0],
    ['the last but one, whatever a restart forgot: it is committed by construction', [0, 5, 9], 2, 5],
    ['that of a snapshot', [7], 7, 7],
  ])('is %s', (_, indexes, commit, expected) => {
    expect(known(...indexes).inForce(asLogIndex(commit))).toEqual(at(expected));
  });
});

describe('memberships', () => {
  it('are those of the entries that the log has, whatever was appended, cut off and compacted', () => {
    const step = fc.record({ kind: fc.constantFrom('push', 'cut', 'begin'), by: fc.nat(6) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const memberships = known(0);
        let model = [at(0)];
        let base = 0;
        let last = 0;
        for (const { kind, by } of steps) {
          if (kind === 'push') {
            last += 1 + by;
            memberships.push(asLogIndex(last), at(last).membership);
            model.push(at(last));
          } else if (kind === 'cut') {
            const from = Math.max(base + 1, last - by);
            memberships.cutFrom(asLogIndex(from));
            model = model.filter(({ index }, i) => i === 0 || index < from);
            last = Math.min(last, from - 1);
          } else {
            base = Math.min(last, base + by);
            memberships.beginAfter(asLogIndex(base));
            const inForce = model.findLast(({ index }) => index <= base);
            model = [
              ...(inForce === undefined ? [] : [inForce]),
              ...model.filter(({ index }) => index > base),
            ];
          }
          expect(memberships.newest).toEqual(model.at(-1));
          for (let index = base; index <= last; index++) {
            const expected = model.findLast((one) => one.index <= index);
            expect(memberships.at(asLogIndex(index))).toEqual(expected);
          }
        }
      }),
    );
  });

  it('has none before the log', () => {
    expect(() => known(7).at(asLogIndex(6))).toThrow(/at every index/);
  });
});
