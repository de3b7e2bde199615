/**
 * I11: a membership waits until the one before it, and an entry of the leader's own term, are committed; I12: a
 * leader has the votes of a quorum of the voters that were in force.
 */

import type { Committed, MembershipAt } from './committed.js';
import type { ReplicaChange, ReplicaView } from './replica-view.js';
import { holds } from './violation.js';

export class Memberships {
  readonly #committed: Committed;
  /** Who voted, as "group/term/candidate". */
  readonly #votes = new Map<string, Set<string>>();

  constructor(committed: Committed) {
    this.#committed = committed;
  }

  voted(group: number, term: number, candidate: string, voter: string): void {
    const key = `${String(group)}/${String(term)}/${candidate}`;
    this.#votes.set(key, (this.#votes.get(key) ?? new Set([candidate])).add(voter));
  }

  check({ view, before }: ReplicaChange): void {
    const { group, broker, memberships, role, term } = view;
    const newest = memberships.at(-1);
    if (newest !== undefined) {
      const { terms } = this.#committed.chain(group);
      const earlier = memberships.at(-2)?.index ?? 0;
      const facts = { group, broker, newest: newest.index, earlier, committed: terms.length - 1 };
      holds(earlier < terms.length, 'I11', 'a membership waits for the one before', facts);
      const isOwn = role === 'leader' && newest.term === term;
      holds(
        !isOwn || (terms.at(-1) ?? 0) >= term,
        'I11',
        'a new leader commits before it changes members',
        facts,
      );
    }
    if (role === 'leader' && (before.role !== 'leader' || before.term !== term)) this.#checkElection(view);
  }

  #checkElection(view: ReplicaView): void {
    const { group, term, broker } = view;
    const votes = this.#votes.get(`${String(group)}/${String(term)}/${broker}`) ?? new Set([broker]);
    const known = this.#committed.membershipsOf(view).slice(-2);
    const wins = ({ voters }: MembershipAt): boolean =>
      2 * voters.filter((voter) => votes.has(voter)).length > voters.length;
    const facts = { group, term, broker, votes: [...votes], known };
    holds(known.some(wins), 'I12', 'a leader has the votes of a quorum of the voters', facts);
  }
}
