import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartitionLog } from '../../src/log/partition-log.js';
import { asLogIndex, asTerm, type Entry } from '../../src/raft/types.js';
import { asOffset } from '../../src/records/offset.js';
import { batch, deletion, noop, offsetCommit } from './entries.js';

/** What of an entry `n` batches, commits and deletions make. */
function entriesOf(kinds: readonly number[]): { readonly entries: Entry[]; readonly end: number } {
  let end = 0;
  const entries = kinds.map((kind, i) => {
    const index = i + 1;
    if (kind === 0) return noop(index);
    if (kind === 1) return offsetCommit(index, 'a', i);
    if (kind === 2) return deletion(index, Math.floor(end / 2));
    end += kind - 2;
    // Every record is one of a producer, so its sequence is its offset; the times go up and down.
    const baseOffset = end - (kind - 2);
    const producer = { id: kind % 2, epoch: 0, baseSequence: baseOffset };
    return batch(index, baseOffset, kind - 2, { producer, timestampMs: (i * 7) % 40 });
  });
  return { entries, end };
}

function fed(entries: readonly Entry[], commit: number, log = new PartitionLog()): PartitionLog {
  for (const entry of entries) log.appended(entry);
  log.committedTo(asLogIndex(commit));
  return log;
}

function pointers(log: PartitionLog) {
  const { logStartOffset, highWatermark, logEndOffset } = log;
  const { committed } = log.producers;
  return [logStartOffset, highWatermark, logEndOffset, log.committedOffset('a'), [...committed]];
}

const kinds = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 60 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('a checkpoint of a partition', () => {
  it('resumes as a log that was fed every entry, with spans for what is in segments (I13, I14)', () => {
    fc.assert(
      fc.property(
        kinds,
        share,
        share,
        share,
        fc.integer({ min: 1, max: 9 }),
        (list, at, stored, more, size) => {
          const { entries, end } = entriesOf(list);
          const commit = Math.round(at * entries.length);
          const last = commit + Math.round(more * (entries.length - commit));
          const storedTo = asLogIndex(Math.round(stored * entries.length));
          const starts = Array.from({ length: 20 }, (_, i) => asLogIndex(1 + i * size));
          const before = fed(entries.slice(0, last), commit);
          const whole = fed(entries, entries.length);
          const found = before.checkpoint(storedTo, starts);
          // What goes on without a restart.
          for (const entry of entries.slice(last)) before.appended(entry);
          before.committedTo(asLogIndex(entries.length));
          const logs = [before];
          if (found !== undefined) {
            const resumed = new PartitionLog();
            expect(resumed.resumed(found.data)).toBe(found.index);
            logs.push(fed(entries.slice(found.index), entries.length, resumed));
          }
          for (const log of logs) {
            expect(pointers(log)).toEqual(pointers(whole));
            for (let offset = 0; offset <= end; offset++) {
              const exact = whole.indexOfOffset(asOffset(offset));
              const near = log.indexOfOffset(asOffset(offset));
              expect(near === undefined).toBe(exact === undefined);
              if (near === undefined || exact === undefined) continue;
              expect(near).toBeLessThanOrEqual(exact);
              const segmentOf = (index: number): number => Math.floor((index - 1) / size);
              expect(segmentOf(near)).toBe(segmentOf(exact));
            }
            // A span that holds deleted records too counts whole, and one of whose records is young enough stays.
            expect(log.bytes).toBeGreaterThanOrEqual(whole.bytes);
            for (let timeMs = 0; timeMs <= 40; timeMs += 5) {
              const exact = whole.indexOfTime(asOffset(0), timeMs);
              const near = log.indexOfTime(asOffset(0), timeMs);
              expect(near ?? Infinity).toBeLessThanOrEqual(exact ?? Infinity);
              const kept = { bytes: undefined, sinceMs: timeMs };
              expect(log.expired(kept) ?? 0).toBeLessThanOrEqual(whole.expired(kept) ?? 0);
              const keptBytes = { bytes: timeMs * 100, sinceMs: undefined };
              expect(log.expired(keptBytes) ?? 0).toBeLessThanOrEqual(whole.expired(keptBytes) ?? 0);
            }
          }
        },
      ),
    );
  });

  it('that a snapshot of the log has overtaken is left out', () => {
    const { entries } = entriesOf([3, 3, 3, 3]);
    const log = fed(entries, 4);
    const found = log.checkpoint(asLogIndex(2), [asLogIndex(1)]);
    log.appended(deletion(5, 3));
    log.committedTo(asLogIndex(5));
    const index = log.compactable();
    expect(index).toBe(3);
    const data = log.snapshot(asLogIndex(5));
    const restarted = new PartitionLog();
    const membership = { voters: ['n1'], learners: [] };
    restarted.restored({ index, term: asTerm(1), membership, data });
    expect(restarted.resumed(found?.data ?? new Uint8Array(0))).toBe(index);
    fed([...entries.slice(3), deletion(5, 3)], 5, restarted);
    expect(pointers(restarted)).toEqual(pointers(log));
  });

  it('keeps what is behind a snapshot that is older', () => {
    const { entries } = entriesOf([3, 3, 3, 3, 3, 3]);
    const log = fed(entries, 6);
    const starts = [asLogIndex(1), asLogIndex(3), asLogIndex(5)];
    const found = log.checkpoint(asLogIndex(6), starts);
    log.appended(deletion(7, 3));
    log.committedTo(asLogIndex(7));
    // The third record is in the middle of a segment: only what is before that segment goes.
    const index = log.compactable();
    expect(index).toBe(2);
    const data = log.snapshot(asLogIndex(7));
    const restarted = new PartitionLog();
    const membership = { voters: ['n1'], learners: [] };
    restarted.restored({ index, term: asTerm(1), membership, data });
    expect(restarted.resumed(found?.data ?? new Uint8Array(0))).toBe(6);
    fed([deletion(7, 3)], 7, restarted);
    expect(pointers(restarted)).toEqual(pointers(log));
    expect(restarted.indexOfOffset(asOffset(3))).toBe(3);
  });
});
