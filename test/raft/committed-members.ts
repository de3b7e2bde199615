/**
 * The memberships that a group has committed, as the checks see them: told by the committed entries alone,
 * whatever the replicas believe.
 */

import { decodeMembership, type Membership, sameMembers } from '../../src/raft/membership.js';
import type { MembershipAt } from '../../src/raft/memberships.js';
import type { Raft } from '../../src/raft/raft.js';
import { asLogIndex, type BrokerId, ENTRY_KIND, type Entry } from '../../src/raft/types.js';
import type { Replica } from './invariants.js';
import { holds } from './never-stuck.js';

export class CommittedMembers {
  readonly #known: MembershipAt[];

  constructor(initialVoters: readonly BrokerId[]) {
    this.#known = [{ index: asLogIndex(0), membership: { voters: initialVoters, learners: [] } }];
  }

  /** Memberships that were committed, that of the beginning left out. */
  get count(): number {
    return this.#known.length - 1;
  }

  /**
   * Whose majority may commit what comes next: those of the newest, and of the one before it, by which a
   * leader counts that does not know yet that the newest is committed. The two share a voter (memberships.ts).
   */
  get deciding(): readonly Membership[] {
    return this.#known.slice(-2).map(({ membership }) => membership);
  }

  /** In force at `index`. */
  at(index: number): Membership {
    const found = this.#known.findLast((one) => one.index <= index);
    return found?.membership ?? { voters: [], learners: [] };
  }

  /** Takes in the next committed entry. Memberships that follow each other differ by one voter at most (I12). */
  push(replica: Replica, { kind, index, payload }: Entry): void {
    if (kind !== ENTRY_KIND.MEMBERSHIP) return;
    const membership = decodeMembership(payload);
    const { voters } = this.at(Infinity);
    const added = membership.voters.filter((id) => !voters.includes(id)).length;
    const removed = voters.filter((id) => !membership.voters.includes(id)).length;
    holds(added + removed <= 1, 'I12: neighbouring memberships share a voter in all quorums', replica);
    this.#known.push({ index, membership });
  }

  /** What a replica holds for in force is committed, and is what is in force there. */
  checkInForce(replica: Replica, raft: Raft, committed: number): void {
    const { membership, membershipIndex } = raft;
    const same = membershipIndex <= committed && sameMembers(this.at(membershipIndex), membership);
    holds(same, 'I11: a membership in force is committed', replica);
  }
}
