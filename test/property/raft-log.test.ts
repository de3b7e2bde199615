/**
 * The Raft log against a naive model: an array of entries from the first on, whatever is appended, truncated,
 * compacted, restored from a leader's snapshot, written, lost in a crash and recovered.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type LogObserver, RaftLog } from '../../src/raft/log.js';
import type { Membership } from '../../src/raft/membership.js';
import { asLogIndex, asTerm, type Entry } from '../../src/raft/types.js';
import { FakeDisk } from '../raft/fake-disk.js';
import { entry } from '../raft/make.js';

const ALONE: Membership = { voters: ['n1'], learners: [] };
const EVERYTHING = Number.MAX_SAFE_INTEGER;

const step = fc.record({
  kind: fc.constantFrom(
    'append',
    'append',
    'conflict',
    'again',
    'commit',
    'write',
    'sync',
    'compact',
    'restore',
    'crash',
  ),
  by: fc.nat(5),
  newTerm: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A log with its disk, and beside them all entries that it should have, those that are gone included. */
class Run {
  readonly #disk = new FakeDisk();
  /** What an observer was told, applied to a list: the offsets of a partition are kept like this. */
  #seen: Entry[] = [];
  readonly #observer: LogObserver = {
    appended: (one) => this.#seen.push(one),
    truncatedFrom: (index) => {
      this.#seen = this.#seen.filter((one) => one.index < index);
    },
    restored: (snapshot) => {
      this.#seen = this.#model.slice(0, snapshot.index);
    },
  };
  #log = new RaftLog(this.#disk, ALONE, undefined, asLogIndex(0), this.#observer);
  #model: Entry[] = [];
  #term = 1;
  #commit = 0;
  #sequence = 0;

  get #base(): number {
    return this.#log.baseIndex;
  }

  take({ kind, by, newTerm }: Step): void {
    if (newTerm) this.#term += 1;
    const last = this.#model.length;
    if (kind === 'append') this.#append(last, by);
    else if (kind === 'conflict') {
      this.#term += 1;
      this.#append(Math.max(this.#commit, last - by), by);
    } else if (kind === 'again') {
      // A late append of what is here already must change nothing (B18).
      const prev = Math.max(this.#base, last - by);
      expect(this.#log.appendAfter(asLogIndex(prev), this.#model.slice(prev, last - 1))).toBe(
        Math.max(prev, last - 1),
      );
    } else if (kind === 'commit') {
      this.#commit = Math.max(this.#commit, last - by);
      this.#log.commitTo(asLogIndex(this.#commit));
    } else if (kind === 'write') this.#write();
    else if (kind === 'sync') this.#log.persisted(this.#disk.sync() ?? 0);
    else if (kind === 'compact') this.#compact(by);
    else if (kind === 'restore') this.#restore(last + by);
    else this.#crash();
    this.#check();
  }

  #append(prev: number, count: number): void {
    const fresh = Array.from({ length: count + 1 }, (_, i) => entry(prev + 1 + i, this.#term));
    this.#log.appendAfter(asLogIndex(prev), fresh);
    this.#model = [...this.#model.slice(0, prev), ...fresh];
  }

  #write(): void {
    this.#sequence += 1;
    const writtenBefore = this.#log.handedOutIndex;
    const { entries, snapshot } = this.#log.takeUnwritten(this.#sequence);
    const commit = asLogIndex(Math.min(this.#commit, writtenBefore));
    this.#disk.write(
      this.#sequence,
      { term: asTerm(this.#term), votedFor: undefined, commit },
      entries,
      snapshot,
    );
  }

  #compact(by: number): void {
    const index = Math.min(this.#commit, this.#log.durableIndex, this.#base + 1 + by);
    if (index > this.#base) this.#log.compact(asLogIndex(index), Uint8Array.of(index));
  }

  /** A leader's snapshot of a log that goes on from what is committed here, and is of a newer term behind it. */
  #restore(index: number): void {
    if (index <= this.#commit) return;
    this.#term += 1;
    const behind = Array.from({ length: index - this.#commit }, (_, i) =>
      entry(this.#commit + 1 + i, this.#term),
    );
    this.#model = [...this.#model.slice(0, this.#commit), ...behind];
    this.#commit = index;
    const data = Uint8Array.of(index);
    this.#log.restore({ index: asLogIndex(index), term: asTerm(this.#term), membership: ALONE, data });
  }

  /** What was not synced is lost; what is left is a prefix of what was there at some time. */
  #crash(): void {
    this.#disk.crash();
    const { log, hardState } = this.#disk.recover();
    const base = log.snapshot?.index ?? 0;
    this.#model = [...this.#committedPart(base), ...this.#disk.durable.entries];
    this.#commit = Math.max(base, hardState.commit);
    this.#seen = [...this.#model];
    this.#sequence = 0;
    this.#log = new RaftLog(this.#disk, ALONE, log, hardState.commit, this.#observer);
  }

  #committedPart(base: number): Entry[] {
    // Of an older state the model may have lost what was cut off since; nobody reads what is gone.
    return Array.from({ length: base }, (_, i) => this.#model[i] ?? entry(i + 1, 0));
  }

  #check(): void {
    const log = this.#log;
    const base = this.#base;
    const last = this.#model.length;
    expect([log.lastIndex, log.commitIndex]).toEqual([last, this.#commit]);
    expect(log.durableIndex).toBeLessThanOrEqual(last);
    expect(log.handedOutIndex).toBeGreaterThanOrEqual(log.durableIndex);
    if (base > 0) expect(log.termAt(asLogIndex(base - 1))).toBeUndefined();
    for (let index = base + 1; index <= last; index++) {
      expect(log.termAt(asLogIndex(index))).toBe(this.#model[index - 1]?.term);
    }
    expect(log.termAt(asLogIndex(last + 1))).toBeUndefined();
    expect(this.#seen.slice(base)).toEqual(this.#model.slice(base));
    if (last > base) expect(this.#readAll()).toEqual(this.#model.slice(base));
    if (log.durableIndex > base) {
      const onDisk = this.#disk.durable.at(log.durableIndex)?.term;
      expect(onDisk).toBe(log.termAt(log.durableIndex));
    }
  }

  #readAll(): readonly Entry[] {
    const found: Entry[] = [];
    for (let from = this.#base + 1; from <= this.#log.lastIndex;) {
      const some = this.#log.entries(asLogIndex(from), EVERYTHING);
      expect(some.length).toBeGreaterThan(0);
      found.push(...some);
      from += some.length;
    }
    return found;
  }
}

describe('the Raft log', () => {
  it('is what a naive list says it is (I7, I9, I14)', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 80, size: 'max' }), (steps) => {
        const run = new Run();
        for (const one of steps) run.take(one);
      }),
      { numRuns: 400 },
    );
  });

  it('says to two logs of one history where they part, in one step for each term at most', () => {
    const terms = fc
      .array(fc.integer({ min: 1, max: 5 }), { maxLength: 30, size: 'max' })
      .map((all) => all.sort());
    fc.assert(
      fc.property(terms, terms, (mine, theirs) => {
        const [leader, follower] = [logOf(mine), logOf(theirs)];
        let parted = 0;
        while (parted < Math.min(mine.length, theirs.length) && mine[parted] === theirs[parted]) parted += 1;
        let probe: number = leader.lastIndex;
        let probes = 0;
        while (follower.termAt(asLogIndex(probe)) !== leader.termAt(asLogIndex(probe))) {
          const term = leader.termAt(asLogIndex(probe)) ?? asTerm(0);
          const hint = follower.findConflictByTerm(asLogIndex(probe), term);
          probe = leader.findConflictByTerm(hint, follower.termAt(hint) ?? asTerm(0));
          probes += 1;
        }
        // Never beyond the first difference but for entries that are equal by index and term.
        expect(probe).toBeLessThanOrEqual(leader.lastIndex);
        expect(follower.termAt(asLogIndex(probe))).toBe(leader.termAt(asLogIndex(probe)));
        expect(probe).toBeGreaterThanOrEqual(Math.min(parted, probe));
        expect(probes).toBeLessThanOrEqual(6);
      }),
    );
  });
});

function logOf(terms: readonly number[]): RaftLog {
  const log = new RaftLog(new FakeDisk(), ALONE, undefined, asLogIndex(0));
  for (const [i, term] of terms.entries()) log.append(entry(i + 1, term));
  return log;
}
