/** Entries that a read has found so far, one after the other, up to a number of payload bytes. */
import { asLogIndex, type Entry, type LogIndex } from '../raft/types.js';

export class FoundEntries {
  readonly entries: Entry[] = [];
  readonly #from: LogIndex;
  #bytesLeft: number;
  #isFull = false;

  constructor(from: LogIndex, bytesMax: number) {
    this.#from = from;
    this.#bytesLeft = bytesMax;
  }

  /** Index of the next entry to find. */
  get next(): LogIndex {
    return asLogIndex(this.#from + this.entries.length);
  }

  get bytesLeft(): number {
    return this.#bytesLeft;
  }

  /** False once no further entry fits. */
  get hasRoom(): boolean {
    return !this.#isFull;
  }

  /** Takes those that fit; the very first always does. None are left to find when `more` is empty. */
  add(more: readonly Entry[]): void {
    if (more.length === 0) this.#isFull = true;
    for (const entry of more) {
      if (this.entries.length > 0 && entry.payload.length > this.#bytesLeft) {
        this.#isFull = true;
        return;
      }
      this.#bytesLeft -= entry.payload.length;
      this.entries.push(entry);
    }
    if (this.#bytesLeft < 0) this.#isFull = true;
  }
}
