/**
 * Where the record batches of a partition are: the log index of each, and its offsets. Pure.
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

  push(index: LogIndex, baseOffset: Offset, recordCount: number): void {
    invariant(baseOffset === this.endOffset, 'offsets are dense', { base: baseOffset, end: this.endOffset });
    this.#indexes.push(index);
    this.#endOffsets.push(baseOffset + recordCount);
  }

  truncateFrom(index: LogIndex): void {
    while ((this.#indexes.at(-1) ?? -1) >= index) {
      this.#indexes.pop();
      this.#endOffsets.pop();
    }
  }

  /** Forgets the first `count` batches. */
  forgetFirst(count: number): void {
    this.#baseOffset = this.endOfFirst(count);
    this.#indexes.splice(0, count);
    this.#endOffsets.splice(0, count);
  }

  /** How many batches end at or below `offset`, all of them at the front. Binary search. */
  countUpTo(offset: Offset): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#endOffsets[middle] ?? Infinity) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
