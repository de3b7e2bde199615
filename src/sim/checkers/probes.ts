/** L4: a leader finds where a follower's log agrees with its own within a bounded number of refusals. */

import type { AppendReply } from '../../raft/messages.js';
import { holds } from './violation.js';

/** Places beyond those that the terms of two logs give. */
const PLACES_MORE = 3;

export class Probes {
  /** By group, term and follower: where it refused. A probe that is sent again finds the same place. */
  readonly #refused = new Map<string, Set<number>>();
  /** Most places at which one follower refused in one term. */
  most = 0;

  /** @param distinctTerms Terms along the follower's log: each costs one place, and so do those of the leader's. */
  answered(group: number, reply: AppendReply, distinctTerms: number): void {
    if (reply.accepted) return;
    const { from, to, term, rejectedIndex } = reply;
    const key = `${String(group)}/${String(term)}/${from}/${to}`;
    const places = this.#refused.get(key) ?? new Set<number>();
    this.#refused.set(key, places.add(rejectedIndex));
    if (places.size > this.most) this.most = places.size;
    const facts = { group, from, to, term, places: [...places], distinctTerms };
    holds(places.size <= 2 * distinctTerms + PLACES_MORE, 'L4', 'a probe goes back term by term', facts);
  }
}
