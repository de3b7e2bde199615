/** Time and chance as the broker sees them: a port, so that the simulator can be the clock and the dice. */

import { randomUUID } from 'node:crypto';

export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch, for people and records only. */
  wallMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** A UUID that nobody else draws, in lower case. */
  newUuid(): string;
  /** Calls back once, `delayMs` from now. The returned function cancels. */
  schedule(delayMs: number, callback: () => void): () => void;
  /** Calls back after the input that is at hand has been taken in. */
  defer(callback: () => void): void;
  /** Calls back after what runs now and the promises that it settles, and before any other input. */
  soon(callback: () => void): void;
}

/** The clock of this process. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  random: () => Math.random(),
  newUuid: () => randomUUID(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, Math.max(0, Math.ceil(delayMs)));
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
  defer(callback) {
    setImmediate(callback);
  },
  soon(callback) {
    process.nextTick(callback);
  },
};
