/** Owns bounded waiting: for a condition, for a while. */
import { setTimeout as pause } from 'node:timers/promises';

/** Longest wait for anything that a healthy cluster does, in milliseconds. */
const WITHIN_MS = 30_000;

/** Pause between two looks in milliseconds: frequent enough, and no load by itself. */
const LOOK_MS = 10;

/**
 * Waits until `condition` holds. One that throws does not hold yet.
 *
 * @param {string} what Completes the sentence "never: ...".
 * @param {() => Promise<boolean>} condition
 * @param {number} [withinMs]
 */
export async function until(what, condition, withinMs = WITHIN_MS) {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    /** @type {unknown} */
    let cause;
    try {
      if (await condition()) return;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadlineMs) throw new Error(`never: ${what}`, { cause });
    await pause(LOOK_MS);
  }
}

/**
 * Settles as `promise`, or rejects when that takes too long.
 *
 * @template T
 * @param {string} what Completes the sentence "never: ...".
 * @param {Promise<T>} promise
 * @param {number} [withinMs]
 * @returns {Promise<T>}
 */
export async function inTime(what, promise, withinMs = WITHIN_MS) {
  const timer = new AbortController();
  const tooLate = pause(withinMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`never: ${what}`);
  });
  tooLate.catch(() => undefined);
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    timer.abort();
  }
}
