/** What a checker throws: a broken invariant of the cluster as a whole. */

export class Violation extends Error {
  /** Number of the invariant in the proof's list, such as I3. */
  readonly invariant: string;

  constructor(invariant: string, message: string, facts: Readonly<Record<string, unknown>> = {}) {
    super(`${invariant}: ${message} ${JSON.stringify(facts)}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}

export function holds(
  condition: boolean,
  invariant: string,
  message: string,
  facts?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new Violation(invariant, message, facts);
}
