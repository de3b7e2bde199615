/**
 * Works behind the journal: copies sealed files into segments, and once in a while makes them durable, writes
 * a checkpoint and removes the files that it stands for.
 *
 * It reads and writes one thing at a time, small ones, and waits for each: so it takes the disk no more than
 * one call, and the event loop no more than a slice, from those who wait for an acknowledgement.
 */
import type { Ballast } from './ballast.js';
import { type CheckpointPlace, writeCheckpoint } from './checkpoint.js';
import { CopyRoom, ranOut } from './copy-room.js';
import { decodeFrameHeader, emptyFrameHeader, FRAME_HEADER_BYTES, frameBytes } from './journal-frame.js';
import { FILE_HEADER_BYTES, type JournalFile, readJournalFile, type Seal } from './journal-file.js';
import { indexPath, segmentPath } from './segment.js';
import type { SegmentCopier } from './segment-copier.js';
import { removeSegments, syncFile } from './segment-files.js';
import type { SpareFiles } from './spare-files.js';
import { attempt, storageCorrupt } from './storage-errors.js';
import type { MachineState, StoredGroup } from './stored-group.js';
import { BellwetherError } from '../errors.js';
import { invariant } from '../invariant.js';
import { asGroupId, type GroupId } from '../raft/types.js';

/** What is read at a time. */
const WINDOW_BYTES = 1_048_576;
/** Frames sorted in one turn of the event loop: a few ms. */
const TURN_FRAMES_MAX = 1_024;
/** Full files that wait to be copied before the journal's writes have to keep the copier's pace. */
const BACKLOG_FILES_MAX = 4;
/** What is sorted before it is written: more makes fewer, larger writes when there are many groups. */
const BUFFERED_BYTES_MAX = 8_388_608;
/** Writes of the journal between two attempts while the disk is full. */
const RETRY_AFTER_WRITES = 64;

export interface SealerOptions extends CheckpointPlace {
  /** Files copied before the next checkpoint; a restart reads these again. */
  readonly checkpointFiles: number;
  readonly ballast: Ballast;
  readonly spares: SpareFiles;
}

export interface SealerEvents {
  /** What these groups have in journal files up to `sequence` stands in segments now. */
  copied(sequence: number, groups: Iterable<StoredGroup>): void;
  /** Bytes of entries in this file that are in logs still, and nowhere else on the disk. */
  wantedBytes(file: JournalFile): number;
  /** What the state machine of a group has come to; undefined when that is not known now. */
  machineState(group: GroupId): MachineState | undefined;
  /** The disk can no longer be trusted. */
  failed(error: BellwetherError): void;
}

export class Sealer {
  readonly #options: SealerOptions;
  readonly #copier: SegmentCopier;
  readonly #events: SealerEvents;
  readonly #room: CopyRoom;
  /** Open files of the journal, oldest first; the last one is being written. */
  readonly #files: JournalFile[];
  /** Next file to copy, and how far it is. */
  #sequence: number;
  #position = FILE_HEADER_BYTES;
  /** Where the last file that was copied ended. */
  #lastSeal: Seal | undefined;
  #copiedFiles = 0;
  /** Of the frames copied from that file. A group may have been dropped, and another begun under its number. */
  #touched = new Set<GroupId>();
  #running: Promise<void> | undefined;
  #waitWrites = 0;
  #stopped = false;
  #isCopying = false;
  /** A write of the journal that waits until so many bytes more are copied. */
  #paced: { bytesLeft: number; resume(): void } | undefined;

  constructor(options: SealerOptions, copier: SegmentCopier, files: JournalFile[], events: SealerEvents) {
    this.#options = options;
    this.#copier = copier;
    this.#files = files;
    this.#events = events;
    this.#room = new CopyRoom(options.ballast);
    this.#sequence = files[0]?.sequence ?? 1;
  }

  /** Goes to work if there is anything to do. To be called after each write of the journal. */
  look(): void {
    if (this.#waitWrites > 0) this.#waitWrites -= 1;
    // While room is short every look costs more, and `tight` is called often enough.
    if (this.#waitWrites > 0 || this.#room.isTight) return;
    if (this.#next !== undefined || this.#isDue) this.#begin();
  }

  /**
   * Says how much room the disk has while that is not plenty; undefined while it is. Segments that nobody will read
   * again are emptied then, each file that was copied is removed at once, and none is copied that might take the last
   * of the room. To be called again and again.
   */
  tight(freeBytes: number | undefined): void {
    this.#room.tell(freeBytes);
    this.#waitWrites = 0;
    if (freeBytes === undefined) this.look();
    else this.#begin();
  }

  #begin(): void {
    if (this.#stopped) return;
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  /**
   * To be awaited before a write of so many bytes: resolves at once, unless too many files wait to be copied,
   * and then when as many bytes have been copied. So the tail that a restart must read stays bounded. Nobody
   * waits while a checkpoint is made, or while the disk has no room for segments.
   */
  async pace(bytes: number): Promise<void> {
    const backlog = (this.#files.at(-1)?.sequence ?? 0) - this.#sequence;
    if (backlog <= BACKLOG_FILES_MAX || !this.#isCopying || this.#stopped) return;
    await new Promise<void>((resolve) => {
      this.#paced = { bytesLeft: bytes, resume: resolve };
    });
  }

  #letGo(): void {
    this.#paced?.resume();
    this.#paced = undefined;
  }

  /** Resolves once nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#letGo();
    await this.#running;
  }

  get #isDue(): boolean {
    return this.#copiedFiles >= (this.#room.isTight ? 1 : this.#options.checkpointFiles);
  }

  get #next(): { readonly file: JournalFile; readonly seal: Seal } | undefined {
    const file = this.#files.find(({ sequence }) => sequence === this.#sequence);
    return file?.seal === undefined || this.#stopped ? undefined : { file, seal: file.seal };
  }

  /** What the copy of the next file, if there is one, takes; or, at no cost, what it takes at most. */
  #wantedBytes(isEstimate: boolean): number {
    const next = this.#next;
    if (next === undefined) return 0;
    const left = next.seal.end - this.#position;
    const wanted = isEstimate ? left : Math.min(left, this.#events.wantedBytes(next.file));
    return wanted + this.#copier.bufferedBytes;
  }

  /** The next file, unless the disk has no room for its copy. */
  #copyable(lentBytes: number): { readonly file: JournalFile; readonly seal: Seal } | undefined {
    const hasRoom = this.#room.allows((isEstimate) => this.#wantedBytes(isEstimate), lentBytes);
    return hasRoom ? this.#next : undefined;
  }

  async #work(): Promise<void> {
    try {
      let hadRoom = await this.#hadRoom(0);
      const isHeldUp = this.#next !== undefined && (!hadRoom || this.#copyable(0) === undefined);
      const wantedBytes = isHeldUp ? this.#wantedBytes(false) : undefined;
      const lentBytes = await this.#room.lend(wantedBytes, !hadRoom && this.#isDue);
      if (lentBytes > 0) hadRoom = await this.#hadRoom(lentBytes);
      // Nothing is lost: it is all in the journal still.
      if (!hadRoom) this.#waitWrites = RETRY_AFTER_WRITES;
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      this.#events.failed(error);
    } finally {
      this.#isCopying = false;
      this.#letGo();
    }
  }

  /** Works while there is something to do. False when the disk has no room for it. */
  async #hadRoom(lentBytes: number): Promise<boolean> {
    try {
      await this.#workWhile(lentBytes);
      return true;
    } catch (error) {
      if (ranOut(error)) return false;
      throw error;
    }
  }

  async #workWhile(lentBytes: number): Promise<void> {
    if (this.#room.isTight) {
      this.#room.regained(await this.#options.spares.clear());
      this.#room.regained(await this.#copier.emptySuperseded());
    }
    for (;;) {
      if (this.#isDue) await this.#checkpoint();
      const next = this.#copyable(lentBytes);
      if (next === undefined) return;
      await this.#copy(next.file, next.seal, lentBytes);
    }
  }

  async #copy(file: JournalFile, seal: Seal, lentBytes: number): Promise<void> {
    let wanted = WINDOW_BYTES;
    this.#isCopying = true;
    while (this.#position < seal.end) {
      if (this.#copier.bufferedBytes >= BUFFERED_BYTES_MAX) await this.#copier.flush();
      if (this.#copyable(lentBytes) === undefined) return;
      const window = Buffer.allocUnsafeSlow(Math.min(wanted, seal.end - this.#position));
      const { path } = file;
      const count = await attempt('read', path, () => readJournalFile(file, window, this.#position));
      if (count < window.length)
        throw storageCorrupt(path, this.#position + count, 'the file ends too early');
      wanted = await this.#sort(file, window, seal);
    }
    await this.#copier.flush();
    const groups = [...this.#touched].map((id) => this.#copier.groups.get(id));
    this.#events.copied(
      file.sequence,
      groups.filter((group) => group !== undefined),
    );
    this.#touched = new Set();
    this.#lastSeal = seal;
    this.#sequence += 1;
    this.#position = FILE_HEADER_BYTES;
    this.#copiedFiles += 1;
  }

  /** Takes the whole frames of a window. Returns how much to read next, for one that the window cuts. */
  async #sort(file: JournalFile, window: Buffer, seal: Seal): Promise<number> {
    let at = 0;
    for (;;) {
      const taken = this.#take(file, window, at, seal);
      this.#position += taken.end - at;
      this.#copied(taken.end - at);
      at = taken.end;
      if (at === window.length || taken.nextFrameBytes > 0)
        return Math.max(WINDOW_BYTES, taken.nextFrameBytes);
      // Others have their turn.
      await attempt('fstat', file.path, () => file.storage.size());
    }
  }

  /** Takes frames from byte `start` of the window on, which is at the present position in the file. */
  #take(
    file: JournalFile,
    window: Buffer,
    start: number,
    seal: Seal,
  ): { readonly end: number; readonly nextFrameBytes: number } {
    const header = emptyFrameHeader();
    let at = start;
    for (let frames = 0; frames < TURN_FRAMES_MAX && at < window.length; frames++) {
      const position = this.#position + at - start;
      const left = seal.end - position;
      const here = window.length - at;
      if (here < FRAME_HEADER_BYTES && here < left) return { end: at, nextFrameBytes: FRAME_HEADER_BYTES };
      const isFrame = decodeFrameHeader(window, at, header, file.seed);
      const size = frameBytes(header.payloadBytes);
      if (isFrame && size > here && size <= left) return { end: at, nextFrameBytes: size };
      if (!isFrame || size > here || !this.#copier.take(window, at, header)) {
        throw storageCorrupt(file.path, position, 'bad frame');
      }
      this.#touched.add(asGroupId(header.group));
      at += size;
    }
    return { end: at, nextFrameBytes: 0 };
  }

  #copied(bytes: number): void {
    if (this.#paced === undefined) return;
    this.#paced.bytesLeft -= bytes;
    if (this.#paced.bytesLeft <= 0) this.#letGo();
  }

  async #checkpoint(): Promise<void> {
    this.#isCopying = false;
    this.#letGo();
    const { fileSystem } = this.#options;
    const copier = this.#copier;
    invariant(this.#lastSeal !== undefined, 'a checkpoint follows a copied file');
    await this.#syncSegments();
    for (const group of copier.groups.values()) {
      group.machine = this.#events.machineState(group.group) ?? group.machine;
    }
    const { groups, nextNumber: nextSegment } = copier;
    await writeCheckpoint(this.#options, {
      ...{ sequence: this.#sequence, seal: this.#lastSeal, nextSegment, groups },
    });
    this.#copiedFiles = 0;
    await removeSegments(fileSystem, copier);
    await this.#removeJournalFiles();
  }

  async #syncSegments(): Promise<void> {
    const { fileSystem } = this.#options;
    const directories = new Set<string>();
    for (const { directory, segment } of [...this.#copier.dirty.values()]) {
      directories.add(directory);
      await syncFile(fileSystem, segmentPath(directory, segment));
      await syncFile(fileSystem, indexPath(directory, segment));
      this.#copier.dirty.delete(segment);
    }
    for (const directory of directories) {
      await attempt('fsync', directory, () => fileSystem.syncDirectory(directory));
    }
  }

  async #removeJournalFiles(): Promise<void> {
    const { fileSystem, directory, spares } = this.#options;
    for (;;) {
      const file = this.#files[0];
      if (file === undefined || file.sequence >= this.#sequence) break;
      this.#files.shift();
      await spares.retire(file, this.#room.isTight);
    }
    await attempt('fsync', directory, () => fileSystem.syncDirectory(directory));
  }
}
