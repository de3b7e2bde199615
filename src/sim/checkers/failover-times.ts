/** L6: how long a group is without commits when its leader's process dies, in simulated time. */

import type { ReplicaView } from './replica-view.js';

interface Death {
  readonly atMs: number;
  readonly term: number;
}

export class FailoverTimes {
  /** Done ones, in milliseconds, in the order of their end. */
  readonly times: number[] = [];
  readonly #nowMs: () => number;
  readonly #newestTerm = new Map<number, number>();
  readonly #open = new Map<number, Death>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The newest leader of a group dies; one that was replaced already is missed by nobody. */
  died(views: readonly ReplicaView[]): void {
    for (const { group, term, role } of views) {
      if (role !== 'leader' || term < (this.#newestTerm.get(group) ?? 0)) continue;
      if (!this.#open.has(group)) this.#open.set(group, { atMs: this.#nowMs(), term });
    }
  }

  led(group: number, term: number): void {
    this.#newestTerm.set(group, Math.max(term, this.#newestTerm.get(group) ?? 0));
  }

  /** An entry of this term is committed for the first time. */
  committed(group: number, term: number): void {
    const death = this.#open.get(group);
    if (death === undefined || term <= death.term) return;
    this.#open.delete(group);
    this.times.push(this.#nowMs() - death.atMs);
  }
}
