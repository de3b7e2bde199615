/**
 * A disk that forgets what was not synced: the simulator's file-system port.
 *
 * Writes are visible at once and durable after a sync; names are durable after a sync of their folder. A
 * machine crash keeps any part of the rest, torn inside a write too. A failing sync does as Linux does:
 * the error is reported once, and what it covered counts as clean from then on (fsyncgate).
 */

import { type FileSystem, parentDirectory, replaceFile, type StorageFile } from '../storage/file-system.js';
import { Inode, surviving, type Change } from './disk-content.js';
import { DurableImage } from './durable-image.js';
import type { Random } from './random.js';
import type { Owner, Scheduler } from './scheduler.js';

/** Where a broker keeps its journal (storage/data-directory.ts). */
export const JOURNAL = 'data/journal';

/** How the disk behaves; the fault injector turns these. */
export interface DiskManners {
  /** Mean duration of a sync, exponentially distributed above a fifth of it. */
  syncMs: number;
  /** No sync ends before this time. */
  stalledUntilMs: number;
  /** Until then nothing can be written: ENOSPC. */
  fullUntilMs: number;
  /** The next sync, or write, fails once with this errno. */
  failSync: string | undefined;
  failWrite: string | undefined;
}

/** A planted lie of the disk, for tests that prove that the checkers see. */
export type DiskLie = 'syncIsInstantAndEmpty' | 'syncErrorIsSwallowed' | 'lastSyncIsLost';

/** Of every disk, as far as brokers can tell. */
const SIZE_BYTES = 2 ** 40;

export class SimDisk {
  readonly manners: DiskManners = {
    syncMs: 0.5,
    stalledUntilMs: 0,
    fullUntilMs: 0,
    failSync: undefined,
    failWrite: undefined,
  };
  /** What is synced of the broker's journal, kept up to date with every sync. */
  image: DurableImage;
  /** Undefined for an honest disk. */
  lie: DiskLie | undefined;
  readonly #scheduler: Scheduler;
  /** When the syncs that are under way began. */
  readonly #syncsSinceMs: number[] = [];
  /** Ends the syncs that are under way. */
  readonly #release = new Set<() => void>();
  readonly #random: Random;
  readonly #directories = new Set<string>();
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.image = new DurableImage((path) => this.synced(path), JOURNAL);
  }

  /** The disk behaves from now on, and answers what it has not answered. */
  recover(): void {
    Object.assign(this.manners, { syncMs: 0.5, stalledUntilMs: 0, fullUntilMs: 0 });
    Object.assign(this.manners, { failSync: undefined, failWrite: undefined });
    for (const release of [...this.#release]) release();
    this.#release.clear();
  }

  /** When the oldest sync was asked for that has not been answered; undefined for none. */
  get syncPendingSinceMs(): number | undefined {
    return this.#syncsSinceMs[0];
  }

  /** The synced bytes under a synced name; undefined for none. */
  synced(path: string): Uint8Array | undefined {
    return this.#durableNames.get(path)?.durable.view();
  }

  /** Reads the journal again from its start: a crash may have kept more than was synced. */
  reread(): void {
    this.image = this.image.reread();
  }

  /** Changes what lies on a disk that nobody uses; `act` gets the bytes and says what is left of them. */
  damage(path: string, act: (bytes: Uint8Array) => Uint8Array): void {
    const inode = this.#durableNames.get(path);
    if (inode === undefined) return;
    const left = act(inode.durable.view().slice());
    for (const content of [inode.durable, inode.visible]) {
      content.resize(0);
      content.apply({ position: 0, bytes: left });
    }
  }

  /** A file is gone from a disk that nobody uses. */
  lose(path: string): void {
    this.#durableNames.delete(path);
    this.#names.delete(path);
  }

  /** The disk as one process sees it: what it waits for never comes once it is dead. */
  mount(owner: Owner): FileSystem {
    this.#syncsSinceMs.length = 0;
    this.#release.clear();
    const act = async <T>(run: () => T): Promise<T> => {
      await Promise.resolve();
      if (owner.state === 'dead') return new Promise<T>(() => undefined);
      return run();
    };
    const fileSystem: FileSystem = {
      open: (path, { create }) => act(() => this.#file(this.#open(path, create), owner, act)),
      freeBytes: () => act(() => (this.#scheduler.nowMs < this.manners.fullUntilMs ? 0 : SIZE_BYTES)),
      list: (directory) => act(() => this.#list(directory)),
      makeDirectory: (directory) =>
        act(() => {
          for (let path = directory; path !== '.'; path = parentDirectory(path)) this.#directories.add(path);
        }),
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
      removeDirectory: (directory) =>
        act(() => {
          if (this.#list(directory).length > 0) throw diskError('ENOTEMPTY', directory);
          this.#directories.delete(directory);
        }),
      readAt: (path, into, position) => act(() => this.#readAt(path, into, position)),
      readAtSync: (path, into, position) => this.#readAt(path, into, position),
      syncDirectory: (directory) => act(() => this.#syncDirectory(directory)),
      readFile: (path) => act(() => this.#names.get(path)?.visible.view().slice()),
      writeFileDurably: (path, bytes) => replaceFile(fileSystem, path, bytes),
    };
    return fileSystem;
  }

  /** The machine dies: of what was not synced, any part is left. */
  crash(): void {
    this.#syncsSinceMs.length = 0;
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
    return [...this.#names.keys(), ...this.#directories]
      .filter((path) => parentDirectory(path) === directory)
      .map((path) => path.slice(directory.length + 1));
  }

  #readAt(path: string, into: Uint8Array, position: number): number {
    const found = this.#inode(path)
      .visible.view()
      .subarray(position, position + into.length);
    into.set(found);
    return found.length;
  }

  #syncDirectory(directory: string): void {
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      if (parentDirectory(path) === directory) this.#settle(path);
    }
    this.image.advance();
  }

  #settle(path: string): void {
    const inode = this.#names.get(path);
    if (inode === undefined) this.#durableNames.delete(path);
    else this.#durableNames.set(path, inode);
  }

  #change(inode: Inode, change: Change): void {
    const { failWrite, fullUntilMs } = this.manners;
    const isShrinking = change.bytes === undefined && change.position <= inode.visible.size;
    if (this.#scheduler.nowMs < fullUntilMs && !isShrinking) {
      this.#cutShort(inode, change);
      throw diskError('ENOSPC', 'write');
    }
    this.manners.failWrite = undefined;
    if (failWrite !== undefined) throw diskError(failWrite, 'write');
    inode.unsynced.push(change);
    inode.visible.apply(change);
  }

  /** There is room for half of it. */
  #cutShort(inode: Inode, { position, bytes }: Change): void {
    if (bytes === undefined) return;
    const half = { position, bytes: bytes.subarray(0, bytes.length >> 1) };
    inode.unsynced.push(half);
    inode.visible.apply(half);
  }

  #sync(inode: Inode, owner: Owner): Promise<void> {
    if (this.lie === 'syncIsInstantAndEmpty') return Promise.resolve();
    const covered = inode.unsynced.slice();
    const { syncMs, stalledUntilMs } = this.manners;
    const ownMs = syncMs * 0.2 + this.#random.exponential(syncMs * 0.8);
    const waitMs = Math.max(ownMs, stalledUntilMs - this.#scheduler.nowMs);
    this.#syncsSinceMs.push(this.#scheduler.nowMs);
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        this.#release.delete(release);
        this.#syncsSinceMs.shift();
        const { failSync } = this.manners;
        this.manners.failSync = undefined;
        inode.unsynced = inode.unsynced.filter((change) => !covered.includes(change));
        if (failSync === undefined) {
          const now = this.lie === 'lastSyncIsLost' ? inode.owed : covered;
          inode.owed = covered;
          for (const change of now) inode.durable.apply(change);
          this.image.advance();
        }
        if (failSync === undefined || this.lie === 'syncErrorIsSwallowed') resolve();
        else reject(diskError(failSync, 'fdatasync'));
      };
      const cancel = this.#scheduler.after(waitMs, owner, finish);
      const release = (): void => {
        cancel();
        this.#scheduler.after(0, owner, finish);
      };
      this.#release.add(release);
    });
  }

  #file(inode: Inode, owner: Owner, act: <T>(run: () => T) => Promise<T>): StorageFile {
    const readSync = (into: Uint8Array, position: number): number => {
      const found = inode.visible.view().subarray(position, position + into.length);
      into.set(found);
      return found.length;
    };
    const write: StorageFile['write'] = (buffers, position) =>
      act(() => this.#change(inode, { position, bytes: joined(buffers) }));
    const sync = (): Promise<void> => act(() => undefined).then(() => this.#sync(inode, owner));
    return {
      readSync,
      read: (into, position) => act(() => readSync(into, position)),
      size: () => act(() => inode.visible.size),
      sync,
      writeSynced: (buffers, position) => write(buffers, position).then(sync),
      close: () => act(() => undefined),
      truncate: (sizeBytes) => act(() => this.#change(inode, { position: sizeBytes, bytes: undefined })),
      write,
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
