/** The real disk: `FileSystem` on node:fs. */
import * as fs from 'node:fs';
import { resolve as absolute } from 'node:path';

import {
  type FileSystem,
  parentDirectory,
  readFully,
  readFullySync,
  replaceFile,
  type StorageFile,
  unwritten,
} from './file-system.js';
import { invariant } from '../invariant.js';

/** Buffers in one writev; Linux and macOS refuse more (IOV_MAX). */
const WRITEV_BUFFERS_MAX = 1024;

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

function promised<T>(start: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

/** Raw descriptors and callbacks: the promises of FileHandle cost several times more a call. */
class NodeStorageFile implements StorageFile {
  readonly #path: string;
  readonly #fd: number;
  /** Of the same file, with O_DSYNC; opened when it is first needed. */
  #syncedFd: number | undefined;
  #callsUnderWay = 0;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    return this.#write(this.#fd, buffers, position);
  }

  async writeSynced(buffers: readonly Uint8Array[], position: number): Promise<void> {
    this.#syncedFd ??= await this.#openSynced();
    await this.#write(this.#syncedFd, buffers, position);
  }

  async #write(fd: number, buffers: readonly Uint8Array[], position: number): Promise<void> {
    let at = position;
    for (let start = 0; start < buffers.length; start += WRITEV_BUFFERS_MAX) {
      let rest = buffers.slice(start, start + WRITEV_BUFFERS_MAX);
      while (rest.length > 0) {
        const chunk = rest;
        const from = at;
        const written = await this.#call<number>((done) => {
          fs.writev(fd, chunk, from, done);
        });
        at += written;
        rest = unwritten(chunk, written);
      }
    }
  }

  sync(): Promise<void> {
    return this.#call((done) => {
      fs.fdatasync(this.#fd, done);
    });
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#call((done) => {
      fs.read(this.#fd, into, 0, into.length, position, done);
    });
  }

  readSync(into: Uint8Array, position: number): number {
    invariant(!this.#closed, 'a closed file is not used');
    return fs.readSync(this.#fd, into, 0, into.length, position);
  }

  async size(): Promise<number> {
    const stats = await this.#call<fs.Stats>((done) => {
      fs.fstat(this.#fd, done);
    });
    return stats.size;
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#call((done) => {
      fs.ftruncate(this.#fd, sizeBytes, done);
    });
  }

  /** A descriptor closed under a call could be reused, and the call then reach another file. */
  async close(): Promise<void> {
    invariant(!this.#closed, 'a file is closed once');
    this.#closed = true;
    if (this.#callsUnderWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    for (const fd of [this.#fd, this.#syncedFd]) {
      if (fd === undefined) continue;
      const closing: Promise<void> = promised((done) => {
        fs.close(fd, done);
      });
      await closing;
    }
  }

  #openSynced(): Promise<number> {
    return this.#call((done) => {
      fs.open(this.#path, fs.constants.O_RDWR | fs.constants.O_DSYNC, done);
    });
  }

  #call<T>(start: (callback: Callback<T>) => void): Promise<T> {
    invariant(!this.#closed, 'a closed file is not used');
    this.#callsUnderWay += 1;
    return promised<T>((settle) => {
      start((error, value) => {
        this.#callsUnderWay -= 1;
        if (this.#callsUnderWay === 0) this.#onIdle?.();
        settle(error, value);
      });
    });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

class NodeFileSystem implements FileSystem {
  async open(path: string, { create }: { readonly create: boolean }): Promise<StorageFile> {
    const flags = fs.constants.O_RDWR | (create ? fs.constants.O_CREAT : 0);
    const fd = await promised<number>((done) => {
      fs.open(path, flags, 0o644, done);
    });
    return new NodeStorageFile(path, fd);
  }

  async freeBytes(directory: string): Promise<number> {
    const { bavail, bsize } = await promised<fs.StatsFs>((done) => {
      fs.statfs(directory, done);
    });
    return bavail * bsize;
  }

  list(directory: string): Promise<string[]> {
    return promised((done) => {
      fs.readdir(directory, done);
    });
  }

  async makeDirectory(directory: string): Promise<void> {
    const path = absolute(directory);
    const first = await fs.promises.mkdir(path, { recursive: true });
    if (first === undefined) return;
    // Each new folder is an entry of the one above it, which must be synced too.
    for (let made = path; made.length >= first.length; made = parentDirectory(made)) {
      await this.syncDirectory(parentDirectory(made));
    }
  }

  rename(from: string, to: string): Promise<void> {
    return fs.promises.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return fs.promises.unlink(path);
  }

  removeDirectory(directory: string): Promise<void> {
    return fs.promises.rmdir(directory);
  }

  async readAt(path: string, into: Uint8Array, position: number): Promise<number> {
    const file = await this.open(path, { create: false });
    try {
      return await readFully(file, into, position);
    } finally {
      await file.close();
    }
  }

  readAtSync(path: string, into: Uint8Array, position: number): number {
    const fd = fs.openSync(path, 'r');
    try {
      return readFullySync(
        { readSync: (rest, at) => fs.readSync(fd, rest, 0, rest.length, at) },
        into,
        position,
      );
    } finally {
      fs.closeSync(fd);
    }
  }

  async syncDirectory(directory: string): Promise<void> {
    const handle = await fs.promises.open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    try {
      return await fs.promises.readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  writeFileDurably(path: string, bytes: Uint8Array): Promise<void> {
    return replaceFile(this, path, bytes);
  }
}

/** The file system of this machine. */
export function createNodeFileSystem(): FileSystem {
  return new NodeFileSystem();
}
