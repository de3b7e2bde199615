/**
 * Files of the journal that nobody needs any more, kept to be written over: a synced write into a file that has its
 * size is quicker than one that makes it grow.
 *
 * Each lies under its old name. That is before the checkpoint, so a restart takes none of them for the journal, and
 * removes them: after a crash one file may stand under its old name and its new one.
 */
import type { FileSystem } from './file-system.js';
import { type JournalFile, retireJournalFile } from './journal-file.js';
import { attempt } from './storage-errors.js';

/** Under load two are used from one checkpoint to the next; one more for when it comes late. */
const SPARE_FILES_MAX = 3;
/** A file that one huge batch has made longer is not worth its room, nor the time to read it after a crash. */
const FILE_SHARE_MAX = 2;

export interface SpareFile {
  readonly path: string;
  readonly sizeBytes: number;
}

export class SpareFiles {
  readonly #fileSystem: FileSystem;
  readonly #fileBytes: number;
  readonly #files: SpareFile[] = [];

  /** @param fileBytes What a file of the journal has at least when it is full. */
  constructor(fileSystem: FileSystem, fileBytes: number) {
    this.#fileSystem = fileSystem;
    this.#fileBytes = fileBytes;
  }

  /** One to write over; undefined when there is none. It is the caller's from now on. */
  take(): SpareFile | undefined {
    return this.#files.shift();
  }

  /** Gives back one that was taken and not renamed. */
  putBack(spare: SpareFile): void {
    this.#files.unshift(spare);
  }

  /**
   * Closes a file that a durable checkpoint stands for, and keeps it or removes it.
   *
   * @param isRoomShort Removes it.
   * @throws STORAGE_FAILED
   */
  async retire(file: JournalFile, isRoomShort: boolean): Promise<void> {
    const { path } = file;
    const sizeBytes = await attempt('fstat', path, () => file.storage.size());
    const isUseful = sizeBytes >= this.#fileBytes && sizeBytes <= FILE_SHARE_MAX * this.#fileBytes;
    // One that is being read must keep its bytes; its name may go.
    const isKept = isUseful && !isRoomShort && file.readers === 0 && this.#files.length < SPARE_FILES_MAX;
    if (!isKept) await attempt('unlink', path, () => this.#fileSystem.remove(path));
    await retireJournalFile(file);
    if (isKept) this.#files.push({ path, sizeBytes });
  }

  /** Removes all, for their room. @returns Their bytes together. @throws STORAGE_FAILED */
  async clear(): Promise<number> {
    let bytes = 0;
    for (const { path, sizeBytes } of this.#files.splice(0)) {
      await attempt('unlink', path, () => this.#fileSystem.remove(path));
      bytes += sizeBytes;
    }
    return bytes;
  }
}
