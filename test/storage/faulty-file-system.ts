/**
 * A disk in memory that forgets what was not synced: the test double for the file-system port.
 *
 * Writes are visible at once and durable after a sync; names are durable after a sync of their folder. A
 * crash keeps any part of the rest. A sync can be held, or fail as Linux does: the error is reported
 * once, and what it covered is taken for clean from then on.
 */
import {
  type FileSystem,
  parentDirectory,
  replaceFile,
  type StorageFile,
} from '../../src/storage/file-system.js';
import { applyChange, diskError, KEEP_ALL, written } from './faulty-inode.js';
import type { Change, Inode, KeepByte } from './faulty-inode.js';

export class FaultyDisk {
  readonly #directories = new Set<string>();
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #generation = 0;
  #held: (() => void)[] = [];
  /** While true, file syncs wait for `releaseSyncs`. */
  holdSyncs = false;
  /** File syncs asked for so far. */
  syncCount = 0;
  /** What `freeBytes` says. */
  freeBytes = 2 ** 40;
  /** A write finds room for half of it only: ENOSPC. */
  isFull = false;
  /** So does one that makes the files take more than this together. */
  capacityBytes = Infinity;
  /** Nothing can be written to files below this folder: ENOSPC. */
  fullPrefix: string | undefined;
  /** The process dies instead of its n-th call from now on. */
  callsLeft = Infinity;
  /** Buffers handed to the last write. */
  lastWrite: readonly Uint8Array[] = [];
  #failSyncWith: string | undefined;
  #failWriteWith: string | undefined;

  /** The disk as one process sees it: after a crash or a kill, calls through it never settle. */
  mount(): FileSystem {
    return new MountedDisk(this, this.#generation);
  }

  releaseSyncs(): void {
    const held = this.#held;
    this.#held = [];
    for (const release of held) release();
  }

  /** The next file sync reports `code` and forgets what it covered; the one after would succeed. */
  failNextSync(code: string): void {
    this.#failSyncWith = code;
  }

  failNextWrite(code: string): void {
    this.#failWriteWith = code;
  }

  /** The process dies; what it wrote stays visible, synced or not. */
  kill(): void {
    this.#generation += 1;
    this.#held = [];
    this.#failSyncWith = undefined;
    this.#failWriteWith = undefined;
  }

  /** The machine dies: of what was not synced, only what is chosen here is left. */
  crash(keepByte: KeepByte, keepName: (path: string) => boolean = () => false): void {
    this.kill();
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      if (this.#names.get(path) !== this.#durableNames.get(path) && keepName(path)) this.#settleName(path);
    }
    this.#names = new Map(this.#durableNames);
    for (const inode of this.#names.values()) {
      for (const change of inode.unsynced) inode.durable = applyChange(inode.durable, change, keepByte);
      inode.visible = inode.durable.slice();
      inode.unsynced = [];
    }
  }

  /** The bytes that a process sees, for a test to look at or to damage. */
  bytes(path: string): Uint8Array {
    return this.inode(path).visible;
  }

  /** Damage at rest: replaces the file, on the disk and in memory. */
  overwrite(path: string, bytes: Uint8Array): void {
    const inode: Inode = { durable: bytes.slice(), visible: bytes.slice(), unsynced: [] };
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
    this.makeDirectory(parentDirectory(path));
  }

  flipBit(path: string, position: number): void {
    const bytes = this.bytes(path).slice();
    bytes[position] = (bytes[position] ?? 0) ^ 0x10;
    this.overwrite(path, bytes);
  }

  delete(path: string): void {
    this.#names.delete(path);
    this.#durableNames.delete(path);
  }

  /** Paths of all files. */
  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  isAlive(generation: number): boolean {
    return generation === this.#generation;
  }

  inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw diskError('ENOENT', path);
    return inode;
  }

  openInode(path: string, create: boolean): Inode {
    if (create && !this.#names.has(path)) {
      this.#names.set(path, { durable: new Uint8Array(0), visible: new Uint8Array(0), unsynced: [] });
    }
    return this.inode(path);
  }

  change(inode: Inode, change: Change): void {
    if (this.#failWriteWith !== undefined) {
      const code = this.#failWriteWith;
      this.#failWriteWith = undefined;
      throw diskError(code, 'write');
    }
    const isCutShort = change.kind === 'write' && (this.isFull || this.#isBeyondCapacity(inode, change));
    const made = isCutShort
      ? { ...change, bytes: change.bytes.subarray(0, change.bytes.length / 2) }
      : change;
    inode.unsynced.push(made);
    inode.visible = applyChange(inode.visible, made, KEEP_ALL);
    if (isCutShort) throw diskError('ENOSPC', 'write');
  }

  /** Bytes of all files, as processes see them. */
  get usedBytes(): number {
    return [...this.#names.values()].reduce((bytes, { visible }) => bytes + visible.length, 0);
  }

  #isBeyondCapacity({ visible }: Inode, { position, bytes }: Change & { kind: 'write' }): boolean {
    const growth = Math.max(0, position + bytes.length - visible.length);
    return growth > 0 && this.usedBytes + growth > this.capacityBytes;
  }

  async sync(inode: Inode): Promise<void> {
    this.syncCount += 1;
    const covered = inode.unsynced.slice();
    if (this.holdSyncs) await new Promise<void>((resolve) => this.#held.push(resolve));
    const code = this.#failSyncWith;
    this.#failSyncWith = undefined;
    inode.unsynced = inode.unsynced.filter((change) => !covered.includes(change));
    if (code !== undefined) throw diskError(code, 'fdatasync');
    for (const change of covered) inode.durable = applyChange(inode.durable, change, KEEP_ALL);
  }

  makeDirectory(directory: string): void {
    if (this.#names.has(directory)) throw diskError('EEXIST', directory);
    for (let path = directory; path !== '.' && path !== '/'; path = parentDirectory(path)) {
      this.#directories.add(path);
    }
  }

  list(directory: string): string[] {
    if (!this.#directories.has(directory)) throw diskError('ENOENT', directory);
    return [...this.paths(), ...this.#directories]
      .filter((path) => parentDirectory(path) === directory)
      .map((path) => path.slice(directory.length + 1));
  }

  removeDirectory(directory: string): void {
    if (this.list(directory).length > 0) throw diskError('ENOTEMPTY', directory);
    this.#directories.delete(directory);
  }

  rename(from: string, to: string): void {
    this.#names.set(to, this.inode(from));
    this.#names.delete(from);
  }

  remove(path: string): void {
    this.inode(path);
    this.#names.delete(path);
  }

  syncDirectory(directory: string): void {
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      if (parentDirectory(path) === directory) this.#settleName(path);
    }
  }

  #settleName(path: string): void {
    const inode = this.#names.get(path);
    if (inode === undefined) this.#durableNames.delete(path);
    else this.#durableNames.set(path, inode);
  }
}

class MountedDisk implements FileSystem {
  readonly #disk: FaultyDisk;
  readonly #generation: number;

  constructor(disk: FaultyDisk, generation: number) {
    this.#disk = disk;
    this.#generation = generation;
  }

  open(path: string, { create }: { readonly create: boolean }): Promise<StorageFile> {
    return this.whileAlive(() => {
      const { fullPrefix } = this.#disk;
      if (fullPrefix !== undefined && path.startsWith(fullPrefix)) throw diskError('ENOSPC', path);
      return this.#file(this.#disk.openInode(path, create));
    });
  }

  freeBytes(): Promise<number> {
    return this.whileAlive(() => this.#disk.freeBytes);
  }

  list(directory: string): Promise<string[]> {
    return this.whileAlive(() => this.#disk.list(directory));
  }

  makeDirectory(directory: string): Promise<void> {
    return this.whileAlive(() => {
      this.#disk.makeDirectory(directory);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.whileAlive(() => {
      this.#disk.rename(from, to);
    });
  }

  remove(path: string): Promise<void> {
    return this.whileAlive(() => {
      this.#disk.remove(path);
    });
  }

  removeDirectory(directory: string): Promise<void> {
    return this.whileAlive(() => {
      this.#disk.removeDirectory(directory);
    });
  }

  readAt(path: string, into: Uint8Array, position: number): Promise<number> {
    return this.whileAlive(() => this.readAtSync(path, into, position));
  }

  readAtSync(path: string, into: Uint8Array, position: number): number {
    const found = this.#disk.bytes(path).subarray(position, position + into.length);
    into.set(found);
    return found.length;
  }

  syncDirectory(directory: string): Promise<void> {
    return this.whileAlive(() => {
      this.#disk.syncDirectory(directory);
    });
  }

  readFile(path: string): Promise<Uint8Array | undefined> {
    return this.whileAlive(() => (this.#disk.paths().includes(path) ? this.#disk.bytes(path) : undefined));
  }

  writeFileDurably(path: string, bytes: Uint8Array): Promise<void> {
    return replaceFile(this, path, bytes);
  }

  async whileAlive<T>(act: () => T | Promise<T>): Promise<T> {
    await Promise.resolve();
    this.#disk.callsLeft -= 1;
    if (this.#disk.callsLeft === 0) this.#disk.kill();
    if (!this.#disk.isAlive(this.#generation)) return new Promise<T>(() => undefined);
    return act();
  }

  #file(inode: Inode): StorageFile {
    const disk = this.#disk;
    const readSync = (into: Uint8Array, position: number): number => {
      const found = inode.visible.subarray(position, position + into.length);
      into.set(found);
      return found.length;
    };
    const sync = (): Promise<void> => this.whileAlive(() => disk.sync(inode));
    const write = (buffers: readonly Uint8Array[], position: number): Promise<void> =>
      this.whileAlive(() => {
        disk.lastWrite = buffers;
        disk.change(inode, written(buffers, position));
      });
    return {
      readSync,
      read: (into, position) => this.whileAlive(() => readSync(into, position)),
      size: () => this.whileAlive(() => inode.visible.length),
      sync,
      writeSynced: (buffers, position) => write(buffers, position).then(sync),
      close: () => this.whileAlive(() => undefined),
      truncate: (size) => this.whileAlive(() => disk.change(inode, { kind: 'truncate', size })),
      write,
    };
  }
}

/** Lets everything that waits only for promises come to rest. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
