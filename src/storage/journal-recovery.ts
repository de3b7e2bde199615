/**
 * Opens the files of a journal from the checkpoint on, replays them, and leaves the last one ready for the
 * next frame.
 *
 * What a crash can leave is one torn batch at the very end, which is mended. Everything else is damage, and
 * refused (I23).
 */
import type { Checkpoint } from './checkpoint.js';
import { type FileSystem, readFully } from './file-system.js';
import { endOfData, findRemnants, type FrameScan, scanFrames } from './frame-scan.js';
import type { GroupLogContext } from './group-log-context.js';
import {
  createJournalFile,
  decodeFileHeader,
  FILE_HEADER_BYTES,
  type FileHeader,
  type JournalFile,
  journalPath,
  listJournalFiles,
  openJournalFile,
  zeros,
} from './journal-file.js';
import { JournalReplay, type RecoveredGroup } from './journal-replay.js';
import type { JournalEnd, WriterOptions } from './journal-writer.js';
import { attempt, storageCorrupt } from './storage-errors.js';
import type { GroupId } from '../raft/types.js';

export interface RecoveredJournal {
  /** All open, in sequence order. */
  readonly files: JournalFile[];
  readonly end: JournalEnd;
  readonly groups: Map<GroupId, RecoveredGroup>;
}

/** What the file before says that the next one must begin with. */
interface Seam {
  /** Undefined when that file is gone, and the checkpoint says so. */
  readonly file: JournalFile | undefined;
  readonly end: number;
  readonly nextBatch: number;
}

/**
 * Reads one file at a time into memory. Closes all files again when it fails.
 *
 * @param checkpoint Where to begin; undefined for the first file. Files before it are left alone.
 */
export async function recoverJournal(
  options: WriterOptions,
  context: GroupLogContext,
  checkpoint: Checkpoint | undefined,
): Promise<RecoveredJournal> {
  const { fileSystem, directory } = options;
  await attempt('mkdir', directory, () => fileSystem.makeDirectory(directory));
  const first = checkpoint?.sequence ?? 1;
  const found = await listJournalFiles(fileSystem, directory);
  const sequences = found.filter((sequence) => sequence >= first);
  const missing = sequences.findIndex((sequence, i) => sequence !== first + i);
  if (missing >= 0 || (sequences.length === 0 && checkpoint !== undefined)) {
    const path = journalPath(directory, first + Math.max(0, missing));
    throw storageCorrupt(path, 0, 'the file is missing');
  }
  const files: JournalFile[] = [];
  const replay = new JournalReplay(context, checkpoint?.groups.values());
  try {
    let seam: Seam | undefined = checkpoint && { ...checkpoint.seal, file: undefined };
    for (const sequence of sequences.slice(0, -1)) {
      seam = await recoverEarlierFile(options, sequence, seam, files, replay);
    }
    const end = await recoverLastFile(options, sequences.at(-1) ?? 0, seam, files, replay);
    return { files, end, groups: replay.groups };
  } catch (error) {
    for (const file of files) await file.storage.close();
    throw error;
  }
}

/** A file with a successor was synced to its end: frames up to where the next file says, which is checked with that. */
async function recoverEarlierFile(
  options: WriterOptions,
  sequence: number,
  seam: Seam | undefined,
  files: JournalFile[],
  replay: JournalReplay,
): Promise<Seam> {
  const { file, bytes } = await openAndRead(options, sequence, files);
  const header = checkedHeader(options, file, bytes, seam);
  const scan = replayFile(file, bytes, header, replay);
  file.seal = { end: scan.end, nextBatch: scan.lastBatch + 1 };
  return { file, ...file.seal };
}

async function recoverLastFile(
  options: WriterOptions,
  sequence: number,
  seam: Seam | undefined,
  files: JournalFile[],
  replay: JournalReplay,
): Promise<JournalEnd> {
  if (sequence === 0) return beginFile(options, 1, seam, files);
  const { file, bytes } = await openAndRead(options, sequence, files);
  const header = checkedHeader(options, file, bytes, seam);
  const scan = replayFile(file, bytes, header, replay);
  const { laterBatchAt, end } = findRemnants(file, bytes, scan.end);
  if (laterBatchAt !== undefined) {
    throw storageCorrupt(file.path, scan.end, `bad frame before a later write at byte ${laterBatchAt}`);
  }
  await mendTail(options, file, bytes, scan, end);
  return { file, position: scan.end, allocatedBytes: bytes.length, nextBatch: scan.lastBatch + 1 };
}

/**
 * Makes the last file durable as it was read, without headers of its present life behind the last good frame.
 *
 * - What was read may be in the kernel's memory only, when the process was killed before the sync; and
 *   after a failed sync the kernel takes it for clean, and a further sync would do nothing. So what may
 *   not be durable, the last batch (or the header, when there is none), is written again.
 * - What is left of a torn batch becomes zeros, as far as it has headers, so that it is never taken for frames later.
 */
async function mendTail(
  options: WriterOptions,
  file: JournalFile,
  bytes: Buffer,
  scan: FrameScan,
  remnantsEnd: number,
): Promise<void> {
  const { fileSystem, directory } = options;
  const from = scan.lastBatchStart ?? 0;
  const buffers = [bytes.subarray(from, scan.end), ...zeros(remnantsEnd - scan.end)];
  await attempt('write', file.path, () => file.storage.write(buffers, from));
  await attempt('fdatasync', file.path, () => file.storage.sync());
  await attempt('fsync', directory, () => fileSystem.syncDirectory(directory));
}

async function beginFile(
  options: WriterOptions,
  sequence: number,
  seam: Seam | undefined,
  files: JournalFile[],
): Promise<JournalEnd> {
  const { fileSystem, directory, incarnation, preallocateBytes } = options;
  const header = {
    sequence,
    firstBatch: seam?.nextBatch ?? 1,
    previousEnd: seam?.end ?? 0,
    incarnation,
  };
  const file = await createJournalFile(fileSystem, directory, header, preallocateBytes);
  files.push(file);
  return {
    file,
    position: FILE_HEADER_BYTES,
    allocatedBytes: Math.max(FILE_HEADER_BYTES, preallocateBytes),
    nextBatch: header.firstBatch,
  };
}

async function openAndRead(
  options: WriterOptions,
  sequence: number,
  files: JournalFile[],
): Promise<{ file: JournalFile; bytes: Buffer }> {
  const { fileSystem, directory, incarnation } = options;
  const file = await openJournalFile(fileSystem, directory, { sequence, incarnation });
  files.push(file);
  return { file, bytes: await readWhole(file) };
}

async function readWhole(file: JournalFile): Promise<Buffer> {
  const size = await attempt('fstat', file.path, () => file.storage.size());
  const bytes = Buffer.allocUnsafeSlow(size);
  const count = await attempt('read', file.path, () => readFully(file.storage, bytes, 0));
  return bytes.subarray(0, count);
}

/**
 * The header of a file, which must fit the folder and the file before.
 *
 * @throws STORAGE_CORRUPT when it is damaged, or does not.
 */
function checkedHeader(
  options: WriterOptions,
  file: JournalFile,
  bytes: Buffer,
  seam: Seam | undefined,
): FileHeader {
  const header = decodeFileHeader(bytes);
  if (header === undefined) throw storageCorrupt(file.path, 0, 'the file header is bad');
  if (header.sequence !== file.sequence) {
    throw storageCorrupt(file.path, 0, `the header is that of file ${header.sequence}`);
  }
  if (header.incarnation !== options.incarnation) {
    throw storageCorrupt(
      file.path,
      0,
      `it belongs to incarnation ${header.incarnation}, not ${options.incarnation}`,
    );
  }
  if (header.previousEnd !== (seam?.end ?? 0) || header.firstBatch !== (seam?.nextBatch ?? 1)) {
    throw storageCorrupt(
      seam?.file?.path ?? file.path,
      seam?.end ?? 0,
      `frames are missing up to byte ${header.previousEnd}`,
    );
  }
  return header;
}

function replayFile(file: JournalFile, bytes: Buffer, header: FileHeader, replay: JournalReplay): FrameScan {
  return scanFrames(file, bytes, header.firstBatch, (frame, payload, position) => {
    replay.apply(file, frame, payload, position);
  });
}

/**
 * Whether the folder holds a journal that may have remembered anything: any file beyond one that has
 * nothing behind its header.
 */
export async function journalHoldsFrames(fileSystem: FileSystem, directory: string): Promise<boolean> {
  const sequences = await listJournalFiles(fileSystem, directory);
  if (sequences.length === 0) return false;
  if (sequences.length > 1 || sequences[0] !== 1) return true;
  const bytes = await attempt('read', journalPath(directory, 1), () =>
    fileSystem.readFile(journalPath(directory, 1)),
  );
  if (bytes === undefined) return false;
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return endOfData(whole, FILE_HEADER_BYTES) > FILE_HEADER_BYTES;
}
