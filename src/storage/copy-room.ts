/**
 * Whether the disk has room for a copy of a file of the journal, and what of the ballast may help: a copy is worth it,
 * as it ends with the removal of what was copied.
 */
import type { Ballast } from './ballast.js';
import { checkpointPath } from './checkpoint.js';
import { isNoRoom } from './storage-errors.js';
import { BellwetherError } from '../errors.js';

/** Copying leaves at least so much of a disk that is nearly full. */
const FREE_BYTES_MIN = 16_777_216;
/** A copy of no more than this is made however little is free. */
const MODEST_BYTES = 1_048_576;

export class CopyRoom {
  readonly #ballast: Ballast;
  #freeBytes: number | undefined;

  constructor(ballast: Ballast) {
    this.#ballast = ballast;
  }

  /** Says how much the disk has free while that is little; undefined while it is plenty. */
  tell(freeBytes: number | undefined): void {
    this.#freeBytes = freeBytes;
  }

  get isTight(): boolean {
    return this.#freeBytes !== undefined;
  }

  /** So much more is free. */
  regained(bytes: number): void {
    if (this.#freeBytes !== undefined) this.#freeBytes += bytes;
  }

  /**
   * @param wantedBytes What the copy takes, or, with true and at no cost, what it takes at most.
   * @param lentBytes What of the ballast was given for it; 0 for nothing. It takes no more than that then.
   */
  allows(wantedBytes: (isEstimate: boolean) => number, lentBytes: number): boolean {
    const freeBytes = this.#freeBytes ?? Infinity;
    const hasRoom = (bytes: number): boolean => lentBytes === 0 && freeBytes >= bytes + FREE_BYTES_MIN;
    if (hasRoom(wantedBytes(true))) return true;
    const bytes = wantedBytes(false);
    return bytes <= Math.max(lentBytes, MODEST_BYTES) || hasRoom(bytes);
  }

  /**
   * Gives of the ballast what a copy of `wantedBytes` takes, undefined for no copy, if that is no more than half of it,
   * or modest while nobody has said that room is short.
   *
   * @param isCheckpointDue And found no room: it gets something too.
   * @returns What it gave; 0 for nothing.
   */
  async lend(wantedBytes: number | undefined, isCheckpointDue: boolean): Promise<number> {
    const bytesMax = this.isTight ? this.#ballast.bytes / 2 : MODEST_BYTES;
    const isCopyLent = wantedBytes !== undefined && wantedBytes <= bytesMax;
    const lentBytes = isCopyLent ? Math.max(wantedBytes, MODEST_BYTES) : isCheckpointDue ? MODEST_BYTES : 0;
    return lentBytes > 0 && (await this.#ballast.giveBack(lentBytes)) ? lentBytes : 0;
  }
}

/** A full disk; but not one that was noticed by a sync, of which nobody knows what it wrote. */
export function ranOut(error: unknown): boolean {
  if (!(error instanceof BellwetherError)) return false;
  const { file, errno } = error.metadata;
  const isOfNewCheckpoint = String(file).endsWith(`${checkpointPath('')}.tmp`);
  return isNoRoom(error) || (errno === 'ENOSPC' && isOfNewCheckpoint);
}
