import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import { PartitionLog } from '../../src/log/partition-log.js';
import { decodePartitionSnapshot, encodePartitionSnapshot } from '../../src/log/partition-snapshot.js';
import type { Snapshot } from '../../src/raft/log.js';
import { asLogIndex, asTerm, type Entry, type LogIndex } from '../../src/raft/types.js';
import { asOffset } from '../../src/records/offset.js';
import { batch, deletion, membership, noop, offsetCommit, groupOffset } from './entries.js';

const GROUPS = ['a', 'b'];

function snapshotAt(index: LogIndex, data: Uint8Array): Snapshot {
  return { index, term: asTerm(1), membership: { voters: ['n1'], learners: [] }, data };
}

function restoredFrom(snapshot: Snapshot): PartitionLog {
  const log = new PartitionLog();
  log.restored(snapshot);
  return log;
}

/** All that can be seen of a log. */
function seenOf(log: PartitionLog) {
  const { logStartOffset, highWatermark, logEndOffset } = log;
  const offsets = Array.from({ length: logEndOffset + 2 }, (_, offset) => asOffset(offset));
  return {
    pointers: [logStartOffset, highWatermark, logEndOffset],
    places: offsets.map((offset) => log.indexOfOffset(offset)),
    committed: GROUPS.map((group) => log.committedOffset(group)?.offset),
  };
}

function expectOrdered({ logStartOffset, highWatermark, logEndOffset }: PartitionLog): void {
  expect(logStartOffset).toBeLessThanOrEqual(highWatermark);
  expect(highWatermark).toBeLessThanOrEqual(logEndOffset);
}

/** Computed from all entries, without any cleverness. */
class Oracle {
  entries: { readonly entry: Entry; readonly records: number; readonly deleteBefore?: number }[] = [];
  commit = 0;

  endOffset(upToIndex = this.entries.length): number {
    return this.entries.slice(0, upToIndex).reduce((sum, { records }) => sum + records, 0);
  }

  logStart(): number {
    let start = 0;
    for (const { entry, deleteBefore = 0 } of this.entries.slice(0, this.commit)) {
      start = Math.max(start, Math.min(deleteBefore, this.endOffset(entry.index)));
    }
    return start;
  }

  /** The last committed entry in front of which, itself included, every batch is deleted. */
  compactable(): number {
    const start = this.logStart();
    const wanted = this.entries.findIndex(({ records }, i) => records > 0 && this.endOffset(i + 1) > start);
    return wanted < 0 ? this.commit : Math.min(this.commit, wanted);
  }

  behind(index: number): Entry[] {
    return this.entries.slice(index).map(({ entry }) => entry);
  }
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ batch: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ barren: fc.constantFrom(noop, membership) }) },
  { weight: 2, arbitrary: fc.record({ group: fc.constantFrom(...GROUPS), offset: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ keepAtMost: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ commit: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ truncate: fc.nat(6) }) },
  { weight: 3, arbitrary: fc.constant({ compact: true as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** One machine that keeps everything, one that compacts, and the oracle, side by side. */
class Run {
  readonly oracle = new Oracle();
  readonly whole = new PartitionLog();
  readonly compacting = new PartitionLog();
  readonly snapshots: Snapshot[] = [];
  #compacted = 0;

  do(todo: Step): void {
    const { oracle } = this;
    const index = oracle.entries.length + 1;
    if ('batch' in todo) this.#append(batch(index, oracle.endOffset(), todo.batch), todo.batch);
    else if ('barren' in todo) this.#append(todo.barren(index), 0);
    else if ('group' in todo) this.#append(offsetCommit(index, todo.group, todo.offset), 0);
    else if ('keepAtMost' in todo) {
      const before = Math.max(0, oracle.endOffset() - todo.keepAtMost);
      this.#append(deletion(index, before), 0, before);
    } else if ('commit' in todo) this.#commit(Math.min(oracle.entries.length, oracle.commit + todo.commit));
    else if ('truncate' in todo) this.#truncate(Math.max(oracle.commit, index - 1 - todo.truncate) + 1);
    else this.#compact();
  }

  check(): void {
    const { oracle, whole, compacting } = this;
    expect(seenOf(compacting)).toEqual(seenOf(whole));
    expect(whole.logStartOffset).toBe(oracle.logStart());
    const applied = asLogIndex(oracle.commit);
    expect(compacting.snapshot(applied)).toEqual(whole.snapshot(applied));
  }

  #append(entry: Entry, records: number, deleteBefore = 0): void {
    this.oracle.entries.push({ entry, records, deleteBefore });
    for (const log of [this.whole, this.compacting]) log.appended(entry);
  }

  #commit(index: number): void {
    this.oracle.commit = index;
    for (const log of [this.whole, this.compacting]) log.committedTo(asLogIndex(index));
  }

  #truncate(index: number): void {
    this.oracle.entries.length = index - 1;
    for (const log of [this.whole, this.compacting]) log.truncatedFrom(asLogIndex(index));
  }

  #compact(): void {
    const to = this.oracle.compactable();
    const fresh = this.oracle.endOffset(to) > this.oracle.endOffset(this.#compacted);
    const index = this.compacting.compactable();
    expect(index).toBe(fresh ? to : 0);
    if (index === 0) return;
    const data = this.compacting.snapshot(asLogIndex(this.oracle.commit));
    this.snapshots.push(snapshotAt(index, data));
    this.compacting.compactedTo(index);
    this.#compacted = index;
  }
}

/**
 * Follows the log from a snapshot on, `stride` entries at a time, and now and then hands over to a machine
 * that is restored from a snapshot of this one.
 */
function caughtUp(from: Snapshot, oracle: Oracle, stride: number): PartitionLog {
  let log = restoredFrom(from);
  let present = from.index;
  const { appliedIndex, committedOffsets } = decodePartitionSnapshot(from.data);
  let [highWatermark, start] = [0, 0];
  for (const entry of oracle.behind(from.index)) log.appended(entry);
  for (let commit: number = from.index; ; commit = Math.min(oracle.commit, commit + stride)) {
    log.committedTo(asLogIndex(commit));
    expectOrdered(log);
    expect(log.highWatermark).toBeGreaterThanOrEqual(highWatermark);
    expect(log.logStartOffset).toBeGreaterThanOrEqual(start);
    [highWatermark, start] = [log.highWatermark, log.logStartOffset];
    if (commit <= appliedIndex) {
      // Nothing of the state goes back meanwhile.
      for (const group of GROUPS)
        expect(log.committedOffset(group)?.offset).toBe(committedOffsets.get(group)?.offset);
    }
    if (commit === oracle.commit) return log;
    if (commit % 2 === 0) continue;
    const index = log.compactable();
    if (index !== 0) present = index;
    log = restoredFrom(snapshotAt(present, log.snapshot(asLogIndex(commit))));
    for (const entry of oracle.behind(present)) log.appended(entry);
  }
}

describe('a partition that compacts its log', () => {
  it('shows what one that keeps everything shows, as does one restored from any snapshot (I14, I17)', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.integer({ min: 1, max: 5 }),
        (steps, stride) => {
          const run = new Run();
          for (const each of steps) {
            run.do(each);
            run.check();
          }
          for (const snapshot of run.snapshots) {
            const log = caughtUp(snapshot, run.oracle, stride);
            expect(seenOf(log)).toEqual(seenOf(run.whole));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('deletes only what is committed before the deletion, and never takes it back', () => {
    const log = new PartitionLog();
    for (const entry of [batch(1, 0, 4), deletion(2, 99), batch(3, 4, 4), deletion(4, 2)])
      log.appended(entry);
    expect(log.logStartOffset).toBe(0);
    log.committedTo(asLogIndex(4));
    expect([log.logStartOffset, log.highWatermark]).toEqual([4, 8]);
    expect([log.indexOfOffset(asOffset(3)), log.indexOfOffset(asOffset(4))]).toEqual([undefined, 3]);
  });

  it('keeps a batch of which one record is wanted', () => {
    const log = new PartitionLog();
    for (const entry of [batch(1, 0, 4), batch(2, 4, 4), deletion(3, 7)]) log.appended(entry);
    log.committedTo(asLogIndex(3));
    expect([log.compactable(), log.indexOfOffset(asOffset(7))]).toEqual([1, 2]);
    expect(() => {
      log.compactedTo(asLogIndex(2));
    }).toThrow('only deleted records are compacted');
  });

  it('drops a deletion that was truncated before it was committed', () => {
    const log = new PartitionLog();
    for (const entry of [batch(1, 0, 4), deletion(2, 4)]) log.appended(entry);
    log.truncatedFrom(asLogIndex(2));
    log.appended(noop(2));
    log.committedTo(asLogIndex(2));
    expect(log.logStartOffset).toBe(0);
  });

  it('takes no snapshot to be rid of a few entries without records, but of many', () => {
    const log = new PartitionLog();
    for (let index = 1; index <= 1_025; index++) log.appended(offsetCommit(index, 'a', index));
    log.committedTo(asLogIndex(1_024));
    expect(log.compactable()).toBe(0);
    log.committedTo(asLogIndex(1_025));
    expect(log.compactable()).toBe(1_025);
    log.compactedTo(asLogIndex(1_025));
    expect(log.compactable()).toBe(0);
  });
});

describe('a partition restored from a snapshot', () => {
  /** Four records at index 1, four at 3, six deleted, a commit of 5 by a: taken at index 9. */
  const data = encodePartitionSnapshot({
    appliedIndex: asLogIndex(9),
    logStartOffset: asOffset(6),
    baseOffset: asOffset(4),
    committedOffsets: new Map([['a', groupOffset(5)]]),
    producers: new Map(),
  });
  const snapshot = snapshotAt(asLogIndex(2), data);

  it('keeps its pointers in order until the batches behind the snapshot have come (I14)', () => {
    const log = restoredFrom(snapshot);
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset]).toEqual([4, 4, 4]);
    expect(log.committedOffset('a')?.offset).toBe(5);
    log.appended(batch(3, 4, 4));
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset]).toEqual([4, 4, 8]);
    log.committedTo(asLogIndex(3));
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset]).toEqual([6, 8, 8]);
  });

  it('skips effects that the state has already, but not those behind it', () => {
    const log = restoredFrom(snapshot);
    const entries = [batch(3, 4, 4), ...[4, 5, 6, 7, 8, 9].map((index) => offsetCommit(index, 'a', 1))];
    for (const entry of [...entries, offsetCommit(10, 'a', 8)]) log.appended(entry);
    log.committedTo(asLogIndex(9));
    expect(log.committedOffset('a')?.offset).toBe(5);
    log.committedTo(asLogIndex(10));
    expect(log.committedOffset('a')?.offset).toBe(8);
  });

  it('forgets what it knew, uncommitted effects included', () => {
    const log = new PartitionLog();
    for (const entry of [batch(1, 0, 4), offsetCommit(2, 'b', 1), offsetCommit(3, 'a', 7)])
      log.appended(entry);
    log.committedTo(asLogIndex(2));
    log.restored(snapshot);
    log.appended(batch(3, 4, 1));
    log.committedTo(asLogIndex(3));
    expect([log.committedOffset('a')?.offset, log.committedOffset('b')?.offset, log.logEndOffset]).toEqual([
      5,
      undefined,
      5,
    ]);
  });

  it('keeps its state when it is restored from an older one further along the log', () => {
    const log = restoredFrom(snapshot);
    const older = {
      appliedIndex: asLogIndex(5),
      logStartOffset: asOffset(5),
      baseOffset: asOffset(5),
      committedOffsets: new Map([['a', groupOffset(1)]]),
      producers: new Map(),
    };
    log.restored(snapshotAt(asLogIndex(3), encodePartitionSnapshot(older)));
    for (const entry of [batch(4, 5, 3), offsetCommit(5, 'a', 2)]) log.appended(entry);
    log.committedTo(asLogIndex(5));
    expect([log.logStartOffset, log.highWatermark, log.committedOffset('a')?.offset]).toEqual([6, 8, 5]);
  });

  it('takes in only batches that begin where the gone ones ended, and no entry before it', () => {
    expect(() => {
      restoredFrom(snapshot).appended(batch(3, 0, 4));
    }).toThrow(InvariantError);
    expect(() => {
      restoredFrom(snapshot).appended(noop(2));
    }).toThrow('entries follow the snapshot');
  });

  it('takes a high watermark that goes back, or a state before its index, for a broken invariant', () => {
    const log = new PartitionLog();
    log.appended(batch(1, 0, 5));
    log.committedTo(asLogIndex(1));
    expect(() => {
      log.restored(snapshot);
    }).toThrow('the high watermark never goes back');
    expect(() => restoredFrom(snapshotAt(asLogIndex(10), data))).toThrow('stands for applied entries');
    expect(() => restoredFrom(snapshot).snapshot(asLogIndex(9))).toThrow('of what has been applied');
  });
});
