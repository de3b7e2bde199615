/** Assertions that stay on in production. Pure. */

/** A broken invariant: a defect, never an operating error. */
export class InvariantError extends Error {
  constructor(message: string, facts: Readonly<Record<string, unknown>> | undefined) {
    super(
      facts === undefined
        ? `invariant broken: ${message}`
        : `invariant broken: ${message} ${JSON.stringify(facts)}`,
    );
    this.name = 'InvariantError';
  }
}

/** Throws unless `condition` holds. `facts` are printed with the message. */
export function invariant(
  condition: boolean,
  message: string,
  facts?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new InvariantError(message, facts);
}

/** Marks code that the types say cannot run. */
export function unreachable(value: never): never {
  throw new InvariantError('unreachable', { value });
}
