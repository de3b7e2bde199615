/** The part of a snapshot that a follower has received so far. Pure. */

import { crc32c } from '../crc32c.js';
import { invariant } from '../invariant.js';
import type { InstallSnapshot } from './messages.js';

export class SnapshotReceipt {
  readonly #of: Pick<InstallSnapshot, 'snapshotIndex' | 'snapshotTerm' | 'checksum' | 'totalBytes'>;
  readonly #data: Uint8Array;
  #receivedBytes = 0;

  /** @param first Any chunk of the snapshot. */
  constructor(first: InstallSnapshot) {
    this.#of = first;
    this.#data = new Uint8Array(first.totalBytes);
  }

  /** Bytes that are here, from the first on. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** True when `chunk` belongs to the same bytes, whichever leader sends it. */
  isOf(chunk: InstallSnapshot): boolean {
    const { snapshotIndex, snapshotTerm, checksum, totalBytes } = this.#of;
    const sameEntry = chunk.snapshotIndex === snapshotIndex && chunk.snapshotTerm === snapshotTerm;
    return sameEntry && chunk.checksum === checksum && chunk.totalBytes === totalBytes;
  }

  /** Takes a chunk in; one that leaves a gap, or came before, changes nothing. */
  take({ offset, chunk }: InstallSnapshot): void {
    if (offset !== this.#receivedBytes) return;
    invariant(offset + chunk.length <= this.#data.length, 'a chunk lies inside its snapshot', { offset });
    this.#data.set(chunk, offset);
    this.#receivedBytes += chunk.length;
  }

  /** All of it once it is complete and its checksum is right, 'damaged' when that is wrong. */
  get data(): Uint8Array | 'incomplete' | 'damaged' {
    if (this.#receivedBytes < this.#data.length) return 'incomplete';
    return crc32c(this.#data) === this.#of.checksum ? this.#data : 'damaged';
  }
}
