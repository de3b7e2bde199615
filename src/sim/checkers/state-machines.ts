/** I17: state machines that have applied the same entries are equal. */

import { holds } from './violation.js';

export class StateMachines {
  /** By group, then applied index: what the first replica there looked like. */
  readonly #seen = new Map<number, Map<number, string>>();

  check(group: number, applied: number, broker: string, describe: () => string): void {
    const seen = this.#seen.get(group) ?? new Map<number, string>();
    this.#seen.set(group, seen);
    const here = describe();
    const known = seen.get(applied);
    if (known === undefined) seen.set(applied, here);
    else
      holds(known === here, 'I17', 'equal logs make equal states', { group, applied, broker, known, here });
  }
}
