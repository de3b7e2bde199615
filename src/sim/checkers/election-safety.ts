/** I3, one leader per term; I10, a leader has all that was committed before; I13, terms never fall. */

import type { Committed } from './committed.js';
import type { ReplicaChange } from './replica-view.js';
import { holds } from './violation.js';

export class ElectionSafety {
  /** Who led, as "group/term". */
  readonly #leaders = new Map<string, string>();
  readonly #committed: Committed;

  constructor(committed: Committed) {
    this.#committed = committed;
  }

  /** Leaderships that began. */
  get elections(): number {
    return this.#leaders.size;
  }

  /** The broker that was elected in a term; undefined for none. */
  leaderOf(group: number, term: number): string | undefined {
    return this.#leaders.get(`${String(group)}/${String(term)}`)?.replace(/#\d+$/, '');
  }

  check({ view, before }: ReplicaChange): void {
    const { group, term, broker, life } = view;
    holds(term >= before.term, 'I13', 'a term never falls', { group, broker, term, before: before.term });
    if (view.role !== 'leader' || (before.role === 'leader' && before.term === term)) return;
    const key = `${String(group)}/${String(term)}`;
    const who = `${broker}#${String(life)}`;
    const known = this.#leaders.get(key);
    holds(known === undefined || known === who, 'I3', 'one leader per term', { group, term, known, who });
    this.#leaders.set(key, who);
    this.#committed.checkLeader(view);
  }
}
