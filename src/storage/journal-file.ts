/**
 * One file of the journal: its name, its header block and how it is created.
 *
 * The header block takes the first 4096 bytes, so that no frame shares a disk sector with it:
 *
 * | byte | size | field                                                              |
 * | ---- | ---- | ------------------------------------------------------------------ |
 * | 0    | 8    | magic "BWJOURNL"                                                   |
 * | 8    | 4    | format version, 1                                                  |
 * | 12   | 6    | sequence: number of the file, from 1, never reused                 |
 * | 18   | 6    | first batch: number of the first batch in this file                |
 * | 24   | 4    | previous end: byte at which the frames of the file before end, or 0 |
 * | 28   | 36   | incarnation: UUID of the data folder, in ASCII                     |
 * | 64   | 4    | CRC-32 of bytes 0..64                                              |
 *
 * "First batch" and "previous end" prove that nothing is missing at the end of the file before. Behind the frames may
 * stand anything: zeros written ahead, or what an earlier life of the file has left.
 *
 * A file gets its name once its header is durable, and has a good one from then on.
 */
import { crc32 } from 'node:zlib';

import { type FileSystem, readFully, type StorageFile } from './file-system.js';
import { attempt } from './storage-errors.js';
import { invariant } from '../invariant.js';

/** Frames begin here. */
export const FILE_HEADER_BYTES = 4096;

const MAGIC = Buffer.from('BWJOURNL', 'latin1');
const FORMAT_VERSION = 1;
const INCARNATION_BYTES = 36;
const FIELDS_BYTES = 64;
const FILE_NAME = /^(\d{16})\.log$/;
const DRAFT_SUFFIX = '.new';

/** The fields above that differ from file to file. */
export interface FileHeader {
  readonly sequence: number;
  readonly firstBatch: number;
  readonly previousEnd: number;
  readonly incarnation: string;
}

/** An open file of the journal. */
export interface JournalFile {
  readonly sequence: number;
  readonly path: string;
  readonly storage: StorageFile;
  /** Seed of the header CRC of every frame in it. */
  readonly seed: number;
  /** Set once the next file is begun: nothing is written to this one any more. */
  seal: Seal | undefined;
  /** Asynchronous reads under way. */
  readers: number;
  /** Nobody begins to read it any more. */
  isRetired: boolean;
}

/** Where the frames of a file end. */
export interface Seal {
  /** Byte behind the last frame. */
  readonly end: number;
  /** Number of the first batch in the next file. */
  readonly nextBatch: number;
}

/** Closes the file once nobody reads it. Nobody may begin to. */
export async function retireJournalFile(file: JournalFile): Promise<void> {
  file.isRetired = true;
  if (file.readers === 0) await attempt('close', file.path, () => file.storage.close());
}

/** Reads as `readFully`, and keeps the file open meanwhile. */
export async function readJournalFile(
  file: JournalFile,
  into: Uint8Array,
  position: number,
): Promise<number> {
  file.readers += 1;
  try {
    return await readFully(file.storage, into, position);
  } finally {
    file.readers -= 1;
    if (file.isRetired && file.readers === 0) await file.storage.close();
  }
}

/**
 * Seed of a file's frames: different for each sequence number of one incarnation, and not to be guessed
 * by a client, who does not know the incarnation.
 */
export function frameSeed(sequence: number, incarnation: string): number {
  return (crc32(incarnation) ^ sequence) >>> 0;
}

export function journalPath(directory: string, sequence: number): string {
  return `${directory}/${String(sequence).padStart(16, '0')}.log`;
}

/** Sequence numbers of the journal files in the folder, ascending. Other names are left alone. */
export async function listJournalFiles(fileSystem: FileSystem, directory: string): Promise<number[]> {
  const names = await attempt('list', directory, () => fileSystem.list(directory));
  const sequences: number[] = [];
  for (const name of names) {
    const digits = FILE_NAME.exec(name)?.[1];
    if (digits !== undefined) sequences.push(Number(digits));
  }
  return sequences.sort((a, b) => a - b);
}

/** Paths of files whose creation was cut short. */
export async function listDrafts(fileSystem: FileSystem, directory: string): Promise<string[]> {
  const names = await attempt('list', directory, () => fileSystem.list(directory));
  return names.filter((name) => name.endsWith(DRAFT_SUFFIX)).map((name) => `${directory}/${name}`);
}

export async function openJournalFile(
  fileSystem: FileSystem,
  directory: string,
  header: Pick<FileHeader, 'sequence' | 'incarnation'>,
): Promise<JournalFile> {
  const path = journalPath(directory, header.sequence);
  const storage = await attempt('open', path, () => fileSystem.open(path, { create: false }));
  const { sequence, incarnation } = header;
  const seed = frameSeed(sequence, incarnation);
  return { sequence, path, storage, seed, seal: undefined, readers: 0, isRetired: false };
}

export function encodeFileHeader(header: FileHeader): Buffer {
  const block = Buffer.alloc(FILE_HEADER_BYTES);
  invariant(header.incarnation.length === INCARNATION_BYTES, 'an incarnation is a UUID');
  MAGIC.copy(block);
  block.writeUInt32LE(FORMAT_VERSION, 8);
  block.writeUIntLE(header.sequence, 12, 6);
  block.writeUIntLE(header.firstBatch, 18, 6);
  block.writeUInt32LE(header.previousEnd, 24);
  block.write(header.incarnation, 28, 'latin1');
  block.writeUInt32LE(crc32(block.subarray(0, FIELDS_BYTES)), FIELDS_BYTES);
  return block;
}

/** The header at the start of `bytes`; undefined when it is incomplete or damaged. */
export function decodeFileHeader(bytes: Buffer): FileHeader | undefined {
  if (bytes.length < FILE_HEADER_BYTES) return undefined;
  if (bytes.readUInt32LE(FIELDS_BYTES) !== crc32(bytes.subarray(0, FIELDS_BYTES))) return undefined;
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (bytes.readUInt32LE(8) !== FORMAT_VERSION) return undefined;
  return {
    sequence: bytes.readUIntLE(12, 6),
    firstBatch: bytes.readUIntLE(18, 6),
    previousEnd: bytes.readUInt32LE(24),
    incarnation: bytes.toString('latin1', 28, 28 + INCARNATION_BYTES),
  };
}

/**
 * Creates the file durably: after a crash it is there with its header, or not there.
 *
 * @param preallocatedBytes Size of a new file.
 * @param spare A file to be written over instead, whose bytes nobody needs. It is renamed.
 */
export async function createJournalFile(
  fileSystem: FileSystem,
  directory: string,
  header: FileHeader,
  preallocatedBytes: number,
  spare?: string,
): Promise<JournalFile> {
  const path = journalPath(directory, header.sequence);
  const draft = spare ?? `${path}${DRAFT_SUFFIX}`;
  const buffers = [encodeFileHeader(header)];
  if (spare === undefined) buffers.push(...zeros(preallocatedBytes - FILE_HEADER_BYTES));
  const create = spare === undefined;
  const storage = await attempt('open', draft, () => fileSystem.open(draft, { create }));
  try {
    await attempt('write', draft, () => storage.write(buffers, 0));
    await attempt('fdatasync', draft, () => storage.sync());
  } finally {
    await attempt('close', draft, () => storage.close());
  }
  await attempt('rename', draft, () => fileSystem.rename(draft, path));
  await attempt('fsync', directory, () => fileSystem.syncDirectory(directory));
  return openJournalFile(fileSystem, directory, header);
}

const ZERO_BLOCK = Buffer.alloc(64 * 1024);

/** Buffers that hold `sizeBytes` zeros together; none when it is not positive. */
export function zeros(sizeBytes: number): Buffer[] {
  const buffers: Buffer[] = [];
  for (let rest = sizeBytes; rest > 0; rest -= ZERO_BLOCK.length) {
    buffers.push(rest >= ZERO_BLOCK.length ? ZERO_BLOCK : ZERO_BLOCK.subarray(0, rest));
  }
  return buffers;
}
