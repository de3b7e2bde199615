/** Makes the files of segments durable, and removes those that no checkpoint names any more. */
import type { FileSystem } from './file-system.js';
import { indexPath, segmentPath } from './segment.js';
import type { PlacedSegment, SegmentCopier } from './segment-copier.js';
import { attempt, errnoOf } from './storage-errors.js';

export async function syncFile(fileSystem: FileSystem, path: string): Promise<void> {
  const file = await attempt('open', path, () => fileSystem.open(path, { create: false }));
  try {
    await attempt('fdatasync', path, () => file.sync());
  } finally {
    await attempt('close', path, () => file.close());
  }
}

/** What the checkpoint does not name any more. */
export async function removeSegments(fileSystem: FileSystem, copier: SegmentCopier): Promise<void> {
  const directories = new Set<string>();
  for (const { directory, segment } of copier.obsolete.splice(0)) {
    directories.add(directory);
    await removeSegment(fileSystem, { directory, segment });
  }
  for (const directory of directories) {
    await attempt('fsync', directory, () => fileSystem.syncDirectory(directory));
  }
  const used = new Set([...copier.groups.values()].map(({ log }) => log.directory));
  for (const directory of [...copier.droppedDirectories]) {
    if (!used.has(directory)) await ifThere(() => fileSystem.removeDirectory(directory), directory);
    if (!used.has(directory)) copier.directoryRemoved(directory);
    else copier.droppedDirectories.delete(directory);
  }
}

async function removeSegment(fileSystem: FileSystem, { directory, segment }: PlacedSegment): Promise<void> {
  for (const path of [segmentPath(directory, segment), indexPath(directory, segment)]) {
    await ifThere(() => fileSystem.remove(path), path);
  }
}

/** A segment that was given up before it was written has no file. */
async function ifThere(remove: () => Promise<void>, path: string): Promise<void> {
  await attempt('remove', path, async () => {
    try {
      await remove();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  });
}
