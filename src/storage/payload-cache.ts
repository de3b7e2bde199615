/** Keeps the payloads of the newest entries of all groups in memory, first in, first out, bounded by bytes. */
import type { EntrySlot } from './entry-slot.js';
import { invariant } from '../invariant.js';

/** A doubly linked list through the slots, so that a truncated entry leaves at once. */
export class PayloadCache {
  readonly #bytesMax: number;
  #bytes = 0;
  #oldest: EntrySlot | undefined;
  #newest: EntrySlot | undefined;

  /** @param bytesMax Payload bytes kept; 0 keeps none. */
  constructor(bytesMax: number) {
    invariant(bytesMax >= 0, 'a cache has no negative size', { bytesMax });
    this.#bytesMax = bytesMax;
  }

  /** Payload bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a slot whose frame can be read back from its file; evicts the oldest beyond the bound. */
  add(slot: EntrySlot): void {
    invariant(!slot.cached && slot.live && slot.file !== undefined, 'only a written entry is evictable');
    slot.cached = true;
    slot.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = slot;
    else this.#newest.newer = slot;
    this.#newest = slot;
    this.#bytes += slot.payloadBytes;
    while (this.#oldest !== undefined && (this.#bytes > this.#bytesMax || this.#bytesMax === 0)) {
      this.remove(this.#oldest);
    }
  }

  /** Lets go of the slot's payload; does nothing when the cache does not hold it. */
  remove(slot: EntrySlot): void {
    if (!slot.cached) return;
    if (slot.older === undefined) this.#oldest = slot.newer;
    else slot.older.newer = slot.newer;
    if (slot.newer === undefined) this.#newest = slot.older;
    else slot.newer.older = slot.older;
    slot.older = undefined;
    slot.newer = undefined;
    slot.cached = false;
    slot.entry = undefined;
    this.#bytes -= slot.payloadBytes;
  }
}
