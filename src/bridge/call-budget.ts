/** Owns how long one message may take: all its SDK calls together stay below the asker's patience. */
import type { CallOptions } from '../client/types.js';

/** Time for all SDK calls of one message. Maelstrom gives up after 5000 ms. */
export const CALL_TIMEOUT_MS = 4000;

/** The time left to one message. */
export class CallBudget {
  readonly #deadlineMs = performance.now() + CALL_TIMEOUT_MS;

  /** Milliseconds left, at least 1, so that a call that comes too late fails in its own words. */
  get leftMs(): number {
    return Math.max(1, Math.ceil(this.#deadlineMs - performance.now()));
  }

  /** Options of the next SDK call. */
  call(): CallOptions {
    return { timeoutMs: this.leftMs };
  }
}
