/** The log's pointers: what an append keeps, what a truncation takes back, what the disk confirms. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { RaftLog } from '../../src/raft/log.js';
import { asLogIndex, asTerm, type Entry } from '../../src/raft/types.js';
import { FakeDisk } from './fake-disk.js';
import { entries, entry } from './make.js';

const ALONE = { voters: ['n1'], learners: [] };
const NONE = asLogIndex(0);

/** A log over a disk, with what the driver does at a Ready. */
function setUp(...terms: readonly number[]): {
  readonly log: RaftLog;
  readonly disk: FakeDisk;
  readonly write: (sequence: number) => readonly Entry[];
} {
  const disk = new FakeDisk();
  const log = new RaftLog(disk, ALONE, undefined, NONE);
  for (const one of entries(...terms)) log.append(one);
  const write = (sequence: number): readonly Entry[] => {
    const { entries: taken } = log.takeUnwritten(sequence);
    disk.write(sequence, undefined, taken);
    return taken;
  };
  return { log, disk, write };
}

function terms(log: RaftLog): readonly (number | undefined)[] {
  return Array.from({ length: log.lastIndex }, (_, at) => log.termAt(asLogIndex(at + 1)));
}

describe('appending a leader’s entries (Raft 5.3)', () => {
  it.each([
    ['nothing', [], 0, 3],
    ['entries that are here already', [1], 1, 3],
    ['all entries again', [1, 1, 2], 3, 3],
    ['entries beyond the end', [1, 1, 2, 2], 4, 4],
    ['a conflict', [1, 2], 2, 2],
    ['a conflict at the end', [1, 1, 3, 3], 4, 4],
  ])('%s', (_, given, match, last) => {
    const { log } = setUp(1, 1, 2);
    expect(log.appendAfter(NONE, entries(...given))).toBe(match);
    expect(log.lastIndex).toBe(last);
    expect(terms(log).slice(0, given.length)).toEqual(given);
  });

  it('a conflict at or below the commit index is a defect, never a truncation (I7)', () => {
    const { log } = setUp(1, 1, 1);
    log.commitTo(asLogIndex(2));
    expect(() => log.appendAfter(asLogIndex(1), [entry(2, 2)])).toThrow(/I7/);
    expect(terms(log)).toEqual([1, 1, 1]);
  });

  it('any two appends of one history leave a prefix of it, in any order and however often (B18)', () => {
    const history = entries(1, 1, 2, 2, 2, 3, 5);
    const range = fc.tuple(fc.nat(7), fc.nat(7)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    fc.assert(
      fc.property(fc.array(range), (ranges) => {
        const { log } = setUp();
        let longest = 0;
        for (const [from, to] of ranges) {
          if (from > log.lastIndex) continue;
          expect(log.appendAfter(asLogIndex(from), history.slice(from, to))).toBe(to);
          longest = Math.max(longest, to);
        }
        expect(terms(log)).toEqual(history.slice(0, longest).map((one) => one.term));
      }),
    );
  });

  it('a gap is a defect', () => {
    const { log } = setUp(1);
    expect(() => log.append(entry(3, 1))).toThrow(/no gaps/);
  });

  it('a term that falls is a defect', () => {
    const { log } = setUp(2);
    expect(() => log.append(entry(2, 1))).toThrow(/terms never fall/);
  });
});

describe('what the disk has', () => {
  it('grows with each write that is confirmed, and with no other', () => {
    const { log, write } = setUp(1, 1);
    expect(log.durableIndex).toBe(0);
    write(1);
    log.append(entry(3, 1));
    write(2);
    log.persisted(1);
    expect(log.durableIndex).toBe(2);
    log.persisted(2);
    expect(log.durableIndex).toBe(3);
  });

  it('a confirmation may cover several writes', () => {
    const { log, write } = setUp(1);
    write(1);
    log.append(entry(2, 1));
    write(2);
    log.persisted(2);
    expect(log.durableIndex).toBe(2);
  });

  it('a truncation takes durable entries back', () => {
    const { log, write } = setUp(1, 1, 1);
    write(1);
    log.persisted(1);
    log.appendAfter(asLogIndex(1), [entry(2, 2)]);
    expect(log.durableIndex).toBe(1);
  });

  it('a late confirmation never covers entries that replaced those of its write (ABA, B14)', () => {
    const { log, write } = setUp(1, 1, 1);
    write(1);
    log.appendAfter(asLogIndex(1), [entry(2, 2), entry(3, 2)]);
    write(2);
    log.appendAfter(asLogIndex(1), [entry(2, 3), entry(3, 3)]);
    write(3);
    log.persisted(1);
    expect(log.durableIndex).toBe(1);
    log.persisted(2);
    expect(log.durableIndex).toBe(1);
    log.persisted(3);
    expect(log.durableIndex).toBe(3);
  });

  it('entries that were truncated before they were taken are never written', () => {
    const { log, write } = setUp(1, 1, 1);
    log.appendAfter(asLogIndex(1), [entry(2, 2)]);
    expect(write(1).map((one) => one.term)).toEqual([1, 2]);
    expect(log.hasUnwritten).toBe(false);
  });
});

describe('reading', () => {
  it('goes to the source below the entries not yet taken, and to memory from there', () => {
    const { log, write } = setUp(1, 1);
    write(1);
    log.append(entry(3, 1));
    expect(log.entries(asLogIndex(1), 100).map((one) => one.index)).toEqual([1, 2]);
    expect(log.entries(asLogIndex(3), 100).map((one) => one.index)).toEqual([3]);
  });

  it('stops before the bytes are exceeded, but gives one entry at least', () => {
    const { log } = setUp();
    for (const index of [1, 2, 3]) log.append(entry(index, 1, 'xxxx'));
    expect(log.entries(asLogIndex(1), 8)).toHaveLength(2);
    expect(log.entries(asLogIndex(1), 7)).toHaveLength(1);
    expect(log.entries(asLogIndex(1), 1)).toHaveLength(1);
  });

  it('knows term 0 before the first entry and none beyond the last', () => {
    const { log } = setUp(4);
    expect([0, 1, 2].map((index) => log.termAt(asLogIndex(index)))).toEqual([0, 4, undefined]);
  });
});

describe('finding where two logs part', () => {
  const risingTerms = fc
    .array(fc.nat(2), { maxLength: 12 })
    .map((steps) => steps.map((_, at) => 1 + steps.slice(0, at + 1).reduce((sum, step) => sum + step, 0)));

  it('gives the last index whose term is not above (etcd, findConflictByTerm)', () => {
    fc.assert(
      fc.property(risingTerms, fc.nat(14), fc.nat(26), (given, index, term) => {
        const { log } = setUp(...given);
        let expected = Math.min(index, given.length);
        while (expected > 0 && (given[expected - 1] ?? 0) > term) expected -= 1;
        expect(log.findConflictByTerm(asLogIndex(index), asTerm(term))).toBe(expected);
      }),
    );
  });

  it('takes one probe at most for each term of either log (L4)', () => {
    fc.assert(
      fc.property(risingTerms, risingTerms, (leaderTerms, followerTerms) => {
        const { log: leader } = setUp(...leaderTerms);
        const { log: follower } = setUp(...followerTerms);
        let prev = leader.lastIndex;
        let probes = 1;
        while (follower.termAt(prev) !== leader.termAt(prev)) {
          const hint = follower.findConflictByTerm(prev, leader.termAt(prev) ?? asTerm(0));
          prev = leader.findConflictByTerm(hint, follower.termAt(hint) ?? asTerm(0));
          probes += 1;
        }
        const distinct = new Set([...leaderTerms, ...followerTerms]).size;
        expect(probes).toBeLessThanOrEqual(distinct + 1);
      }),
    );
  });
});

describe('the vote rule (Raft 5.4.1)', () => {
  it.each([
    ['a later last term wins with a shorter log', 1, 3, true],
    ['an earlier last term loses with a longer log', 9, 1, false],
    ['of equal terms the longer log wins', 4, 2, true],
    ['equal logs are up to date', 3, 2, true],
    ['of equal terms the shorter log loses', 2, 2, false],
  ])('%s', (_, index, term, upToDate) => {
    const { log } = setUp(1, 2, 2);
    expect(log.isUpToDate(asLogIndex(index), asTerm(term))).toBe(upToDate);
  });
});

describe('recovery', () => {
  it('takes all that was recovered as durable', () => {
    const { disk, write } = setUp(1, 1, 2);
    write(1);
    disk.sync();
    const log = new RaftLog(disk, ALONE, disk.recover().log, asLogIndex(1));
    expect([log.lastIndex, log.durableIndex, log.commitIndex]).toEqual([3, 3, 1]);
    expect(terms(log)).toEqual([1, 1, 2]);
  });

  it('refuses a commit index ahead of the log', () => {
    expect(() => new RaftLog(new FakeDisk(), ALONE, undefined, asLogIndex(1))).toThrow(/inside the log/);
  });
});
