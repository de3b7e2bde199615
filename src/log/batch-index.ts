/**
 * Where the record batches of a partition are: of each the log index, the offsets, the time and the size. Pure.
 *
 * Offsets are dense: each batch begins where the one before ended, the first at the base offset.
 *
 * Of batches that stand in segments only spans are kept, one for each segment: a span counts as one batch.
 */

import { invariant } from '../invariant.js';
import { asLogIndex, type LogIndex } from '../raft/types.js';
import { asOffset, type Offset } from '../records/offset.js';

/** A batch, or a span of batches in a row. */
export interface BatchSpan {
  /** Log index of the (first) batch. */
  readonly index: LogIndex;
  /** Offset behind its last record. */
  readonly endOffset: Offset;
  /** Of its records, in milliseconds since the Unix epoch; -1 when none has one. */
  readonly maxTimestampMs: number;
  readonly bytes: number;
}

export class BatchIndex {
  #baseOffset: Offset;
  /** Log indexes, ascending, and the exclusive end offset of each batch. */
  #indexes: number[] = [];
  #endOffsets: number[] = [];
  /** Maximum timestamp of each batch in milliseconds, and the greatest of it and all before: never falls. */
  #maxTimestamps: number[] = [];
  #youngest: number[] = [];
  /** Bytes of each batch and all before it, counted from where this index began. */
  #endBytes: number[] = [];
  #forgottenBytes = 0;

  constructor(baseOffset: Offset) {
    this.#baseOffset = baseOffset;
  }

  get count(): number {
    return this.#indexes.length;
  }

  /** Offset at which the first batch begins. */
  get baseOffset(): Offset {
    return this.#baseOffset;
  }

  /** Offset behind the last batch: the next one begins there. */
  get endOffset(): Offset {
    return this.endOfFirst(this.count);
  }

  /** Offset behind the first `count` batches. */
  endOfFirst(count: number): Offset {
    return asOffset(this.#endOffsets[count - 1] ?? this.#baseOffset);
  }

  /** Log index of batch number `nth`, from 0; undefined behind the last. */
  indexOf(nth: number): LogIndex | undefined {
    const index = this.#indexes[nth];
    return index === undefined ? undefined : asLogIndex(index);
  }

  /** Bytes of all batches from number `nth` on. */
  bytesFrom(nth: number): number {
    return this.#bytesOfFirst(this.count) - this.#bytesOfFirst(nth);
  }

  push(baseOffset: Offset, { index, endOffset, maxTimestampMs, bytes }: BatchSpan): void {
    invariant(baseOffset === this.endOffset, 'offsets are dense', { base: baseOffset, end: this.endOffset });
    this.#endBytes.push(this.#bytesOfFirst(this.count) + bytes);
    this.#indexes.push(index);
    this.#endOffsets.push(endOffset);
    this.#maxTimestamps.push(maxTimestampMs);
    this.#youngest.push(Math.max(maxTimestampMs, this.#youngest.at(-1) ?? -1));
  }

  /** The first `count` batches. */
  first(count: number): BatchSpan[] {
    return this.#indexes.slice(0, count).map((index, nth) => ({
      index: asLogIndex(index),
      endOffset: asOffset(this.#endOffsets[nth] ?? 0),
      maxTimestampMs: this.#maxTimestamps[nth] ?? -1,
      bytes: this.#bytesOfFirst(nth + 1) - this.#bytesOfFirst(nth),
    }));
  }

  /**
   * Makes one span of all those among the first `count` batches that begin between two neighbours of `starts`,
   * which ascend. Returns how many are left of them.
   */
  collapse(count: number, starts: readonly LogIndex[]): number {
    /** Numbers of the batches with which spans begin, and end. */
    const firsts: number[] = [];
    const lasts: number[] = [];
    const maxTimestamps: number[] = [];
    let segment = 0;
    let before = -1;
    for (let nth = 0; nth < count; nth++) {
      while ((starts[segment] ?? Infinity) <= (this.#indexes[nth] ?? 0)) segment += 1;
      const isNext = segment !== before;
      if (isNext) firsts.push(nth);
      else lasts.pop();
      lasts.push(nth);
      const sooner = isNext ? -1 : (maxTimestamps.pop() ?? -1);
      maxTimestamps.push(Math.max(sooner, this.#maxTimestamps[nth] ?? -1));
      before = segment;
    }
    const kept = (values: readonly number[], of: readonly number[]): number[] => [
      ...of.map((nth) => values[nth] ?? 0),
      ...values.slice(count),
    ];
    this.#indexes = kept(this.#indexes, firsts);
    this.#endOffsets = kept(this.#endOffsets, lasts);
    this.#youngest = kept(this.#youngest, lasts);
    this.#endBytes = kept(this.#endBytes, lasts);
    this.#maxTimestamps = [...maxTimestamps, ...this.#maxTimestamps.slice(count)];
    return firsts.length;
  }

  truncateFrom(index: LogIndex): void {
    while ((this.#indexes.at(-1) ?? -1) >= index) {
      this.#indexes.pop();
      this.#endOffsets.pop();
      this.#maxTimestamps.pop();
      this.#youngest.pop();
      this.#endBytes.pop();
    }
  }

  /** Forgets the first `count` batches. */
  forgetFirst(count: number): void {
    this.#baseOffset = this.endOfFirst(count);
    this.#forgottenBytes = this.#bytesOfFirst(count);
    this.#indexes.splice(0, count);
    this.#endOffsets.splice(0, count);
    this.#maxTimestamps.splice(0, count);
    this.#youngest.splice(0, count);
    this.#endBytes.splice(0, count);
  }

  /** How many batches begin at or before the entry at `index`, all of them at the front. Binary search. */
  countUpToIndex(index: LogIndex): number {
    return firstFrom(0, this.count, (nth) => (this.#indexes[nth] ?? Infinity) > index);
  }

  /** How many batches end at or below `offset`, all of them at the front. Binary search. */
  countUpTo(offset: Offset): number {
    return firstFrom(0, this.count, (nth) => (this.#endOffsets[nth] ?? Infinity) > offset);
  }

  /** How many batches may go from the front so that the rest still has `bytes`. Binary search. */
  countBeyond(bytes: number): number {
    return firstFrom(0, this.count, (nth) => this.bytesFrom(nth + 1) < bytes);
  }

  /**
   * Number of the first batch from number `from` on whose maximum timestamp is at least `timestampMs`; `count`
   * when there is none. Times need not rise, their greatest so far does: binary search, and a walk only where
   * a batch before `from`, or one forgotten, is younger than those behind it.
   */
  firstAtTime(from: number, timestampMs: number): number {
    const { count } = this;
    let nth = firstFrom(from, count, (each) => (this.#youngest[each] ?? Infinity) >= timestampMs);
    while (nth < count && (this.#maxTimestamps[nth] ?? -1) < timestampMs) nth += 1;
    return nth;
  }

  /** Number behind the last batch in [from, to) that has a timestamp; `from` when none has. */
  endOfTimed(from: number, to: number): number {
    let end = to;
    while (end > from && (this.#maxTimestamps[end - 1] ?? -1) < 0) end -= 1;
    return end;
  }

  #bytesOfFirst(count: number): number {
    return this.#endBytes[count - 1] ?? this.#forgottenBytes;
  }
}

/** The first number in [low, high) from which on `holds` is true, `high` for none. Binary search. */
function firstFrom(low: number, high: number, holds: (nth: number) => boolean): number {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
