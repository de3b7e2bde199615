/**
 * What clients were told stays true: I1, an acknowledged value is at its offset for ever; I18, a fetch
 * returns committed records only, without a gap, and none beyond the high watermark.
 */

import { WALL_EPOCH_MS } from '../process.js';
import type { Committed } from './committed.js';
import { holds } from './violation.js';

/** What clients know of a partition: where it ends at least, and which term had its leader. */
interface KnownEnd {
  readonly end: number;
  readonly term: number;
}

interface CommittedOffset {
  readonly acknowledged: number | undefined;
  readonly tried: number;
  /** A commit whose fate nobody knows may be stored late, and the last that is stored wins. */
  readonly isUnsure: boolean;
}

export class ClientSafety {
  readonly #committed: Committed;
  readonly #groupOf: (partition: number) => number;
  readonly #nowMs: () => number;
  readonly #acknowledged = new Map<number, Map<number, number>>();
  readonly #ends = new Map<number, KnownEnd>();
  /** By partition: below which offset a client asked to delete records, and was told that they are. */
  readonly #deletions = new Map<number, { readonly tried: number; readonly done: number }>();
  /** Bytes of a partition that were to be kept at least, of all that was ever asked for. */
  #keptBytes = Infinity;
  /** How old records of the topic had to be at least for retention, of all that was ever asked for. */
  #keptMs = Infinity;
  /** What any broker's wall clock was ever ahead of one that never jumped. */
  #wallAheadMs = 0;
  readonly #offsets = new Map<number, CommittedOffset>();

  /** @param nowMs The simulated time. */
  constructor(committed: Committed, groupOf: (partition: number) => number, nowMs: () => number) {
    this.#committed = committed;
    this.#groupOf = groupOf;
    this.#nowMs = nowMs;
  }

  /** Records whose acknowledgement a client has. */
  get acknowledgedRecords(): number {
    let count = 0;
    for (const values of this.#acknowledged.values()) count += values.size;
    return count;
  }

  /** The first acknowledgement of a value. */
  acknowledged(partition: number, offset: number, value: number, term: number): void {
    this.told(partition, offset, value, term);
    const facts = { partition, offset, value };
    const values = this.#acknowledged.get(partition) ?? new Map<number, number>();
    this.#acknowledged.set(partition, values);
    holds(!values.has(offset), 'I1', 'one acknowledgement for an offset', facts);
    values.set(offset, value);
  }

  /** An acknowledgement, which for a batch that was sent again may not be the first. */
  told(partition: number, offset: number, value: number, term: number): void {
    this.#seen(partition, offset + 1, term);
    const committed = this.#committed.chain(this.#groupOf(partition)).values[offset];
    const facts = { partition, offset, value, committed };
    holds(committed === value, 'I1', 'what is acknowledged is committed at its offset', facts);
  }

  /** What a client knows of a partition's end: a read that begins now must not tell less. */
  knownEnd(partition: number): KnownEnd {
    return this.#ends.get(partition) ?? { end: 0, term: 0 };
  }

  /** A linearizable read that began when `before` was known has told this. */
  listed(partition: number, before: KnownEnd, end: number, term: number): void {
    const committed = this.#committed.chain(this.#groupOf(partition)).values.length;
    const facts = { partition, before, end, term, committed };
    holds(end >= before.end, 'I18', 'a linearizable read has all that was acknowledged', facts);
    holds(term >= before.term, 'I18', 'a linearizable read is of the newest leader', facts);
    holds(end <= committed, 'I18', 'a read ends at what is committed', facts);
    this.#seen(partition, end, term);
  }

  /** A client asks to delete the records below an offset, or was told that they are deleted. */
  deletion(partition: number, before: number, isDone: boolean): void {
    const { tried, done } = this.deletions(partition);
    this.#deletions.set(partition, {
      tried: Math.max(tried, before),
      done: isDone ? Math.max(done, before) : done,
    });
  }

  /** A client asks that the topic keep only so many bytes of each partition. */
  keepsOnly(bytes: number): void {
    this.#keptBytes = Math.min(this.#keptBytes, bytes);
  }

  /** A client asks that the topic keep only records that are no older. */
  keepsNoOlder(ms: number): void {
    this.#keptMs = Math.min(this.#keptMs, ms);
  }

  /** A broker's wall clock has jumped: it may find records older than they are. */
  clockIsAhead(ms: number): void {
    this.#wallAheadMs = Math.max(this.#wallAheadMs, ms);
  }

  deletions(partition: number): { readonly tried: number; readonly done: number } {
    return this.#deletions.get(partition) ?? { tried: 0, done: 0 };
  }

  /** No partition begins behind this offset: records behind it neither a client nor retention may have deleted. */
  mayBeginAt(partition: number): number {
    const { tried } = this.deletions(partition);
    const sinceMs = WALL_EPOCH_MS + this.#nowMs() + this.#wallAheadMs - this.#keptMs;
    return this.#committed.expendable(this.#groupOf(partition), tried, this.#keptBytes, sinceMs);
  }

  /** A broker has told that a partition begins here. */
  beginsAt(partition: number, start: number): void {
    const latest = this.mayBeginAt(partition);
    const facts = { partition, start, latest, keptBytes: this.#keptBytes, keptMs: this.#keptMs };
    holds(start <= latest, 'I1', 'only what a client deleted, or retention, is gone', facts);
  }

  #seen(partition: number, end: number, term: number): void {
    const known = this.knownEnd(partition);
    this.#ends.set(partition, { end: Math.max(end, known.end), term: Math.max(term, known.term) });
  }

  committedOffset(partition: number): CommittedOffset {
    return this.#offsets.get(partition) ?? { acknowledged: undefined, tried: 0, isUnsure: false };
  }

  /** The one consumer of the partition asks to commit; offsets only rise. */
  offsetTried(partition: number, offset: number): void {
    this.#offsets.set(partition, { ...this.committedOffset(partition), tried: offset });
  }

  offsetAcknowledged(partition: number, offset: number): void {
    this.#offsets.set(partition, { ...this.committedOffset(partition), acknowledged: offset });
  }

  offsetUnsure(partition: number): void {
    this.#offsets.set(partition, { ...this.committedOffset(partition), isUnsure: true });
  }

  /** An offset that was told has all that was acknowledged before it was asked for. */
  offsetFetched(
    partition: number,
    { acknowledged, isUnsure }: CommittedOffset,
    offset: number | undefined,
  ): void {
    const { tried } = this.committedOffset(partition);
    const facts = { partition, acknowledged, tried, offset };
    holds((offset ?? 0) <= tried, 'I18', 'nobody committed a later offset', facts);
    const isFresh = isUnsure || (offset ?? -1) >= (acknowledged ?? -1);
    holds(isFresh, 'I18', 'a committed offset that is told is not an older one', facts);
  }

  /** At the end: the offset that was acknowledged last, or a later one, is there. */
  checkFinalOffset(partition: number, broker: string, offset: number | undefined): void {
    const { acknowledged, isUnsure } = this.committedOffset(partition);
    const facts = { partition, broker, acknowledged, offset };
    holds(isUnsure || (offset ?? -1) >= (acknowledged ?? -1), 'I1', 'no committed offset is lost', facts);
  }

  fetched(
    partition: number,
    from: number,
    records: readonly (readonly [offset: number, value: number])[],
    highWatermark: number,
  ): void {
    const { values } = this.#committed.chain(this.#groupOf(partition));
    records.forEach(([offset, value], i) => {
      const facts = { partition, from, offset, value, committed: values[offset], highWatermark };
      holds(offset === from + i, 'I18', 'a fetch skips nothing', facts);
      holds(offset < highWatermark, 'I18', 'a fetch ends at the high watermark', facts);
      holds(values[offset] === value, 'I18', 'a fetch returns what is committed', facts);
    });
  }

  /** At the end: a replica's whole partition holds every acknowledged record that is not deleted. */
  checkFinal(partition: number, broker: string, start: number, records: ReadonlyMap<number, number>): void {
    const { done } = this.deletions(partition);
    this.beginsAt(partition, start);
    holds(start >= done, 'I1', 'what is deleted stays deleted', { partition, broker, start, done });
    for (const [offset, value] of this.#acknowledged.get(partition) ?? []) {
      if (offset < start) continue;
      const found = records.get(offset);
      holds(found === value, 'I1', 'no acknowledged record is lost', {
        partition,
        broker,
        offset,
        value,
        found,
      });
    }
  }
}
