/** Opens what there is of a journal: the checkpoint, the segments it names, and the files from there on. */
import { Ballast } from './ballast.js';
import { type CheckpointPlace, readCheckpoint } from './checkpoint.js';
import { parentDirectory } from './file-system.js';
import type { GroupLogContext } from './group-log-context.js';
import { FILE_HEADER_BYTES, journalPath, listDrafts, listJournalFiles } from './journal-file.js';
import { recoverJournal, type RecoveredJournal } from './journal-recovery.js';
import type { JournalOptions } from './journal-options.js';
import type { WriterOptions } from './journal-writer.js';
import { indexPath, segmentPath } from './segment.js';
import { SegmentCopier } from './segment-copier.js';
import { SpareFiles } from './spare-files.js';
import { attempt, errnoOf, storageCorrupt } from './storage-errors.js';
import type { StoredGroup } from './stored-group.js';
import { Superseded } from './superseded.js';
import { invariant } from '../invariant.js';
import { asLogIndex, type GroupId } from '../raft/types.js';

const MEBIBYTE = 1024 * 1024;
const DEFAULT_FILE_BYTES = 64 * MEBIBYTE;
/** With 4 MiB each sync costs the kernel twice as much: the zeros share large folios (docs/PERFORMANCE.md). */
const DEFAULT_PREALLOCATE_BYTES = MEBIBYTE;
/** A file must hold its header, and positions in it, with a batch beyond `fileBytes`, are 32 bits. */
const FILE_BYTES_MAX = 1024 * MEBIBYTE;
/** With the last entry, which may overshoot, still within the 32 bits of a sample. */
const SEGMENT_BYTES_MAX = 2048 * MEBIBYTE;

export interface OpenedJournal extends RecoveredJournal {
  readonly writerOptions: WriterOptions;
  readonly place: CheckpointPlace;
  /** As the checkpoint left it. */
  readonly copier: SegmentCopier;
  readonly superseded: Superseded;
  readonly ballast: Ballast;
}

/** @throws STORAGE_CORRUPT, STORAGE_FAILED; as `Journal.open`. */
export async function openFiles(
  options: JournalOptions,
  context: GroupLogContext,
  segmentBytes: (group: GroupId) => number | undefined,
): Promise<OpenedJournal> {
  const { fileSystem, directory, incarnation } = options;
  const fileBytes = options.fileBytes ?? DEFAULT_FILE_BYTES;
  const bytesMax = options.ballastBytes ?? 0;
  const segmentBytesMax = options.segmentBytes ?? SEGMENT_BYTES_MAX;
  const preallocateBytes = options.preallocateBytes ?? DEFAULT_PREALLOCATE_BYTES;
  invariant(fileBytes > FILE_HEADER_BYTES && fileBytes <= FILE_BYTES_MAX, 'journal file size in bounds');
  invariant(segmentBytesMax > 0 && segmentBytesMax <= SEGMENT_BYTES_MAX, 'segment size in bounds');
  invariant(preallocateBytes > 0 && preallocateBytes <= fileBytes, 'preallocation step in bounds');
  const spares = new SpareFiles(fileSystem, fileBytes);
  const writerOptions = { fileSystem, directory, incarnation, fileBytes, preallocateBytes, spares };
  const segmentsDirectory = options.segmentsDirectory ?? `${parentDirectory(directory)}/segments`;
  const place = { fileSystem, directory, segmentsDirectory, incarnation };
  const checkpoint = await readCheckpoint(place);
  const groups = checkpoint?.groups ?? new Map<GroupId, StoredGroup>();
  const leftovers = await findLeftovers(place, groups);
  const recovered = await recoverJournal(writerOptions, context, checkpoint);
  const ballast = new Ballast({ fileSystem, path: `${parentDirectory(directory)}/ballast`, bytesMax });
  try {
    raiseCommits(recovered, place);
    await leftovers.remove();
    await removeEarlierFiles(place, checkpoint?.sequence ?? 1);
    await ballast.open();
  } catch (error) {
    for (const file of recovered.files) await file.storage.close();
    throw error;
  }
  const superseded = new Superseded();
  for (const [group, { log }] of recovered.groups) {
    if (log.snapshot !== undefined) superseded.installed(group, log.snapshot.index);
  }
  const copier = new SegmentCopier(
    { fileSystem, segmentsDirectory, incarnation, segmentBytesMax, segmentBytes, superseded },
    groups,
    checkpoint?.nextSegment ?? 1,
  );
  return { ...recovered, writerOptions, place, copier, superseded, ballast };
}

/** What a state machine has taken in was committed, whatever the hint in the journal says. */
function raiseCommits({ groups }: RecoveredJournal, { directory }: CheckpointPlace): void {
  for (const [group, found] of groups) {
    const { hardState, log, machine } = found;
    if (machine === undefined || machine.index <= hardState.commit) continue;
    if (machine.index > log.lastIndex) {
      throw storageCorrupt(directory, 0, `group ${String(group)} ends before what it had committed`);
    }
    groups.set(group, { ...found, hardState: { ...hardState, commit: asLogIndex(machine.index) } });
  }
}

/**
 * Finds the files of segments that the checkpoint does not name: of an attempt that was cut short, or those
 * that were about to be removed.
 *
 * @throws STORAGE_CORRUPT when a file that it names is missing.
 */
async function findLeftovers(
  place: CheckpointPlace,
  groups: ReadonlyMap<GroupId, StoredGroup>,
): Promise<{ remove(): Promise<void> }> {
  const { fileSystem, segmentsDirectory } = place;
  const named = new Set<string>();
  for (const { log } of groups.values()) {
    for (const one of log.segments) {
      named.add(segmentPath(log.directory, one)).add(indexPath(log.directory, one));
    }
  }
  const files: string[] = [];
  const directories: string[] = [];
  for (const name of await listed(place, segmentsDirectory)) {
    const directory = `${segmentsDirectory}/${name}`;
    let isUsed = false;
    for (const file of await listed(place, directory)) {
      const path = `${directory}/${file}`;
      if (named.delete(path)) isUsed = true;
      else files.push(path);
    }
    if (!isUsed) directories.push(directory);
  }
  for (const path of named) throw storageCorrupt(path, 0, 'the file is missing');
  const remove = async (): Promise<void> => {
    for (const path of files) await attempt('unlink', path, () => fileSystem.remove(path));
    for (const path of directories) await attempt('rmdir', path, () => fileSystem.removeDirectory(path));
  };
  return { remove };
}

/** Names in a folder; none when it is missing. */
async function listed({ fileSystem }: CheckpointPlace, directory: string): Promise<string[]> {
  return attempt('list', directory, async () => {
    try {
      return await fileSystem.list(directory);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  });
}

/** Removes files before the checkpoint, and those whose creation was cut short. */
async function removeEarlierFiles(place: CheckpointPlace, first: number): Promise<void> {
  const { fileSystem, directory } = place;
  const sequences = await listJournalFiles(fileSystem, directory);
  const earlier = sequences.filter((sequence) => sequence < first);
  const paths = earlier.map((sequence) => journalPath(directory, sequence));
  for (const path of [...paths, ...(await listDrafts(fileSystem, directory))]) {
    await attempt('unlink', path, () => fileSystem.remove(path));
  }
}
