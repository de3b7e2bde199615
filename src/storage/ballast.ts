/**
 * Room kept for when the disk has none left: a file of zeros that is cut short when a write of the journal, or of a
 * checkpoint, finds no room. So a broker can vote, and write down the deletions that make room, on a disk that is
 * full to the last byte, also when other brokers or other programs filled it. It grows again once there is plenty.
 *
 * On a file system that compresses zeros it keeps nothing.
 */
import type { FileSystem, StorageFile } from './file-system.js';
import { zeros } from './journal-file.js';
import { attempt, isNoRoom } from './storage-errors.js';
import { BellwetherError } from '../errors.js';

/** The file grows to its full size in so many steps, so that nobody waits long for the disk behind it. */
const GROWTH_STEPS = 8;
/** What is given back beyond what a write asks for: names and sizes of files take room too. */
const SPARE_BYTES = 1_048_576;

export interface BallastOptions {
  readonly fileSystem: FileSystem;
  readonly path: string;
  /** 0 for none. */
  readonly bytesMax: number;
}

export class Ballast {
  readonly #options: BallastOptions;
  #file: StorageFile | undefined;
  #bytes = 0;
  /** Runs one thing at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #isGrowing = false;

  constructor(options: BallastOptions) {
    this.#options = options;
  }

  /** Takes over what the last process kept. @throws STORAGE_FAILED */
  async open(): Promise<void> {
    const { fileSystem, path, bytesMax } = this.#options;
    if (bytesMax === 0) return;
    const file = await attempt('open', path, () => fileSystem.open(path, { create: true }));
    this.#file = file;
    this.#bytes = await attempt('fstat', path, () => file.size());
  }

  /** What can be given back. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What it is short of its full size. */
  get missingBytes(): number {
    return Math.max(0, this.#options.bytesMax - this.#bytes);
  }

  /** Grows by a step, if it has not its full size. Does nothing while it grows. @throws STORAGE_FAILED */
  async grow(): Promise<void> {
    const file = this.#file;
    const { bytesMax, path } = this.#options;
    if (file === undefined || this.#isGrowing || this.#bytes >= bytesMax) return;
    this.#isGrowing = true;
    try {
      await this.#inTurn(async () => {
        const step = Math.min(Math.ceil(bytesMax / GROWTH_STEPS), bytesMax - this.#bytes);
        try {
          await attempt('write', path, () => file.write(zeros(step), this.#bytes));
          this.#bytes += step;
        } catch (error) {
          if (!(error instanceof BellwetherError) || !isNoRoom(error)) throw error;
          // What of it was written is not counted.
          await this.#cutTo(file, this.#bytes);
        }
      });
    } finally {
      this.#isGrowing = false;
    }
  }

  /**
   * Gives the disk room for a write of so many bytes, or what there is.
   *
   * @returns False when there was nothing to give.
   * @throws STORAGE_FAILED
   */
  async giveBack(bytes: number): Promise<boolean> {
    const file = this.#file;
    if (file === undefined) return false;
    return this.#inTurn(async () => {
      if (this.#bytes === 0) return false;
      const left = Math.max(0, this.#bytes - bytes - SPARE_BYTES);
      if (!(await this.#cutTo(file, left))) return false;
      this.#bytes = left;
      return true;
    });
  }

  /** False where even that takes room that is not there, as on a file system that never writes in place. */
  async #cutTo(file: StorageFile, bytes: number): Promise<boolean> {
    try {
      await attempt('truncate', this.#options.path, () => file.truncate(bytes));
      return true;
    } catch (error) {
      if (error instanceof BellwetherError && isNoRoom(error)) return false;
      throw error;
    }
  }

  /** Closes the file, and leaves it for the next process. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) await this.#inTurn(() => file.close());
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
