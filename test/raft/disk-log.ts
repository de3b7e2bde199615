/** A log as it stands on a disk: a snapshot of what is gone, and the entries behind it. */

import { invariant } from '../../src/invariant.js';
import type { RecoveredLog, Snapshot } from '../../src/raft/log.js';
import { decodeMembership } from '../../src/raft/membership.js';
import {
  asLogIndex,
  asTerm,
  ENTRY_KIND,
  type Entry,
  type LogIndex,
  type Term,
} from '../../src/raft/types.js';

export class DiskLog {
  snapshot: Snapshot | undefined;
  entries: Entry[] = [];

  get baseIndex(): LogIndex {
    return this.snapshot?.index ?? asLogIndex(0);
  }

  get lastIndex(): LogIndex {
    return asLogIndex(this.baseIndex + this.entries.length);
  }

  at(index: number): Entry | undefined {
    return this.entries[index - this.baseIndex - 1];
  }

  termAt(index: number): Term | undefined {
    if (index === this.baseIndex) return this.snapshot?.term ?? asTerm(0);
    return this.at(index)?.term;
  }

  /** True when it has the entry, or a snapshot that stands for it. */
  covers(index: number, term: Term): boolean {
    return index < this.baseIndex || this.termAt(index) === term;
  }

  put(entry: Entry): void {
    invariant(entry.index > this.baseIndex && entry.index <= this.lastIndex + 1, 'a log has no gaps', {
      index: entry.index,
      base: this.baseIndex,
      last: this.lastIndex,
    });
    this.entries.length = entry.index - this.baseIndex - 1;
    this.entries.push(entry);
  }

  /** Takes the place of the entries up to it if the log has its entry, else of the whole log. */
  install(snapshot: Snapshot): void {
    const keeps = this.termAt(snapshot.index) === snapshot.term;
    this.entries = keeps ? this.entries.slice(snapshot.index - this.baseIndex) : [];
    this.snapshot = snapshot;
  }

  copyOf(other: DiskLog): void {
    this.snapshot = other.snapshot;
    this.entries = [...other.entries];
  }

  recover(): RecoveredLog {
    const { snapshot, lastIndex, entries } = this;
    const memberships = entries
      .filter(({ kind }) => kind === ENTRY_KIND.MEMBERSHIP)
      .map(({ index, payload }) => ({ index, membership: decodeMembership(payload) }));
    return { snapshot, lastIndex, memberships, termAt: (index) => this.termAt(index) ?? asTerm(0) };
  }
}
