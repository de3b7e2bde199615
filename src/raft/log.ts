/**
 * The Raft view of a group's log: terms by index, the commit index, and how far the disk has got. Pure.
 *
 * Pointers, all inclusive: durable <= last, commit <= last. `durable` may be behind `commit` (a quorum
 * of others has the entries) or ahead of it. Entries that `takeUnwritten` handed over are read back
 * through the `EntrySource`; newer ones are held here.
 */

import { invariant } from '../invariant.js';
import type { Membership } from './membership.js';
import { asLogIndex, asTerm, type Entry, type LogIndex, type Term } from './types.js';

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
}

/** What a restart recovers. */
export interface RecoveredLog {
  readonly lastIndex: LogIndex;
  /** Term of the entry at an index in [1, lastIndex]. */
  termAt(index: LogIndex): Term;
}

interface TermRun {
  readonly term: Term;
  readonly first: LogIndex;
}

interface Write {
  readonly sequence: number;
  /** Last index that this write makes durable; lowered when a truncation takes entries back. */
  last: LogIndex;
}

const ZERO_TERM = asTerm(0);

export class RaftLog {
  readonly #source: EntrySource;
  readonly #observer: LogObserver | undefined;
  /** One element for each change of term: a log of millions of entries has a handful. */
  readonly #runs: TermRun[] = [];
  #unwritten: Entry[] = [];
  #writes: Write[] = [];
  #last = asLogIndex(0);
  #durable = asLogIndex(0);
  #commit = asLogIndex(0);

  constructor(
    source: EntrySource,
    recovered: RecoveredLog | undefined,
    commit: LogIndex,
    observer?: LogObserver,
  ) {
    this.#source = source;
    this.#observer = observer;
    if (recovered !== undefined) {
      for (let index = 1; index <= recovered.lastIndex; index++) {
        this.#pushTerm(asLogIndex(index), recovered.termAt(asLogIndex(index)));
      }
      this.#last = recovered.lastIndex;
      this.#durable = recovered.lastIndex;
    }
    invariant(commit <= this.#last, 'the commit index is never ahead of the log', {
      commit,
      last: this.#last,
    });
    this.#commit = commit;
  }

  get lastIndex(): LogIndex {
    return this.#last;
  }

  get lastTerm(): Term {
    return this.termAt(this.#last) ?? ZERO_TERM;
  }

  /** Every entry up to here is on this replica's disk. */
  get durableIndex(): LogIndex {
    return this.#durable;
  }

  get commitIndex(): LogIndex {
    return this.#commit;
  }

  /** Term of the entry at `index`; 0 at index 0; undefined beyond the end. */
  termAt(index: LogIndex): Term | undefined {
    if (index > this.#last) return undefined;
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i];
      if (run !== undefined && run.first <= index) return run.term;
    }
    return ZERO_TERM;
  }

  /** True when a candidate's log is at least as complete as this one (Raft section 5.4.1). */
  isUpToDate(lastIndex: LogIndex, lastTerm: Term): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.#last);
  }

  /** Appends a leader's own entry. */
  append(entry: Entry): void {
    invariant(entry.index === this.#last + 1, 'a log has no gaps', { index: entry.index, last: this.#last });
    invariant(entry.term >= this.lastTerm, 'terms never fall along a log');
    this.#pushTerm(entry.index, entry.term);
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
    invariant(from >= 1 && from <= this.#last, 'reading inside the log', { from, last: this.#last });
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
    let candidate = Math.min(index, this.#last);
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i];
      if (run === undefined || candidate < run.first) continue;
      if (run.term <= term) break;
      candidate = run.first - 1;
    }
    return asLogIndex(candidate);
  }

  /** Advances the commit index; never moves it back. */
  commitTo(index: LogIndex): boolean {
    if (index <= this.#commit) return false;
    invariant(index <= this.#last, 'commit stays inside the log', { index, last: this.#last });
    this.#commit = index;
    return true;
  }

  /** Hands the entries over that are to be written with write `sequence`. */
  takeUnwritten(sequence: number): readonly Entry[] {
    const entries = this.#unwritten;
    this.#unwritten = [];
    if (entries.length > 0) this.#writes.push({ sequence, last: this.#last });
    return entries;
  }

  get hasUnwritten(): boolean {
    return this.#unwritten.length > 0;
  }

  /**
   * Learns that write `sequence` and all before it are on disk. A truncation has lowered what earlier
   * writes are worth, so a late confirmation never covers entries that replaced theirs (the ABA race
   * of etcd's async storage transcripts).
   */
  persisted(sequence: number): void {
    let done = 0;
    for (const write of this.#writes) {
      if (write.sequence > sequence) break;
      if (write.last > this.#durable) this.#durable = write.last;
      done += 1;
    }
    if (done > 0) this.#writes = this.#writes.slice(done);
    invariant(this.#durable <= this.#last, 'nothing beyond the log is durable');
  }

  #truncateFrom(index: LogIndex): void {
    invariant(index > this.#commit, 'a committed entry is never truncated (I7)', {
      index,
      commit: this.#commit,
    });
    const last = asLogIndex(index - 1);
    while ((this.#runs.at(-1)?.first ?? 0) >= index) this.#runs.pop();
    const firstUnwritten = this.#unwritten[0]?.index;
    if (firstUnwritten !== undefined) this.#unwritten.length = Math.max(0, index - firstUnwritten);
    for (const write of this.#writes) if (write.last > last) write.last = last;
    if (this.#durable > last) this.#durable = last;
    this.#last = last;
    this.#observer?.truncatedFrom(index);
  }

  #pushTerm(index: LogIndex, term: Term): void {
    if (this.#runs.at(-1)?.term !== term) this.#runs.push({ term, first: index });
  }
}
