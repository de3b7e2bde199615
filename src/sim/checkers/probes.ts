/** L4: a leader finds where a follower's log agrees with its own within a bounded number of probes. */

import type { Append } from '../../raft/messages.js';
import type { Progress } from '../../raft/progress.js';
import { holds } from './violation.js';

/** Places beyond those that the terms of two logs give. */
const PLACES_MORE = 3;

/** One way back through the leader's log. */
interface Search {
  /** Where it has probed, descending. A probe that is sent again goes to the same place. */
  readonly places: number[];
  distinctTerms: number;
}

/**
 * Counted is what the leader asks, and not what a follower refuses: appends that arrive late, after the end of
 * their stream, were pipelined from a known match, and one of them is refused at each index without that
 * anybody probes there. A search belongs to what the leader knows of one disk of a follower, so another disk
 * begins another search; so does a match that was found and lost with the link.
 */
export class Probes {
  readonly #searches = new WeakMap<Readonly<Progress>, Search>();
  /** Most places at which one leader probed in one search, the first left out. */
  most = 0;

  /** @param distinctTerms Terms along the follower's log: each costs one place, and so do those of the leader's. */
  asked(group: number, append: Append, progress: Readonly<Progress>, distinctTerms: number): void {
    if (progress.state !== 'probe') {
      this.#searches.delete(progress);
      return;
    }
    const { from, to, term, prevLogIndex: place } = append;
    let search = this.#searches.get(progress);
    const last = search?.places.at(-1);
    if (last === place) return;
    // It only goes back: a probe further on begins behind a match.
    if (search === undefined || (last !== undefined && place > last)) search = { places: [], distinctTerms };
    this.#searches.set(progress, search);
    search.places.push(place);
    search.distinctTerms = Math.max(search.distinctTerms, distinctTerms);
    const refused = search.places.length - 1;
    if (refused > this.most) this.most = refused;
    const facts = { group, from, to, term, places: search.places, distinctTerms: search.distinctTerms };
    holds(refused <= 2 * search.distinctTerms + PLACES_MORE, 'L4', 'a probe goes back term by term', facts);
  }
}
