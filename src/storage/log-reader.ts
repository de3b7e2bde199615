/** Puts together what is read of one group's log: from segments first, from the tail then. */
import { ColdEntries, type SegmentAccess } from './cold-entries.js';
import type { EntrySlot } from './entry-slot.js';
import { FoundEntries } from './found-entries.js';
import type { GroupLogContext } from './group-log-context.js';
import type { RecordTarget, StoredLog } from './stored-log.js';
import { invariant } from '../invariant.js';
import { asLogIndex, type Entry, type GroupId, type LogIndex } from '../raft/types.js';

/** An asynchronous read that is under way, and from where on the log was cut meanwhile. */
interface Reader {
  cutAt: number;
}

/** What a `GroupLog` shows to its reader. */
interface ReadableLog {
  readonly group: GroupId;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly stored: StoredLog | undefined;
  readonly storedLastIndex: LogIndex;
  slotsWithin(from: LogIndex, to: LogIndex, bytesMax: number): EntrySlot[];
}

/** The methods are those of `GroupLog` of the same name. */
export class LogReader {
  readonly #log: ReadableLog;
  readonly #access: SegmentAccess | undefined;
  readonly #cold: ColdEntries;
  readonly #readers = new Set<Reader>();

  constructor(log: ReadableLog, { segments, onReadFailed }: GroupLogContext) {
    this.#log = log;
    this.#access = segments;
    this.#cold = new ColdEntries(log.group, onReadFailed);
  }

  entries(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] {
    const found = new FoundEntries(from, bytesMax);
    this.#checkRange(from, to);
    while (found.next < to && found.hasRoom) {
      if (found.next > this.#log.storedLastIndex) {
        found.add(this.#cold.slotsSync(this.#log.slotsWithin(found.next, to, found.bytesLeft), found.next));
        break;
      }
      const { access, stored, end } = this.#storedPart(to);
      const reading = stored.entries(found.next, end, found.bytesLeft, access.samples);
      found.add(this.#cold.segmentsSync(access, reading));
    }
    return found.entries;
  }

  async readEntries(from: LogIndex, to: LogIndex, bytesMax: number): Promise<Entry[]> {
    this.#checkRange(from, to);
    const reader: Reader = { cutAt: Infinity };
    this.#readers.add(reader);
    try {
      const found = await this.#read(reader, to, new FoundEntries(from, bytesMax));
      return found.filter(({ index }) => index < reader.cutAt);
    } finally {
      this.#readers.delete(reader);
    }
  }

  async locate(index: LogIndex, target: RecordTarget): Promise<LogIndex> {
    if (index > this.#log.storedLastIndex || index < this.#log.firstIndex) return index;
    const { access, stored } = this.#storedPart(index);
    const found = await this.#cold.segments(access, stored.locate(index, target, access.samples));
    return found ?? index;
  }

  /** Entries at `index` and behind are gone from the log: whoever is reading them must not return them. */
  cutFrom(index: LogIndex): void {
    for (const reader of this.#readers) reader.cutAt = Math.min(reader.cutAt, index);
  }

  async #read(reader: Reader, to: LogIndex, found: FoundEntries): Promise<Entry[]> {
    const log = this.#log;
    const isThere = (): boolean => found.next < reader.cutAt && found.next >= log.firstIndex;
    while (found.next < to && found.hasRoom && isThere()) {
      if (found.next > log.storedLastIndex) {
        const slots = log.slotsWithin(found.next, to, found.bytesLeft);
        found.add(await this.#cold.slots(slots, found.next));
        break;
      }
      const { access, stored, end } = this.#storedPart(to);
      const reading = stored.entries(found.next, end, found.bytesLeft, access.samples);
      const read = await this.#cold.segments(access, reading);
      if (read === undefined) break;
      found.add(read);
    }
    return found.entries;
  }

  #checkRange(from: LogIndex, to: LogIndex): void {
    const { group, firstIndex, lastIndex } = this.#log;
    const isInside = from >= firstIndex && from <= to && to <= lastIndex + 1;
    invariant(isInside, 'reading inside the log', { group, from, to, last: lastIndex });
  }

  /** How to read entries before `to` that are in segments. */
  #storedPart(to: LogIndex): {
    readonly access: SegmentAccess;
    readonly stored: StoredLog;
    readonly end: LogIndex;
  } {
    const { stored, storedLastIndex } = this.#log;
    invariant(stored !== undefined && this.#access !== undefined, 'what is in segments can be read');
    return { access: this.#access, stored, end: asLogIndex(Math.min(to, storedLastIndex + 1)) };
  }
}
