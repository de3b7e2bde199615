/** Looks at promises without waiting for them, and at the errors that they reject with. */

import { BellwetherError, type Reason } from '../../src/errors.js';

export type Outcome<T> =
  | { readonly state: 'pending' }
  | { readonly state: 'resolved'; readonly value: T }
  | { readonly state: 'rejected'; readonly reason: Reason };

/** Follows a promise; `state()` lets everything that waits for promises only come to rest first. */
export class Watched<T> {
  #outcome: Outcome<T> = { state: 'pending' };

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => {
        this.#outcome = { state: 'resolved', value };
      },
      (error: unknown) => {
        this.#outcome = {
          state: 'rejected',
          reason: error instanceof BellwetherError ? error.reason : 'INTERNAL',
        };
      },
    );
  }

  async outcome(): Promise<Outcome<T>> {
    await settled();
    return this.#outcome;
  }

  get now(): Outcome<T> {
    return this.#outcome;
  }
}

/** Resolves after everything that waits for promises only. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** The error that a promise rejects with; fails when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<BellwetherError> {
  const error: unknown = await promise.then(
    (value) => new Error(`it resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof BellwetherError) return error;
  throw error;
}
