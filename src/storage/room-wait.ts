/**
 * What becomes of a write that finds no room on the disk: it is made again, with room from the ballast at once, and
 * without any after a pause, until it succeeds or is given up. Nobody has been told of it, so a full disk takes time
 * and nothing else.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type { Ballast } from './ballast.js';
import { isNoRoom } from './storage-errors.js';
import { BellwetherError } from '../errors.js';

/** Pause before a write that found no room on the disk is tried again. */
const ROOM_RETRY_MS = 250;

export class RoomWait {
  readonly #ballast: Pick<Ballast, 'giveBack'>;
  readonly #pause: () => Promise<void>;
  #isWaiting = false;
  #ranOut = false;

  /**
   * @param ballast Gives room for a write, or says that it has none.
   * @param pause Resolves when it is time to try again; by default 250 ms later.
   */
  constructor(ballast: Pick<Ballast, 'giveBack'>, pause: () => Promise<void> = () => delay(ROOM_RETRY_MS)) {
    this.#ballast = ballast;
    this.#pause = pause;
  }

  /** True while a write finds no room, and then until somebody has looked how much is free. */
  get isFull(): boolean {
    return this.#isWaiting || this.#ranOut;
  }

  looked(): void {
    this.#ranOut = false;
  }

  /**
   * Writes `bytes` bytes. `isGivenUp` says whether the next failure for want of room counts as one.
   *
   * @throws STORAGE_FAILED
   */
  async write(bytes: number, write: () => Promise<void>, isGivenUp: () => boolean): Promise<void> {
    for (;;) {
      try {
        await write();
        this.#isWaiting = false;
        return;
      } catch (error) {
        if (!(error instanceof BellwetherError) || !isNoRoom(error) || isGivenUp()) throw error;
      }
      this.#isWaiting = true;
      this.#ranOut = true;
      if (!(await this.#ballast.giveBack(bytes))) await this.#pause();
    }
  }
}
