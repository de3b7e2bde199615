/** Reads the entries of one group that are not in memory, from segments and from the journal. */
import { type ColdRun, decodeColdRun, planColdRuns } from './cold-read.js';
import type { EntrySlot } from './entry-slot.js';
import { type FileSystem, readFullySync } from './file-system.js';
import { readJournalFile } from './journal-file.js';
import type { SampleCache } from './sample-cache.js';
import { storageFailed } from './storage-errors.js';
import type { Reading, SegmentRequest } from './stored-log.js';
import { BellwetherError } from '../errors.js';
import { invariant, InvariantError } from '../invariant.js';
import type { Entry, GroupId, LogIndex } from '../raft/types.js';

/** What is needed to read segments. */
export interface SegmentAccess {
  readonly fileSystem: FileSystem;
  readonly samples: SampleCache;
}

export class ColdEntries {
  readonly #group: GroupId;
  readonly #onReadFailed: (error: BellwetherError) => void;

  /** @param onReadFailed Told of a read that failed or came back damaged. */
  constructor(group: GroupId, onReadFailed: (error: BellwetherError) => void) {
    this.#group = group;
    this.#onReadFailed = onReadFailed;
  }

  /** The entries of slots, the first of which is at `from`. Blocks. @throws STORAGE_FAILED, STORAGE_CORRUPT */
  slotsSync(slots: readonly EntrySlot[], from: LogIndex): Entry[] {
    const found = slots.map((slot) => slot.entry);
    for (const run of planColdRuns(slots, found)) {
      const bytes = Buffer.allocUnsafeSlow(run.bytes);
      try {
        const count = readFullySync(run.file.storage, bytes, run.position);
        fill(found, run, decodeColdRun(run, bytes.subarray(0, count), this.#group, slots, from));
      } catch (error) {
        throw this.#readFailed(run.file.path, error);
      }
    }
    return complete(found);
  }

  /** As `slotsSync`, without blocking. The files stay open meanwhile. */
  async slots(slots: readonly EntrySlot[], from: LogIndex): Promise<Entry[]> {
    const found = slots.map((slot) => slot.entry);
    const runs = planColdRuns(slots, found);
    const reads = runs.map(async (run) => {
      const bytes = Buffer.allocUnsafeSlow(run.bytes);
      try {
        const count = await readJournalFile(run.file, bytes, run.position);
        fill(found, run, decodeColdRun(run, bytes.subarray(0, count), this.#group, slots, from));
      } catch (error) {
        throw this.#readFailed(run.file.path, error);
      }
    });
    await Promise.all(reads);
    return complete(found);
  }

  /** What a reading of segments comes to. Blocks. @throws STORAGE_FAILED, STORAGE_CORRUPT */
  segmentsSync<T>({ fileSystem }: SegmentAccess, reading: Reading<T>): T {
    const read = ({ path, position, bytes }: SegmentRequest): Buffer => {
      const into = Buffer.allocUnsafeSlow(bytes);
      return into.subarray(0, fileSystem.readAtSync(path, into, position));
    };
    let path = '';
    try {
      let step = reading.next();
      while (step.done !== true) {
        path = step.value.path;
        step = reading.next(read(step.value));
      }
      return step.value;
    } catch (error) {
      throw this.#readFailed(path, error);
    }
  }

  /** As `segmentsSync`, without blocking; undefined when the segment went meanwhile. */
  async segments<T>({ fileSystem }: SegmentAccess, reading: Reading<T>): Promise<T | undefined> {
    let request: SegmentRequest | undefined;
    try {
      let step = reading.next();
      while (step.done !== true) {
        const { path, position, bytes } = step.value;
        request = step.value;
        const into = Buffer.allocUnsafeSlow(bytes);
        const count = await fileSystem.readAt(path, into, position);
        step = reading.next(into.subarray(0, count));
      }
      return step.value;
    } catch (error) {
      if (request?.segment.isRemoved === true) return undefined;
      throw this.#readFailed(request?.path ?? '', error);
    }
  }

  #readFailed(path: string, error: unknown): Error {
    if (error instanceof InvariantError) return error;
    const failure = error instanceof BellwetherError ? error : storageFailed('read', path, error);
    this.#onReadFailed(failure);
    return failure;
  }
}

function fill(found: (Entry | undefined)[], run: ColdRun, entries: readonly Entry[]): void {
  entries.forEach((entry, i) => {
    found[run.from + i] = entry;
  });
}

function complete(found: readonly (Entry | undefined)[]): Entry[] {
  return found.map((entry) => {
    invariant(entry !== undefined, 'every entry was found in memory or read');
    return entry;
  });
}
