/**
 * The readable log of one group: which entries it has, and their payloads, from memory, from the journal or
 * from segments. What is in it may not be on disk yet; the journal's listener says what is.
 *
 * Segments have the oldest entries, and memory knows nothing of each; the tail has a slot for every entry.
 */
import { EntrySlot } from './entry-slot.js';
import type { GroupLogContext } from './group-log-context.js';
import type { JournalFile } from './journal-file.js';
import { LogReader } from './log-reader.js';
import type { RecordTarget, StoredLog } from './stored-log.js';
import type { StoredGroup } from './stored-group.js';
import { invariant } from '../invariant.js';
import type { Snapshot } from '../raft/log.js';
import { decodeMembership, sameMembers } from '../raft/membership.js';
import type { MembershipAt } from '../raft/memberships.js';
import { type TermRun, Terms } from '../raft/terms.js';
import {
  asLogIndex,
  asTerm,
  type Entry,
  ENTRY_KIND,
  type GroupId,
  type LogIndex,
  type Term,
} from '../raft/types.js';

/** A snapshot on its way to the journal, and whether it took the place of the whole log. */
interface Installed {
  readonly snapshot: Snapshot;
  readonly replacedLog: boolean;
}

/** Made by `Journal.createGroupLog`, or by recovery. */
export class GroupLog {
  readonly group: GroupId;
  readonly #context: GroupLogContext;
  readonly #reader: LogReader;
  #terms = new Terms(asLogIndex(0), asTerm(0));
  #stored: StoredLog | undefined;
  /** Entries up to here are in `#stored`, as far as they are in the log; `firstIndex - 1` when none is. */
  #storedLast = asLogIndex(0);
  /** `#slots[i]` is the entry at index `#storedLast + 1 + i`. */
  #slots: EntrySlot[] = [];
  #memberships: MembershipAt[] = [];
  #snapshot: Snapshot | undefined;
  /** Appended or installed but not submitted yet, in that order; some may be truncated already. */
  #unsubmitted: (EntrySlot | Installed)[] = [];

  constructor(group: GroupId, context: GroupLogContext) {
    this.group = group;
    this.#context = context;
    this.#reader = new LogReader(this, context);
  }

  /** For recovery: what a checkpoint says of the group. */
  static stored(found: StoredGroup, context: GroupLogContext): GroupLog {
    const log = new GroupLog(found.group, context);
    log.#snapshot = found.snapshot;
    log.#memberships = [...found.memberships];
    log.#terms.recover({ termRuns: found.terms.runs, termAt: () => asTerm(0) }, found.lastIndex);
    log.#stored = found.log;
    log.#storedLast = found.lastIndex;
    return log;
  }

  /** What the log begins with; undefined while it has all entries from index 1 on. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** What the MEMBERSHIP entries of the log say, oldest first. */
  get memberships(): readonly MembershipAt[] {
    return this.#memberships;
  }

  /** Index of the oldest entry kept, or of the first to come. */
  get firstIndex(): LogIndex {
    return asLogIndex((this.#snapshot?.index ?? 0) + 1);
  }

  /** Index of the newest entry; without entries, that of the snapshot, or 0. */
  get lastIndex(): LogIndex {
    return asLogIndex(this.#storedLast + this.#slots.length);
  }

  /** What of the log, and of what it once was, stands in segments; undefined for nothing. */
  get stored(): StoredLog | undefined {
    return this.#stored;
  }

  /** Entries up to here stand in segments; `firstIndex - 1` when none does. */
  get storedLastIndex(): LogIndex {
    return this.#storedLast;
  }

  /** Log index at which each segment begins, ascending; the first may begin before the log. */
  get segmentStarts(): readonly LogIndex[] {
    return this.#stored?.segments.map(({ first }) => first) ?? [];
  }

  /** The terms of all entries; `Terms.runs`. */
  get termRuns(): readonly TermRun[] {
    return this.#terms.runs;
  }

  /** Term of the entry at `index` in [firstIndex - 1, lastIndex], the snapshot's included; 0 at index 0. */
  termAt(index: LogIndex): Term {
    const term = index > this.lastIndex ? undefined : this.#terms.at(index);
    invariant(term !== undefined, 'term of an entry outside the log', {
      index,
      first: this.firstIndex,
      last: this.lastIndex,
    });
    return term;
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
      this.#push(entry.index, slot, entry.payload);
      this.#unsubmitted.push(slot);
    }
  }

  /**
   * Makes the log begin with `snapshot`. When the entry at its index is here with its term, the entries up
   * to there are forgotten and the rest stays. Otherwise the log held something else, and the snapshot
   * takes the place of all of it: a conflicting rest would never fit behind it (B19).
   *
   * `Journal.submit` must follow with the same snapshot, in the same order as with entries.
   */
  install(snapshot: Snapshot): void {
    this.#unsubmitted.push({ snapshot, replacedLog: this.#beginWith(snapshot) });
  }

  /** Why the log cannot begin with `snapshot`; undefined when it can. */
  objectionTo({ index, term, membership }: Snapshot): string | undefined {
    const present = this.firstIndex - 1;
    if (index === 0 || term === 0) return `a snapshot stands for an entry, not for ${index} of term ${term}`;
    if (index < present) return `the snapshot goes back from ${present} to ${index}`;
    if (!this.#holds(index, term)) {
      return index === present ? `the snapshot at ${index} changes its term` : undefined;
    }
    const inForce = this.#memberships.findLast((logged) => logged.index <= index)?.membership;
    const known = inForce ?? this.#snapshot?.membership;
    if (known === undefined || sameMembers(known, membership)) return undefined;
    return `the snapshot at ${index} has another membership than the log`;
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
    return this.#reader.entries(from, to, bytesMax);
  }

  /**
   * As `entries`, without blocking on the disk.
   *
   * When the log is truncated or replaced while it reads, it returns only what comes before that: fewer
   * entries, or none. Entries of the journal that a snapshot of this same log makes it forget meanwhile are
   * returned all the same: they were committed, and what is committed stays true. Those of segments may be.
   */
  readEntries(from: LogIndex, to: LogIndex, bytesMax: number): Promise<Entry[]> {
    return this.#reader.readEntries(from, to, bytesMax);
  }

  /**
   * Log index at which to begin to read for a record: of the batch that holds it, or of an entry a little
   * before.
   * @param index Of an entry of the log that is not behind that batch, in the same segment if it is in one.
   */
  locate(index: LogIndex, target: RecordTarget): Promise<LogIndex> {
    return this.#reader.locate(index, target);
  }

  /** For the journal: takes the slots of the entries that are submitted, which are those appended first. */
  takeUnsubmitted(entries: readonly Entry[]): EntrySlot[] {
    const taken = this.#unsubmitted.splice(0, entries.length);
    return entries.map((entry, i) => {
      const slot = taken[i];
      invariant(
        slot instanceof EntrySlot && slot.entry === entry,
        'entries are submitted as they were appended to the log',
        { group: this.group, index: entry.index },
      );
      return slot;
    });
  }

  /** For the journal: takes the snapshot that is submitted. Returns true when it replaced the whole log. */
  takeUnsubmittedSnapshot(snapshot: Snapshot): boolean {
    const installed = this.#unsubmitted.shift();
    invariant(
      installed !== undefined && !(installed instanceof EntrySlot) && installed.snapshot === snapshot,
      'a snapshot is submitted as it was installed in the log',
      { group: this.group, index: snapshot.index },
    );
    return installed.replacedLog;
  }

  /** For the journal: entries that stand in its files up to `sequence` are in `stored` now as well. */
  moveToSegments(sequence: number, stored: StoredLog): void {
    const count = this.#slots.findIndex(({ file }) => file === undefined || file.sequence > sequence);
    const moved = this.#slots.slice(0, count < 0 ? this.#slots.length : count);
    if (moved.length === 0) return;
    this.#slots = this.#slots.slice(moved.length);
    this.#stored = stored;
    this.#storedLast = asLogIndex(this.#storedLast + moved.length);
    this.#forget(moved);
  }

  /** Payload bytes of the entries that stand in this file of the journal and nowhere else. */
  bytesIn(file: JournalFile): number {
    return this.#slots.reduce((sum, slot) => (slot.file === file ? sum + slot.payloadBytes : sum), 0);
  }

  /** For recovery: an entry found in the journal at `index`; truncates from there on first. */
  restore(index: LogIndex, slot: EntrySlot, payload: Uint8Array): void {
    this.#truncateFrom(index);
    this.#push(index, slot, payload);
  }

  /** For recovery: as `install`, of a snapshot found in the journal. Returns true when it replaced the log. */
  restoreSnapshot(snapshot: Snapshot): boolean {
    return this.#beginWith(snapshot);
  }

  /** For the journal: forgets everything, as the group was dropped. */
  drop(): void {
    this.#truncateFrom(this.firstIndex);
    this.#snapshot = undefined;
    this.#terms = new Terms(asLogIndex(0), asTerm(0));
    this.#storedLast = asLogIndex(0);
    this.#unsubmitted = [];
  }

  /** Returns true when the whole log was replaced. */
  #beginWith(snapshot: Snapshot): boolean {
    const objection = this.objectionTo(snapshot);
    invariant(objection === undefined, 'a log begins with a snapshot that fits it', {
      group: this.group,
      objection,
    });
    const { index, term } = snapshot;
    const keepsRest = this.#holds(index, term);
    if (keepsRest) {
      this.#forget(this.#slots.splice(0, Math.max(0, index - this.#storedLast)));
      this.#memberships = this.#memberships.filter((logged) => logged.index > index);
      this.#terms.beginAfter(index, term);
      this.#storedLast = asLogIndex(Math.max(this.#storedLast, index));
    } else {
      this.#truncateFrom(this.firstIndex);
      this.#terms = new Terms(index, term);
      this.#storedLast = index;
    }
    this.#snapshot = snapshot;
    return !keepsRest;
  }

  /** True when the entry at `index`, or the snapshot there, has this term. */
  #holds(index: LogIndex, term: Term): boolean {
    return index >= this.firstIndex - 1 && index <= this.lastIndex && this.termAt(index) === term;
  }

  #push(index: LogIndex, slot: EntrySlot, payload: Uint8Array): void {
    const last = this.lastIndex;
    invariant(index === last + 1, 'a log has no gaps', { group: this.group, index, last });
    invariant(slot.term >= this.termAt(last), 'terms never fall along a log', { group: this.group, index });
    if (slot.kind === ENTRY_KIND.MEMBERSHIP) {
      this.#memberships.push({ index, membership: decodeMembership(payload) });
    }
    this.#slots.push(slot);
    this.#terms.push(index, slot.term);
  }

  #truncateFrom(index: LogIndex): void {
    invariant(index >= this.firstIndex, 'truncating inside the log', { group: this.group, index });
    const gone = this.#slots.splice(Math.max(0, index - this.#storedLast - 1));
    this.#forget(gone);
    if (index <= this.#storedLast) this.#storedLast = asLogIndex(index - 1);
    if (index <= this.lastIndex + gone.length) this.#terms.cutFrom(index);
    this.#reader.cutFrom(index);
    while ((this.#memberships.at(-1)?.index ?? -1) >= index) this.#memberships.pop();
  }

  #forget(slots: readonly EntrySlot[]): void {
    for (const slot of slots) {
      slot.live = false;
      this.#context.cache.remove(slot);
    }
  }

  /** Slots from `from`, behind `storedLastIndex`, up to `to` and as `entries` bounds them. */
  slotsWithin(from: LogIndex, to: LogIndex, bytesMax: number): EntrySlot[] {
    const start = from - this.#storedLast - 1;
    const stop = Math.min(to, this.lastIndex + 1) - this.#storedLast - 1;
    let end = start;
    let bytes = 0;
    for (; end < stop; end++) {
      bytes += this.#slots[end]?.payloadBytes ?? 0;
      if (end > start && bytes > bytesMax) break;
    }
    return this.#slots.slice(start, end);
  }
}
