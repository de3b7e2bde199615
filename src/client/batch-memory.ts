/**
 * The memory of a producer's batches, used again: buffers of this size lie outside of V8's heap, and a producer that
 * allocated each of them anew would spend half of its time in garbage collection.
 */
import type { BatchMemory } from '../records/batch-builder.js';

/**
 * Bytes before each block that belong to it: the fields of a request are written there, in front of the batch
 * (produce-codec.ts). Above the longest topic name with all numbers.
 */
export const HEADROOM_BYTES = 384;

/** Bytes of memory that wait for their next use at most: as much as one stream carries unanswered. */
const FREE_BYTES_MAX = 4 * 1024 * 1024;

export class RecycledMemory implements BatchMemory {
  readonly #blockBytesMax: number;
  /** By length; a builder asks for few different ones. */
  readonly #free = new Map<number, Uint8Array[]>();
  #freeBytes = 0;

  /** @param blockBytesMax Larger blocks, each for one large record, are not kept. */
  constructor(blockBytesMax: number) {
    this.#blockBytesMax = blockBytesMax;
  }

  /** Bytes that wait for their next use. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  take(sizeBytes: number): Uint8Array {
    const block = this.#free.get(sizeBytes)?.pop();
    if (block === undefined)
      return Buffer.allocUnsafeSlow(HEADROOM_BYTES + sizeBytes).subarray(HEADROOM_BYTES);
    this.#freeBytes -= sizeBytes;
    return block;
  }

  giveBack(block: Uint8Array): void {
    const { length } = block;
    if (length > this.#blockBytesMax || this.#freeBytes + length > FREE_BYTES_MAX) return;
    this.#freeBytes += length;
    const blocks = this.#free.get(length);
    if (blocks === undefined) this.#free.set(length, [block]);
    else blocks.push(block);
  }
}
