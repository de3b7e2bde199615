/**
 * Where the record batches of a partition are: the log index of each, its offsets and its time. Pure.
 *
 * Offsets are dense: each batch begins where the one before ended, the first at the base offset.
 */

import { invariant } from '../invariant.js';
import { asLogIndex, type LogIndex } from '../raft/types.js';
import { asOffset, type Offset } from '../records/offset.js';

export class BatchIndex {
  #baseOffset: Offset;
  /** Log indexes, ascending, and the exclusive end offset of each batch. */
  readonly #indexes: number[] = [];
  readonly #endOffsets: number[] = [];
  /** Maximum timestamp of each batch in milliseconds, and the greatest of it and all before: never falls. */
  readonly #maxTimestamps: number[] = [];
  readonly #youngest: number[] = [];

  constructor(baseOffset: Offset) {
    this.#baseOffset = baseOffset;
  }

  get count(): number {
    return this.#indexes.length;
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

  push(index: LogIndex, baseOffset: Offset, recordCount: number, maxTimestampMs: number): void {
    invariant(baseOffset === this.endOffset, 'offsets are dense', { base: baseOffset, end: this.endOffset });
    this.#indexes.push(index);
    this.#endOffsets.push(baseOffset + recordCount);
    this.#maxTimestamps.push(maxTimestampMs);
    this.#youngest.push(Math.max(maxTimestampMs, this.#youngest.at(-1) ?? -1));
  }

  truncateFrom(index: LogIndex): void {
    while ((this.#indexes.at(-1) ?? -1) >= index) {
      this.#indexes.pop();
      this.#endOffsets.pop();
      this.#maxTimestamps.pop();
      this.#youngest.pop();
    }
  }

  /** Forgets the first `count` batches. */
  forgetFirst(count: number): void {
    this.#baseOffset = this.endOfFirst(count);
    this.#indexes.splice(0, count);
    this.#endOffsets.splice(0, count);
    this.#maxTimestamps.splice(0, count);
    this.#youngest.splice(0, count);
  }

  /** How many batches end at or below `offset`, all of them at the front. Binary search. */
  countUpTo(offset: Offset): number {
    return firstFrom(0, this.count, (nth) => (this.#endOffsets[nth] ?? Infinity) > offset);
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
