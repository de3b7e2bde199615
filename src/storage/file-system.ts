/**
 * The port to the disk: nothing outside an implementation of `FileSystem` touches it, so that the
 * simulator's disk, which loses what was not synced, sees every byte.
 */

/**
 * An open file. Rejections carry the errno name in `code` (ENOSPC, EIO, ...).
 *
 * A read sees everything written before, synced or not. After `close` no method may be called.
 */
export interface StorageFile {
  /**
   * Writes all of `buffers`, one after the other, from byte `position`; the file grows as needed. The
   * bytes must not change until it resolves. Resolving says nothing about the disk: `sync` does.
   */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Makes every write that has resolved durable (fdatasync: the data, and the size needed to read it). */
  sync(): Promise<void>;
  /**
   * As `write`, and makes what it writes durable before it resolves, with all that is needed to read it (O_DSYNC); of
   * other writes it says nothing. Quicker than `write` and `sync` while it is small.
   */
  writeSynced(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Reads up to `into.length` bytes from byte `position`. @returns Bytes read; 0 at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** As `read`, blocking. */
  readSync(into: Uint8Array, position: number): number;
  /** Size in bytes. */
  size(): Promise<number>;
  /** Cuts or extends (with zeros) to `sizeBytes`. Durable after `sync`. */
  truncate(sizeBytes: number): Promise<void>;
  /** Waits for reads under way, then frees the file. Syncs nothing. */
  close(): Promise<void>;
}

/** Folders and whole files. Paths are plain strings joined with '/'. */
export interface FileSystem {
  /** Opens for reading and writing. Rejects with ENOENT when it is missing and `create` is false. */
  open(path: string, options: { readonly create: boolean }): Promise<StorageFile>;
  /** Names of files and folders in the folder, without '.' and '..', in no order. Rejects with ENOENT when it is missing. */
  list(directory: string): Promise<string[]>;
  /** Makes the folder and the missing ones above it, durably. Does nothing when it is there. */
  makeDirectory(directory: string): Promise<void>;
  /** Replaces `to` atomically. Durable after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. Durable after `syncDirectory`. Rejects with ENOENT when it is missing. */
  remove(path: string): Promise<void>;
  /** Removes an empty folder. Rejects with ENOENT when it is missing. */
  removeDirectory(directory: string): Promise<void>;
  /** Makes creations, renames and removals in the folder durable. */
  syncDirectory(directory: string): Promise<void>;
  /**
   * Opens the file, fills `into` from byte `position` on, or up to the end, and closes the file. For files of
   * which there are too many to keep them open. Rejects with ENOENT when it is missing. @returns Bytes read.
   */
  readAt(path: string, into: Uint8Array, position: number): Promise<number>;
  /** As `readAt`, blocking. */
  readAtSync(path: string, into: Uint8Array, position: number): number;
  /** The whole file, or undefined when it is missing. For small files. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Bytes that may still be written to the disk of the folder. */
  freeBytes(directory: string): Promise<number>;
  /** Replaces the file atomically and durably: after a crash it holds the old bytes or the new ones. */
  writeFileDurably(path: string, bytes: Uint8Array): Promise<void>;
}

/** The folder that holds `path`. */
export function parentDirectory(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}

/**
 * What an implementation's `writeFileDurably` does: write a temporary file beside it, fsync, rename,
 * fsync the folder.
 */
export async function replaceFile(
  fileSystem: Pick<FileSystem, 'open' | 'rename' | 'syncDirectory'>,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await fileSystem.open(temporary, { create: true });
  try {
    await file.truncate(0);
    await file.write([bytes], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fileSystem.rename(temporary, path);
  await fileSystem.syncDirectory(parentDirectory(path));
}

/** Fills `into` from byte `position` on, or up to the end of the file. @returns Bytes read. */
export async function readFully(file: StorageFile, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const count = await file.read(into.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** As `readFully`, blocking. */
export function readFullySync(
  file: Pick<StorageFile, 'readSync'>,
  into: Uint8Array,
  position: number,
): number {
  let done = 0;
  while (done < into.length) {
    const count = file.readSync(into.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** What is left of `buffers` after the kernel took `written` bytes: it may take fewer than asked. */
export function unwritten(buffers: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  for (let i = 0; i < buffers.length; i++) {
    const buffer = buffers[i];
    if (buffer === undefined) break;
    if (skip < buffer.length) return [buffer.subarray(skip), ...buffers.slice(i + 1)];
    skip -= buffer.length;
  }
  return [];
}

/** Gives back the room of a file whose name must stay. */
export async function emptyFile(fileSystem: Pick<FileSystem, 'open'>, path: string): Promise<void> {
  const file = await fileSystem.open(path, { create: false });
  try {
    await file.truncate(0);
  } finally {
    await file.close();
  }
}
