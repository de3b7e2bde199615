/**
 * Writes batches to the end of the journal, one at a time: lays them out, rolls to a new file, keeps
 * zeros written ahead, syncs. It decides nothing about order or failure; see journal.ts.
 *
 * Invariant, on which recovery rests: a batch is written only when everything before it, including the
 * creation of its file, is durable.
 */
import type { EntrySlot } from './entry-slot.js';
import type { FileSystem } from './file-system.js';
import { FrameBatch } from './frame-batch.js';
import { createJournalFile, FILE_HEADER_BYTES, type JournalFile, zeros } from './journal-file.js';
import type { SpareFiles } from './spare-files.js';
import { attempt } from './storage-errors.js';
import type { Entry, GroupId, HardState, LogIndex, Term } from '../raft/types.js';

/** A batch of at least this share of `preallocateBytes` is not worth writing zeros ahead of. */
const LARGE_BATCH_SHARE = 1 / 4;

/** Up to so much a batch is written and synced by one call; of buffers no more than one call takes. */
const SYNCED_WRITE_BYTES_MAX = 65_536;
const SYNCED_WRITE_BUFFERS_MAX = 512;

/** One write, checked, with the slots that want to know where their entries are. */
export type PlannedWrite =
  | { readonly kind: 'hardState'; readonly group: GroupId; readonly state: HardState }
  | {
      readonly kind: 'entries';
      readonly group: GroupId;
      readonly entries: readonly Entry[];
      readonly slots: readonly EntrySlot[];
    }
  | {
      readonly kind: 'snapshot';
      readonly group: GroupId;
      readonly index: LogIndex;
      readonly term: Term;
      /** As `encodeSnapshotPayload` makes it. */
      readonly payload: Uint8Array;
    }
  | { readonly kind: 'dropGroup'; readonly group: GroupId };

export interface WriterOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly incarnation: string;
  /** A new file begins when this one is at least so long. */
  readonly fileBytes: number;
  /** Step in which zeros are written ahead. */
  readonly preallocateBytes: number;
  /** Files that may be written over. */
  readonly spares: SpareFiles;
}

/** Where the journal ends. */
export interface JournalEnd {
  readonly file: JournalFile;
  /** Byte behind the last frame. */
  readonly position: number;
  /** Size of the file. Between `position` and here is no frame of its present life. */
  readonly allocatedBytes: number;
  /** Number of the batch to write next. */
  readonly nextBatch: number;
}

export class JournalWriter {
  readonly #options: WriterOptions;
  readonly #files: JournalFile[];
  #file: JournalFile;
  #position: number;
  #allocatedBytes: number;
  #nextBatch: number;
  /** The last write found room. Without, zeros are not written ahead: what is to be written may fit. */
  #hadRoom = true;
  #isRollWanted = false;
  /** Part of a batch may stand behind the last one. */
  #isCutShort = false;

  /** @param files Every open file of the journal; new ones are added. */
  constructor(options: WriterOptions, files: JournalFile[], end: JournalEnd) {
    this.#options = options;
    this.#files = files;
    this.#file = end.file;
    this.#position = end.position;
    this.#allocatedBytes = end.allocatedBytes;
    this.#nextBatch = end.nextBatch;
  }

  /**
   * Writes the frames and makes them durable. One call at a time. After a rejection for want of room the same
   * frames may be written again, to the same place: nothing of them counts. After any other rejection, none.
   *
   * @param frameCount Number of frames in `writes`; may be 0, for a new file only.
   * @throws STORAGE_FAILED, naming file and errno.
   */
  async write(writes: readonly PlannedWrite[], frameCount: number): Promise<void> {
    try {
      // What a write left that was cut short must be written over: a file that has a successor ends where that says.
      const mayRoll = this.#isRollWanted && !this.#isCutShort;
      if (mayRoll || this.#position >= this.#options.fileBytes) await this.#roll();
      if (frameCount > 0) await this.#append(writes, frameCount);
      this.#hadRoom = true;
    } catch (error) {
      this.#hadRoom = false;
      throw error;
    }
  }

  /** The next write goes to a new file, unless nothing is in this one: then this one can be copied and removed. */
  rollSoon(): void {
    this.#isRollWanted = this.#position > FILE_HEADER_BYTES;
  }

  async #append(writes: readonly PlannedWrite[], frameCount: number): Promise<void> {
    const file = this.#file;
    const start = this.#position;
    const batch = new FrameBatch({ seed: file.seed, batch: this.#nextBatch, start, frameCount });
    for (const write of writes) addTo(batch, write, file);
    const { end } = batch;
    const buffers = batch.finish();
    const allocated = Math.max(this.#allocatedBytes, end + this.#zerosAhead(start, end));
    if (allocated > this.#allocatedBytes) buffers.push(...zeros(allocated - end));
    this.#isCutShort = true;
    await writeDurably(file, buffers, start);
    this.#isCutShort = false;
    this.#position = end;
    this.#allocatedBytes = allocated;
    this.#nextBatch += 1;
  }

  /**
   * Zeros to write behind a batch that grows the file, so that the following syncs need not make a new
   * size durable. None behind a large batch: it pays little for the size, and would write twice.
   */
  #zerosAhead(start: number, end: number): number {
    const { fileBytes, preallocateBytes } = this.#options;
    const isLarge = end - start >= preallocateBytes * LARGE_BATCH_SHARE;
    if (end <= this.#allocatedBytes || isLarge || !this.#hadRoom) return 0;
    const step = Math.ceil(end / preallocateBytes) * preallocateBytes;
    return Math.max(0, Math.min(step, fileBytes) - end);
  }

  async #roll(): Promise<void> {
    const { fileSystem, directory, incarnation, spares } = this.#options;
    const preallocateBytes = this.#hadRoom ? this.#options.preallocateBytes : FILE_HEADER_BYTES;
    const header = {
      sequence: this.#file.sequence + 1,
      firstBatch: this.#nextBatch,
      previousEnd: this.#position,
      incarnation,
    };
    const spare = spares.take();
    let next: JournalFile;
    try {
      next = await createJournalFile(fileSystem, directory, header, preallocateBytes, spare?.path);
    } catch (error) {
      if (spare !== undefined) spares.putBack(spare);
      throw error;
    }
    this.#file.seal = { end: this.#position, nextBatch: this.#nextBatch };
    this.#file = next;
    this.#files.push(this.#file);
    this.#isRollWanted = false;
    this.#position = FILE_HEADER_BYTES;
    this.#allocatedBytes = spare?.sizeBytes ?? Math.max(FILE_HEADER_BYTES, preallocateBytes);
  }
}

/**
 * A small batch in one call, which saves a turn of a thread; a large one is quicker in two. A disk that was full
 * during the one call may be written to again, as all of the batch is; after a sync that failed nobody may (B10).
 */
async function writeDurably(
  { path, storage }: JournalFile,
  buffers: readonly Uint8Array[],
  start: number,
): Promise<void> {
  const sizeBytes = buffers.reduce((sum, { length }) => sum + length, 0);
  if (sizeBytes <= SYNCED_WRITE_BYTES_MAX && buffers.length <= SYNCED_WRITE_BUFFERS_MAX) {
    await attempt('synced write', path, () => storage.writeSynced(buffers, start));
  } else {
    await attempt('write', path, () => storage.write(buffers, start));
    await attempt('fdatasync', path, () => storage.sync());
  }
}

function addTo(batch: FrameBatch, write: PlannedWrite, file: JournalFile): void {
  if (write.kind === 'hardState') batch.addHardState(write.group, write.state);
  else if (write.kind === 'dropGroup') batch.addDropGroup(write.group);
  else if (write.kind === 'snapshot') batch.addSnapshot(write.group, write.index, write.term, write.payload);
  else {
    write.entries.forEach((entry, i) => {
      const position = batch.addEntry(write.group, entry);
      const slot = write.slots[i];
      if (slot === undefined) return;
      slot.file = file;
      slot.position = position;
    });
  }
}
