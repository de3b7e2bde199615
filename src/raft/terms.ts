/** The term of every index of a log, as runs: a log of millions of entries has a handful. Pure. */

import { asLogIndex, type LogIndex, type Term } from './types.js';

/** Entries of one term in a row, up to the next run. */
export interface TermRun {
  readonly term: Term;
  readonly first: LogIndex;
}

/** What a restart knows of the terms of a log. */
export interface RecoveredTerms {
  /** Term of the entry at an index that the log has. */
  termAt(index: LogIndex): Term;
  /** As `Terms.runs`; without, each entry is asked for. */
  readonly termRuns?: readonly TermRun[];
}

export class Terms {
  /** Ascending by index. The first run begins at the entry before the log. */
  #runs: TermRun[];

  /** @param index The entry before the first of the log, and its term; 0 and 0 for a whole log. */
  constructor(index: LogIndex, term: Term) {
    this.#runs = [{ term, first: index }];
  }

  /** Takes over the terms of a log that begins with the same entry, up to `last`. */
  recover(log: RecoveredTerms, last: LogIndex): void {
    if (log.termRuns !== undefined) {
      this.#runs = [...log.termRuns];
      return;
    }
    const [base] = this.#runs;
    for (let index = (base?.first ?? 0) + 1; index <= last; index++) {
      this.push(asLogIndex(index), log.termAt(asLogIndex(index)));
    }
  }

  /** Ascending; the first begins at the entry before the log. */
  get runs(): readonly TermRun[] {
    return this.#runs;
  }

  /** Term of the entry at `index`, which is not beyond the end; undefined before the log. */
  at(index: LogIndex): Term | undefined {
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i];
      if (run !== undefined && run.first <= index) return run.term;
    }
    return undefined;
  }

  push(index: LogIndex, term: Term): void {
    if (this.#runs.at(-1)?.term !== term) this.#runs.push({ term, first: index });
  }

  /** Forgets the entries at `index` and behind. */
  cutFrom(index: LogIndex): void {
    while ((this.#runs.at(-1)?.first ?? -1) >= index) this.#runs.pop();
  }

  /** Makes `index` the entry before the first of the log. */
  beginAfter(index: LogIndex, term: Term): void {
    this.#runs = [{ term, first: index }, ...this.#runs.filter((run) => run.first > index)];
  }

  /** The last index at or below `index` whose term is not above `term`; one before the log when none is. */
  lastNotAbove(index: LogIndex, term: Term): LogIndex {
    let candidate: number = index;
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs[i];
      if (run === undefined || candidate < run.first) continue;
      if (run.term <= term) break;
      candidate = run.first - 1;
    }
    return asLogIndex(Math.max(0, candidate));
  }
}
