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
import type { Snapshot } from '../raft/log.js';
import { decodeMembership, type Membership, sameMembers } from '../raft/membership.js';
import {
  asLogIndex,
  asTerm,
  type Entry,
  ENTRY_KIND,
  type GroupId,
  type LogIndex,
  type Term,
} from '../raft/types.js';

/** What the logs of one journal share. */
export interface GroupLogContext {
  readonly cache: PayloadCache;
  /** Told of a read that failed or came back damaged: the disk can no longer be trusted. */
  readonly onReadFailed: (error: BellwetherError) => void;
}

/** A membership that the log holds, at the index of its entry. */
export interface LoggedMembership {
  readonly index: LogIndex;
  readonly membership: Membership;
}

/** A snapshot on its way to the journal. */
interface Installed {
  readonly snapshot: Snapshot;
  /** It took the place of the whole log. */
  readonly replacedLog: boolean;
}

/** Made by `Journal.createGroupLog`, or by recovery. */
export class GroupLog {
  readonly group: GroupId;
  readonly #context: GroupLogContext;
  /** `#slots[i]` is the entry at index `firstIndex + i`. */
  readonly #slots: EntrySlot[] = [];
  #memberships: LoggedMembership[] = [];
  #snapshot: Snapshot | undefined;
  /** Appended or installed but not submitted yet, in that order; some may be truncated already. */
  #unsubmitted: (EntrySlot | Installed)[] = [];

  constructor(group: GroupId, context: GroupLogContext) {
    this.group = group;
    this.#context = context;
  }

  /** What the log begins with; undefined while it has all entries from index 1 on. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** What the MEMBERSHIP entries of the log say, oldest first. */
  get memberships(): readonly LoggedMembership[] {
    return this.#memberships;
  }

  /** Index of the oldest entry kept, or of the first to come. */
  get firstIndex(): LogIndex {
    return asLogIndex((this.#snapshot?.index ?? 0) + 1);
  }

  /** Index of the newest entry; without entries, that of the snapshot, or 0. */
  get lastIndex(): LogIndex {
    return asLogIndex(this.firstIndex + this.#slots.length - 1);
  }

  /** Term of the entry at `index` in [firstIndex - 1, lastIndex], the snapshot's included; 0 at index 0. */
  termAt(index: LogIndex): Term {
    if (index === this.firstIndex - 1) return this.#snapshot?.term ?? asTerm(0);
    const slot = this.#slots[index - this.firstIndex];
    invariant(slot !== undefined, 'term of an entry outside the log', {
      index,
      first: this.firstIndex,
      last: this.lastIndex,
    });
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
   * When the log is truncated or replaced while it reads, it returns only what comes before that: fewer
   * entries, or none. Entries that a snapshot of this same log makes it forget meanwhile are returned all
   * the same: they were committed, and what is committed stays true.
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
    const cut = slots.findIndex((slot) => slot.truncated);
    return complete(cut < 0 ? found : found.slice(0, cut));
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
      this.#forget(this.#slots.splice(0, index - this.firstIndex + 1));
      this.#memberships = this.#memberships.filter((logged) => logged.index > index);
    } else this.#truncateFrom(this.firstIndex);
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
  }

  #truncateFrom(index: LogIndex): void {
    invariant(index >= this.firstIndex, 'truncating inside the log', { group: this.group, index });
    const gone = this.#slots.splice(index - this.firstIndex);
    for (const slot of gone) slot.truncated = true;
    this.#forget(gone);
    while ((this.#memberships.at(-1)?.index ?? -1) >= index) this.#memberships.pop();
  }

  #forget(slots: readonly EntrySlot[]): void {
    for (const slot of slots) {
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
