/** The content of one simulated file: what is synced, what is visible, and what a crash leaves of the rest. */

import type { Random } from './random.js';

export interface Change {
  readonly position: number;
  /** Undefined for a change of size to `position`. */
  readonly bytes: Uint8Array | undefined;
}

/** Bytes that grow in place. */
export class Content {
  #buffer = new Uint8Array(0);
  size = 0;

  view(): Uint8Array {
    return this.#buffer.subarray(0, this.size);
  }

  resize(size: number): void {
    if (size > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.#buffer.length));
      grown.set(this.view());
      this.#buffer = grown;
    }
    if (size < this.size) this.#buffer.fill(0, size, this.size);
    this.size = size;
  }

  apply({ position, bytes }: Change): void {
    if (bytes === undefined) {
      this.resize(position);
      return;
    }
    if (position + bytes.length > this.size) this.resize(position + bytes.length);
    this.#buffer.set(bytes, position);
  }

  replaceBy(other: Content): void {
    this.resize(0);
    this.apply({ position: 0, bytes: other.view().slice() });
  }
}

export class Inode {
  readonly durable = new Content();
  readonly visible = new Content();
  unsynced: Change[] = [];
  /** Reported as synced, but not durable: only a disk that lies has any. */
  owed: readonly Change[] = [];
}

/** Which parts of an unsynced change are on the disk after a crash: all, none, a start, or some pieces. */
export function surviving(change: Change, random: Random): Change[] {
  const { position, bytes } = change;
  const fate = random.below(4);
  if (fate === 0) return [];
  if (fate === 1 || bytes === undefined) return [change];
  if (fate === 2) return [{ position, bytes: bytes.subarray(0, random.below(bytes.length + 1)) }];
  const pieces: Change[] = [];
  const pieceBytes = random.pick([1, 7, 64, 512]);
  // Beyond some pieces a finer mix tells nothing new.
  const step = Math.max(pieceBytes, Math.ceil(bytes.length / 256));
  for (let at = 0; at < bytes.length; at += step) {
    if (random.chance(0.5)) pieces.push({ position: position + at, bytes: bytes.subarray(at, at + step) });
  }
  return pieces;
}
