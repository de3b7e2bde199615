/** Quorum arithmetic: a table, and a slow oracle that counts. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { committedIndex, quorumSize, voteResult } from '../../src/raft/quorum.js';
import { indexes } from './make.js';

const matches = fc.array(fc.nat(12), { minLength: 1, maxLength: 9 });

describe('quorumSize', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [7, 4],
  ])('of %i voters a majority is %i', (voters, size) => {
    expect(quorumSize(voters)).toBe(size);
  });

  it('any two quorums share a voter', () => {
    for (let voters = 1; voters <= 9; voters++) expect(2 * quorumSize(voters)).toBeGreaterThan(voters);
  });

  it('a group without voters is a defect', () => {
    expect(() => quorumSize(0)).toThrow(/at least one voter/);
  });
});

describe('committedIndex', () => {
  it.each([
    [[7], 7],
    [[7, 0], 0],
    [[9, 5, 2], 5],
    [[2, 9, 5], 5],
    [[9, 9, 0, 0], 0],
    [[1, 2, 3, 4, 5], 3],
  ])('of %j is %i', (matched, index) => {
    expect(committedIndex(indexes(...matched))).toBe(index);
  });

  it('is the highest index that a majority has (Raft 5.3)', () => {
    fc.assert(
      fc.property(matches, (matched) => {
        let highest = 0;
        for (let index = 0; index <= 12; index++) {
          if (matched.filter((one) => one >= index).length * 2 > matched.length) highest = index;
        }
        expect(committedIndex(indexes(...matched))).toBe(highest);
      }),
    );
  });

  it('does not change the order of what it is given', () => {
    const matched = indexes(1, 3, 2);
    committedIndex(matched);
    expect(matched).toEqual([1, 3, 2]);
  });
});

describe('voteResult', () => {
  it('is won or lost as soon as the missing votes cannot change it, and not before (Raft 5.2)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(9), fc.nat(9), (voters, yes, no) => {
        fc.pre(yes + no <= voters);
        const wins = (granted: number): boolean => granted * 2 > voters;
        const expected = wins(yes) ? 'won' : wins(voters - no) ? 'pending' : 'lost';
        expect(voteResult(voters, yes, no)).toBe(expected);
      }),
    );
  });

  it('more votes than voters are a defect', () => {
    expect(() => voteResult(3, 2, 2)).toThrow(/more votes than voters/);
  });
});
