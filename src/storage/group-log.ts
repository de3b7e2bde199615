/**
 * The readable log of one group: which entries it has, and their payloads, from memory or from the
 * journal. What is in it may not be on disk yet; the journal's listener says what is.
 */
import { type ColdRun, decodeColdRun, planColdRuns } from './cold-read.js';
import { EntrySlot } from './entry-slot.js';
import { readFully, readFullySync } from './file-system.js';
import type { PayloadCache } from './payload-cache.js';
import { storageFailed } from './storage-errors.js';
import { BellwetherError } from '../errors.js';
import { invariant, InvariantError } from '../invariant.js';
import { asLogIndex, asTerm, type Entry, type GroupId, type LogIndex, type Term } from '../raft/types.js';

/** What the logs of one journal share. */
export interface GroupLogContext {
  readonly cache: PayloadCache;
  /** Told of a read that failed or came back damaged: the disk can no longer be trusted. */
  readonly onReadFailed: (error: BellwetherError) => void;
}

/** Made by `Journal.createGroupLog`, or by recovery. */
export class GroupLog {
  readonly group: GroupId;
  readonly #context: GroupLogContext;
  /** `#slots[i]` is the entry at index `firstIndex + i`. */
  readonly #slots: EntrySlot[] = [];
  /** Appended but not submitted yet, in that order; some may be truncated already. */
  #unsubmitted: EntrySlot[] = [];

  constructor(group: GroupId, context: GroupLogContext) {
    this.group = group;
    this.#context = context;
  }

  /** Index of the oldest entry kept, or of the first to come. 1 as long as nothing compacts the log. */
  get firstIndex(): LogIndex {
    return asLogIndex(1);
  }

  /** Index of the newest entry; 0 when there is none. */
  get lastIndex(): LogIndex {
    return asLogIndex(this.firstIndex + this.#slots.length - 1);
  }

  /** Term of the entry at `index` in [firstIndex - 1, lastIndex]; 0 at index 0. */
  termAt(index: LogIndex): Term {
    if (index === 0) return asTerm(0);
    const slot = this.#slots[index - this.firstIndex];
    invariant(slot !== undefined, 'term of an entry outside the log', { index, last: this.lastIndex });
    return slot.term;
  }

  /**
   * Appends contiguous entries, after truncating from `entries[0].index` on when the log is longer.
   *
   * They are readable at once. `Journal.submit` must follow with the same entries, in the same order.
   */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    this.#truncateFrom(first.index);
    for (const entry of entries) {
      const slot = EntrySlot.held(entry);
      this.#push(entry.index, slot);
      this.#unsubmitted.push(slot);
    }
  }

  /**
   * Entries in [from, to), in order: at least one unless the range is empty, and no more than fit
   * `bytesMax` payload bytes. Blocks on the disk for those that are not in memory.
   *
   * The range must lie inside the log.
   *
   * @throws STORAGE_FAILED or STORAGE_CORRUPT, which also stop the journal.
   */
  entries(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] {
    const slots = this.#slotsWithin(from, to, bytesMax);
    const found = slots.map((slot) => slot.entry);
    for (const run of planColdRuns(slots, found)) {
      const bytes = Buffer.allocUnsafeSlow(run.bytes);
      try {
        const count = readFullySync(run.file.storage, bytes, run.position);
        fill(found, run, decodeColdRun(run, bytes.subarray(0, count), this.group, slots, from));
      } catch (error) {
        throw this.#readFailed(run, error);
      }
    }
    return complete(found);
  }

  /**
   * As `entries`, without blocking on the disk.
   *
   * When the log is truncated while it reads, it returns only what still stands: fewer entries, or none.
   */
  async readEntries(from: LogIndex, to: LogIndex, bytesMax: number): Promise<Entry[]> {
    const slots = this.#slotsWithin(from, to, bytesMax);
    const found = slots.map((slot) => slot.entry);
    for (const run of planColdRuns(slots, found)) {
      const bytes = Buffer.allocUnsafeSlow(run.bytes);
      try {
        const count = await readFully(run.file.storage, bytes, run.position);
        fill(found, run, decodeColdRun(run, bytes.subarray(0, count), this.group, slots, from));
      } catch (error) {
        throw this.#readFailed(run, error);
      }
    }
    const replaced = slots.findIndex((slot) => !slot.live);
    return complete(replaced < 0 ? found : found.slice(0, replaced));
  }

  /** For the journal: takes the slots of the entries that are submitted, which are those appended first. */
  takeUnsubmitted(entries: readonly Entry[]): EntrySlot[] {
    const slots = this.#unsubmitted.splice(0, entries.length);
    entries.forEach((entry, i) => {
      invariant(slots[i]?.entry === entry, 'entries are submitted as they were appended to the log', {
        group: this.group,
        index: entry.index,
      });
    });
    return slots;
  }

  /** For recovery: an entry found in the journal at `index`; truncates from there on first. */
  restore(index: LogIndex, slot: EntrySlot): void {
    this.#truncateFrom(index);
    this.#push(index, slot);
  }

  /** For the journal: forgets everything, as the group was dropped. */
  drop(): void {
    this.#truncateFrom(this.firstIndex);
    this.#unsubmitted = [];
  }

  #push(index: LogIndex, slot: EntrySlot): void {
    const last = this.lastIndex;
    invariant(index === last + 1, 'a log has no gaps', { group: this.group, index, last });
    invariant(slot.term >= this.termAt(last), 'terms never fall along a log', { group: this.group, index });
    this.#slots.push(slot);
  }

  #truncateFrom(index: LogIndex): void {
    invariant(index >= this.firstIndex, 'truncating inside the log', { group: this.group, index });
    for (const slot of this.#slots.splice(index - this.firstIndex)) {
      slot.live = false;
      this.#context.cache.remove(slot);
    }
  }

  #slotsWithin(from: LogIndex, to: LogIndex, bytesMax: number): EntrySlot[] {
    invariant(from >= this.firstIndex && from <= to && to <= this.lastIndex + 1, 'reading inside the log', {
      group: this.group,
      from,
      to,
      last: this.lastIndex,
    });
    const start = from - this.firstIndex;
    let end = start;
    let bytes = 0;
    for (; end < to - this.firstIndex; end++) {
      bytes += this.#slots[end]?.payloadBytes ?? 0;
      if (end > start && bytes > bytesMax) break;
    }
    return this.#slots.slice(start, end);
  }

  #readFailed(run: ColdRun, error: unknown): Error {
    if (error instanceof InvariantError) return error;
    const failure = error instanceof BellwetherError ? error : storageFailed('read', run.file.path, error);
    this.#context.onReadFailed(failure);
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
