/**
 * A disk that forgets what was not synced: the simulator's file-system port.
 *
 * Writes are visible at once and durable after a sync; names are durable after a sync of their folder. A
 * machine crash keeps any part of the rest, torn inside a write too. A failing sync does as Linux does:
 * the error is reported once, and what it covered counts as clean from then on (fsyncgate).
 */

import { type FileSystem, parentDirectory, replaceFile, type StorageFile } from '../storage/file-system.js';
import type { Random } from './random.js';
import type { Owner, Scheduler } from './scheduler.js';

interface Change {
  readonly position: number;
  /** Undefined for a change of size to `position`. */
  readonly bytes: Uint8Array | undefined;
}

/** Bytes that grow in place. */
class Content {
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

class Inode {
  readonly durable = new Content();
  readonly visible = new Content();
  unsynced: Change[] = [];
  /** Reported as synced, but not durable: only a disk that lies has any. */
  owed: readonly Change[] = [];
}

/** How the disk behaves; the fault injector turns these. */
export interface DiskManners {
  /** Mean duration of a sync, exponentially distributed above a fifth of it. */
  syncMs: number;
  /** No sync ends before this time. */
  stalledUntilMs: number;
  /** The next sync, or write, fails once with this errno. */
  failSync: string | undefined;
  failWrite: string | undefined;
}

/** A planted lie of the disk, for tests that prove that the checkers see. */
export type DiskLie = 'syncIsInstantAndEmpty' | 'syncErrorIsSwallowed' | 'lastSyncIsLost';

export class SimDisk {
  readonly manners: DiskManners = {
    syncMs: 0.5,
    stalledUntilMs: 0,
    failSync: undefined,
    failWrite: undefined,
  };
  /** Undefined for an honest disk. */
  lie: DiskLie | undefined;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #directories = new Set<string>();
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  /** The disk as one process sees it: what it waits for never comes once it is dead. */
  mount(owner: Owner): FileSystem {
    const act = async <T>(run: () => T): Promise<T> => {
      await Promise.resolve();
      if (owner.state === 'dead') return new Promise<T>(() => undefined);
      return run();
    };
    const fileSystem: FileSystem = {
      open: (path, { create }) => act(() => this.#file(this.#open(path, create), owner, act)),
      list: (directory) => act(() => this.#list(directory)),
      makeDirectory: (directory) => act(() => void this.#directories.add(directory)),
      rename: (from, to) =>
        act(() => {
          this.#names.set(to, this.#inode(from));
          this.#names.delete(from);
        }),
      remove: (path) =>
        act(() => {
          this.#inode(path);
          this.#names.delete(path);
        }),
      syncDirectory: (directory) => act(() => this.#syncDirectory(directory)),
      readFile: (path) => act(() => this.#names.get(path)?.visible.view().slice()),
      writeFileDurably: (path, bytes) => replaceFile(fileSystem, path, bytes),
    };
    return fileSystem;
  }

  /** The machine dies: of what was not synced, any part is left. */
  crash(): void {
    const random = this.#random;
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      if (this.#names.get(path) !== this.#durableNames.get(path) && random.chance(0.5)) this.#settle(path);
    }
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) {
      for (const change of inode.unsynced) {
        for (const kept of surviving(change, random)) inode.durable.apply(kept);
      }
      inode.unsynced = [];
      inode.owed = [];
      inode.visible.replaceBy(inode.durable);
    }
  }

  #open(path: string, create: boolean): Inode {
    if (create && !this.#names.has(path)) this.#names.set(path, new Inode());
    return this.#inode(path);
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw diskError('ENOENT', path);
    return inode;
  }

  #list(directory: string): string[] {
    if (!this.#directories.has(directory)) throw diskError('ENOENT', directory);
    return [...this.#names.keys()]
      .filter((path) => parentDirectory(path) === directory)
      .map((path) => path.slice(directory.length + 1));
  }

  #syncDirectory(directory: string): void {
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      if (parentDirectory(path) === directory) this.#settle(path);
    }
  }

  #settle(path: string): void {
    const inode = this.#names.get(path);
    if (inode === undefined) this.#durableNames.delete(path);
    else this.#durableNames.set(path, inode);
  }

  #change(inode: Inode, change: Change): void {
    const { failWrite } = this.manners;
    this.manners.failWrite = undefined;
    if (failWrite !== undefined) throw diskError(failWrite, 'write');
    inode.unsynced.push(change);
    inode.visible.apply(change);
  }

  #sync(inode: Inode, owner: Owner): Promise<void> {
    if (this.lie === 'syncIsInstantAndEmpty') return Promise.resolve();
    const covered = inode.unsynced.slice();
    const { syncMs, stalledUntilMs } = this.manners;
    const ownMs = syncMs * 0.2 + this.#random.exponential(syncMs * 0.8);
    const waitMs = Math.max(ownMs, stalledUntilMs - this.#scheduler.nowMs);
    return new Promise((resolve, reject) => {
      this.#scheduler.after(waitMs, owner, () => {
        const { failSync } = this.manners;
        this.manners.failSync = undefined;
        inode.unsynced = inode.unsynced.filter((change) => !covered.includes(change));
        if (failSync === undefined) {
          const now = this.lie === 'lastSyncIsLost' ? inode.owed : covered;
          inode.owed = covered;
          for (const change of now) inode.durable.apply(change);
        }
        if (failSync === undefined || this.lie === 'syncErrorIsSwallowed') resolve();
        else reject(diskError(failSync, 'fdatasync'));
      });
    });
  }

  #file(inode: Inode, owner: Owner, act: <T>(run: () => T) => Promise<T>): StorageFile {
    const readSync = (into: Uint8Array, position: number): number => {
      const found = inode.visible.view().subarray(position, position + into.length);
      into.set(found);
      return found.length;
    };
    return {
      readSync,
      read: (into, position) => act(() => readSync(into, position)),
      size: () => act(() => inode.visible.size),
      sync: () => act(() => undefined).then(() => this.#sync(inode, owner)),
      close: () => act(() => undefined),
      truncate: (sizeBytes) => act(() => this.#change(inode, { position: sizeBytes, bytes: undefined })),
      write: (buffers, position) => act(() => this.#change(inode, { position, bytes: joined(buffers) })),
    };
  }
}

function diskError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

function joined(buffers: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(buffers.reduce((sum, buffer) => sum + buffer.length, 0));
  let position = 0;
  for (const buffer of buffers) {
    bytes.set(buffer, position);
    position += buffer.length;
  }
  return bytes;
}

/** Which parts of an unsynced change are on the disk after a crash: all, none, a start, or some pieces. */
function surviving(change: Change, random: Random): Change[] {
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
