/**
 * What the history of leadership tells is true: whoever it says led a term was elected in it, it tells of each
 * term once, and every broker has it under the same sequence.
 */

import type { LeadershipChange } from '../../cluster/leadership-change.js';
import type { LeadershipHistoryView } from '../../cluster/leadership-history.js';
import type { ElectionSafety } from './election-safety.js';
import { holds } from './violation.js';

export class ToldLeaderships {
  readonly #elections: ElectionSafety;
  /** By sequence, as the first broker had it; undefined for one that was dropped before anybody looked. */
  readonly #told: (LeadershipChange | undefined)[] = [];
  /** The group and term of each. */
  readonly #terms = new Set<string>();

  constructor(elections: ElectionSafety) {
    this.#elections = elections;
  }

  /** Changes that were told of. */
  get count(): number {
    return this.#told.length;
  }

  /** Looks at what a broker has that none had before, and that it agrees on the newest it has. */
  check(broker: string, history: LeadershipHistoryView): void {
    const { lastSequence, trimmedSequence } = history;
    for (let sequence = this.#told.length + 1; sequence <= lastSequence; sequence++) {
      const change = history.at(sequence);
      holds(change !== undefined || sequence <= trimmedSequence, 'I17', 'the history has no gap', {
        ...{ broker, sequence, trimmedSequence, lastSequence },
      });
      if (change !== undefined) this.#checkNew(change);
      this.#told.push(change);
    }
    const newest = history.at(lastSequence);
    const known = this.#told[lastSequence - 1];
    if (newest === undefined || known === undefined) return;
    const same = newest.group === known.group && newest.term === known.term;
    holds(same, 'I17', 'one sequence is one change', { broker, newest, known });
  }

  #checkNew(change: LeadershipChange): void {
    const { group, term, leader, previousLeader, previousTerm } = change;
    const key = `${String(group)}/${String(term)}`;
    holds(!this.#terms.has(key), 'I17', 'a term is told of once', { change });
    this.#terms.add(key);
    const led = this.#elections.leaderOf(group, term);
    holds(led === leader, 'I3', 'whoever is told to lead was elected', { change, led });
    if (previousTerm === 0) return;
    const ledBefore = this.#elections.leaderOf(group, previousTerm);
    holds(ledBefore === previousLeader, 'I3', 'whoever is told to have led was elected', {
      ...{ change, ledBefore },
    });
    holds(previousTerm < term, 'I13', 'terms rise', { change });
  }
}
