/**
 * The Raft view of a group's log: terms by index, the commit index, and how far the disk has got. Pure.
 *
 * Pointers, all inclusive: base <= commit <= last, durable <= last. `base` is the last entry that is gone:
 * the snapshot stands for it and all before. `durable` may be behind `commit` (a quorum of others has the
 * entries) or ahead of it. Entries that `takeUnwritten` handed over are read back through the
 * `EntrySource`; newer ones are held here.
 */

import { invariant } from '../invariant.js';
import { Durable } from './durable.js';
import { decodeMembership, type Membership } from './membership.js';
import { type MembershipAt, Memberships } from './memberships.js';
import { type RecoveredTerms, Terms } from './terms.js';
import { asLogIndex, asTerm, type Entry, ENTRY_KIND, type LogIndex, type Term } from './types.js';

/** What a log begins with once its oldest entries are gone. */
export interface Snapshot {
  /** The last entry that it stands for, and its term. */
  readonly index: LogIndex;
  readonly term: Term;
  /** In force at `index`. */
  readonly membership: Membership;
  /** The state machine's part; opaque to Raft. */
  readonly data: Uint8Array;
}

/** Where entries are read once they have been handed over. */
export interface EntrySource {
  /** Entries in [from, to), at least one, stopping before `bytesMax` payload bytes are exceeded. */
  entries(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[];
}

/**
 * Told of every change of the log, in order, as it happens: what is on top (offsets, pending commands)
 * stays in step with the log, not with the disk.
 */
export interface LogObserver {
  appended(entry: Entry): void;
  /** Entries at `index` and above are gone. */
  truncatedFrom(index: LogIndex): void;
  /** The whole log, and what was made of it, is replaced by a snapshot of a later state. */
  restored(snapshot: Snapshot): void;
}

/** What a restart recovers. */
export interface RecoveredLog extends RecoveredTerms {
  /** What the log begins with; undefined for one that is whole. */
  readonly snapshot: Snapshot | undefined;
  /** Those of the entries that the log has, ascending. */
  readonly memberships: readonly MembershipAt[];
  readonly lastIndex: LogIndex;
}

/** What the disk does not have yet: the snapshot if it is new, and the entries behind. */
export interface Unwritten {
  readonly snapshot: Snapshot | undefined;
  readonly entries: readonly Entry[];
}

const ZERO_TERM = asTerm(0);
const BEFORE_FIRST = asLogIndex(0);

export class RaftLog {
  readonly #source: EntrySource;
  readonly #observer: LogObserver | undefined;
  readonly #terms: Terms;
  #memberships: Memberships;
  #snapshot: Snapshot | undefined;
  /** The snapshot is not handed over yet. */
  #snapshotUnwritten = false;
  #unwritten: Entry[] = [];
  readonly #durable: Durable;
  #last: LogIndex;
  #commit: LogIndex;

  /** @param initial In force before the first membership of the log. */
  constructor(
    source: EntrySource,
    initial: Membership,
    recovered: RecoveredLog | undefined,
    commit: LogIndex,
    observer?: LogObserver,
  ) {
    this.#source = source;
    this.#observer = observer;
    const snapshot = recovered?.snapshot;
    const base = snapshot?.index ?? BEFORE_FIRST;
    this.#snapshot = snapshot;
    this.#terms = new Terms(base, snapshot?.term ?? ZERO_TERM);
    this.#memberships = new Memberships(
      { index: base, membership: snapshot?.membership ?? initial },
      recovered?.memberships ?? [],
    );
    this.#last = recovered?.lastIndex ?? BEFORE_FIRST;
    if (recovered !== undefined) this.#terms.recover(recovered, this.#last);
    this.#durable = new Durable(this.#last);
    invariant(base <= this.#last && commit <= this.#last, 'base and commit index are inside the log (I14)', {
      base,
      commit,
      last: this.#last,
    });
    this.#commit = asLogIndex(Math.max(commit, base));
  }

  /** The last entry that is gone; 0 while none is. */
  get baseIndex(): LogIndex {
    return this.#snapshot?.index ?? BEFORE_FIRST;
  }

  /** What the log begins with; undefined while nothing is gone. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** In force. */
  get membership(): Membership {
    return this.#memberships.inForce(this.#commit).membership;
  }

  /** The entry that holds it; 0 for the one that the group was made with. */
  get membershipIndex(): LogIndex {
    return this.#memberships.inForce(this.#commit).index;
  }

  /** The last in the log, whether it is in force or not. */
  get newestMembership(): MembershipAt {
    return this.#memberships.newest;
  }

  get lastIndex(): LogIndex {
    return this.#last;
  }

  get lastTerm(): Term {
    return this.termAt(this.#last) ?? ZERO_TERM;
  }

  /** Every entry up to here is on this replica's disk. */
  get durableIndex(): LogIndex {
    return this.#durable.index;
  }

  /** Every entry up to here has been handed over to be written. */
  get handedOutIndex(): LogIndex {
    return this.#durable.handedOutIndex;
  }

  get commitIndex(): LogIndex {
    return this.#commit;
  }

  /** Term of the entry at `index`; 0 at index 0; undefined beyond the end, and before the base. */
  termAt(index: LogIndex): Term | undefined {
    return index > this.#last ? undefined : this.#terms.at(index);
  }

  /** True when a candidate's log is at least as complete as this one (Raft section 5.4.1). */
  isUpToDate(lastIndex: LogIndex, lastTerm: Term): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.#last);
  }

  /** Appends a leader's own entry. */
  append(entry: Entry): void {
    invariant(entry.index === this.#last + 1, 'a log has no gaps', { index: entry.index, last: this.#last });
    invariant(entry.term >= this.lastTerm, 'terms never fall along a log');
    this.#terms.push(entry.index, entry.term);
    if (entry.kind === ENTRY_KIND.MEMBERSHIP) {
      this.#memberships.push(entry.index, decodeMembership(entry.payload));
    }
    this.#unwritten.push(entry);
    this.#last = entry.index;
    this.#observer?.appended(entry);
  }

  /**
   * Stores a leader's entries behind a prefix that matches, as a follower (Raft section 5.3).
   *
   * Entries that are here already are skipped, so a late or repeated append never truncates; only a
   * real conflict does, and never at or below the commit index (I7).
   *
   * @returns Index of the last of `entries`, or `prev` when there are none.
   */
  appendAfter(prev: LogIndex, entries: readonly Entry[]): LogIndex {
    let skipped = 0;
    for (const entry of entries) {
      if (this.termAt(entry.index) !== entry.term) break;
      skipped += 1;
    }
    const fresh = entries.slice(skipped);
    const first = fresh[0];
    if (first !== undefined) {
      if (first.index <= this.#last) this.#truncateFrom(first.index);
      for (const entry of fresh) this.append(entry);
    }
    return asLogIndex(prev + entries.length);
  }

  /** Entries in [from, last], at least one, up to `bytesMax` payload bytes. */
  entries(from: LogIndex, bytesMax: number): readonly Entry[] {
    invariant(from > this.baseIndex && from <= this.#last, 'reading inside the log', {
      from,
      base: this.baseIndex,
      last: this.#last,
    });
    const firstUnwritten = this.#unwritten[0]?.index ?? this.#last + 1;
    if (from < firstUnwritten) return this.#source.entries(from, asLogIndex(firstUnwritten), bytesMax);
    const result: Entry[] = [];
    let bytes = 0;
    for (let i = from - firstUnwritten; i < this.#unwritten.length; i++) {
      const entry = this.#unwritten[i];
      if (entry === undefined) break;
      bytes += entry.payload.length;
      if (result.length > 0 && bytes > bytesMax) break;
      result.push(entry);
    }
    return result;
  }

  /**
   * Where the logs may agree at or below `index`, given that the other log has `term` there: the last
   * index whose term is not above. One probe for each term at most, on either side (etcd/raft,
   * `findConflictByTerm`).
   */
  findConflictByTerm(index: LogIndex, term: Term): LogIndex {
    return this.#terms.lastNotAbove(asLogIndex(Math.min(index, this.#last)), term);
  }

  /** Advances the commit index; never moves it back. */
  commitTo(index: LogIndex): boolean {
    if (index <= this.#commit) return false;
    invariant(index <= this.#last, 'commit stays inside the log', { index, last: this.#last });
    this.#commit = index;
    return true;
  }

  /** Hands over what is to be written with write `sequence`. */
  takeUnwritten(sequence: number): Unwritten {
    const entries = this.#unwritten;
    const snapshot = this.#snapshotUnwritten ? this.#snapshot : undefined;
    if (this.hasUnwritten) this.#durable.handedOut(sequence, this.#last);
    this.#unwritten = [];
    this.#snapshotUnwritten = false;
    return { snapshot, entries };
  }

  get hasUnwritten(): boolean {
    return this.#unwritten.length > 0 || this.#snapshotUnwritten;
  }

  /**
   * Forgets the entries up to `index`, for which `data`, a snapshot of the state machine, stands from now on.
   * They are committed and on disk.
   */
  compact(index: LogIndex, data: Uint8Array): void {
    const term = this.termAt(index);
    const known = index > this.baseIndex && index <= Math.min(this.#commit, this.durableIndex);
    invariant(known && term !== undefined, 'only what is committed and durable is compacted (I14)', {
      index,
      base: this.baseIndex,
      commit: this.#commit,
      durable: this.durableIndex,
    });
    this.#memberships.beginAfter(index);
    const { membership } = this.#memberships.at(index);
    this.#beginWith({ index, term, membership, data });
  }

  /**
   * Replaces the whole log by a leader's snapshot of what this replica lacks (Raft section 7). What is on
   * disk of the log before, as far as it is committed, is a part of what the snapshot stands for.
   */
  restore(snapshot: Snapshot): void {
    invariant(snapshot.index > this.#commit, 'a snapshot replaces only an earlier state (I14)', {
      index: snapshot.index,
      commit: this.#commit,
    });
    this.#durable.cutTo(this.#commit);
    this.#unwritten = [];
    this.#terms.cutFrom(BEFORE_FIRST);
    this.#memberships = new Memberships(snapshot, []);
    this.#beginWith(snapshot);
    this.#last = snapshot.index;
    this.#commit = snapshot.index;
    this.#observer?.restored(snapshot);
  }

  #beginWith(snapshot: Snapshot): void {
    this.#terms.beginAfter(snapshot.index, snapshot.term);
    this.#snapshot = snapshot;
    this.#snapshotUnwritten = true;
  }

  /** Learns that write `sequence` and all before it are on disk. */
  persisted(sequence: number): void {
    this.#durable.persisted(sequence);
    invariant(this.durableIndex <= this.#last, 'nothing beyond the log is durable');
  }

  #truncateFrom(index: LogIndex): void {
    invariant(index > this.#commit, 'a committed entry is never truncated (I7)', {
      index,
      commit: this.#commit,
    });
    const last = asLogIndex(index - 1);
    this.#terms.cutFrom(index);
    this.#memberships.cutFrom(index);
    const firstUnwritten = this.#unwritten[0]?.index;
    if (firstUnwritten !== undefined) this.#unwritten.length = Math.max(0, index - firstUnwritten);
    this.#durable.cutTo(last);
    this.#last = last;
    this.#observer?.truncatedFrom(index);
  }
}
