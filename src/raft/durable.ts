/** How far the disk has got with a log, given writes that end in order. Pure. */

import { type LogIndex } from './types.js';

interface Write {
  readonly sequence: number;
  /** Last index that this write makes durable; lowered when a truncation takes entries back. */
  last: LogIndex;
}

export class Durable {
  #index: LogIndex;
  #handedOut: LogIndex;
  #writes: Write[] = [];

  constructor(index: LogIndex) {
    this.#index = index;
    this.#handedOut = index;
  }

  /** Every entry up to here is on disk. */
  get index(): LogIndex {
    return this.#index;
  }

  /** Every entry up to here is on disk or on the way there. */
  get handedOutIndex(): LogIndex {
    return this.#handedOut;
  }

  /** Write `sequence` was handed out; with it the log is on disk up to `last`. */
  handedOut(sequence: number, last: LogIndex): void {
    this.#writes.push({ sequence, last });
    this.#handedOut = last;
  }

  /**
   * Learns that write `sequence` and all before it are on disk. A truncation has lowered what earlier
   * writes are worth, so a late confirmation never covers entries that replaced theirs (the ABA race
   * of etcd's async storage transcripts).
   */
  persisted(sequence: number): void {
    let done = 0;
    for (const write of this.#writes) {
      if (write.sequence > sequence) break;
      if (write.last > this.#index) this.#index = write.last;
      done += 1;
    }
    if (done > 0) this.#writes = this.#writes.slice(done);
  }

  /** Nothing beyond `last` counts, of what was written and of what is on the way. */
  cutTo(last: LogIndex): void {
    for (const write of this.#writes) if (write.last > last) write.last = last;
    if (this.#index > last) this.#index = last;
    if (this.#handedOut > last) this.#handedOut = last;
  }
}
