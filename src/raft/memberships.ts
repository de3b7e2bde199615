/**
 * The memberships of a log: the one before it, and those of its entries. Pure.
 *
 * A membership is in force on a replica that knows it committed, as in etcd/raft; not from its append, as in
 * Ongaro's thesis (section 4.1). There a voter that is being removed, and has the longest log, neither
 * campaigns nor lets others win, until enough of the rest come back (thesis figure 4.6).
 *
 * What is known does not depend on the commit index alone, which a restart may forget: a leader appends a
 * membership only when the one before it is committed (changes.ts), so of those in a log all but the newest
 * are committed. So any two replicas that could be elected in one term use memberships that are equal or
 * neighbours, and their majorities share a voter (I3, I12): one that uses an older membership still lacks the
 * entry of the newest, which a majority of the one between them has on disk.
 */

import { invariant } from '../invariant.js';
import type { Membership } from './membership.js';
import type { LogIndex } from './types.js';

/** A membership, and the entry that holds it; 0 for the one that the group was made with. */
export interface MembershipAt {
  readonly index: LogIndex;
  readonly membership: Membership;
}

export class Memberships {
  /** That before the log first, then those in it, ascending. */
  #known: MembershipAt[];

  constructor(before: MembershipAt, later: readonly MembershipAt[]) {
    this.#known = [before, ...later];
  }

  /** The last in the log, committed or not. */
  get newest(): MembershipAt {
    const newest = this.#known.at(-1);
    invariant(newest !== undefined, 'a log has a membership');
    return newest;
  }

  /** In force for a replica that knows of commits up to `commit`. */
  inForce(commit: LogIndex): MembershipAt {
    const { newest } = this;
    return newest.index <= commit ? newest : (this.#known.at(-2) ?? newest);
  }

  /** The last at or before `index`, which is not before the log. */
  at(index: LogIndex): MembershipAt {
    const found = this.#known.findLast((one) => one.index <= index);
    invariant(found !== undefined, 'there is a membership at every index of the log', { index });
    return found;
  }

  push(index: LogIndex, membership: Membership): void {
    this.#known.push({ index, membership });
  }

  /** Forgets those of the entries at `index` and behind, which are not committed. */
  cutFrom(index: LogIndex): void {
    while (this.#known.length > 1 && this.newest.index >= index) this.#known.pop();
  }

  /** Forgets what was before the one at `index`. */
  beginAfter(index: LogIndex): void {
    this.#known = [this.at(index), ...this.#known.filter((one) => one.index > index)];
  }
}
