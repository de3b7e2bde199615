/** What may be sent again, when, and for how long one attempt may take. Decisions only, no clock. */
import type { BellwetherError, Reason } from '../errors.js';

/**
 * What sending a request twice can do.
 * - `read`: nothing.
 * - `idempotent_write`: the same as sending it once.
 * - `write`: something twice. Sent again only when it certainly was not applied.
 */
export type Effect = 'read' | 'idempotent_write' | 'write';

/** First pause between two attempts, in milliseconds; it doubles. */
export const PAUSE_MIN_MS = 20;

/** Longest pause between two attempts, in milliseconds. */
export const PAUSE_MAX_MS = 500;

/** Attempts in a row without a pause, at most: a hint may be followed by a hint, but not for ever. */
export const HOPS_WITHOUT_PAUSE_MAX = 3;

/** An attempt gets this part of the time left, so that a silent broker leaves time for the others. */
const ATTEMPT_SHARE = 1 / 3;

/** Less than this in milliseconds is not worth an attempt of its own: a slow broker is not a dead one. */
export const ATTEMPT_TIMEOUT_MIN_MS = 500;

/** With less time left than this in milliseconds no further attempt is begun: it could only time out. */
export const LAST_ATTEMPT_MIN_MS = 10;

/** Retryable by the table, but for the caller to decide. */
const CALLER_DECIDES: ReadonlySet<Reason> = new Set<Reason>([
  'FENCED_TERM', // The same expected term would be refused for ever.
  'TRANSFER_ABORTED', // Every attempt holds up writes for maxBlockMs, and that bound is the caller's.
]);

/** Failures after which another broker may know better at once. */
const ELSEWHERE_AT_ONCE: ReadonlySet<Reason> = new Set<Reason>([
  'NOT_LEADER',
  'LEADERSHIP_LOST',
  'SHUTTING_DOWN',
  'STORAGE_FAILED',
  'CONNECTION_FAILED',
  'CONNECTION_LOST',
  'REQUEST_TIMEOUT',
]);

/** Failures that say that the broker, or the way to it, is bad, whatever was asked. */
const BROKER_UNUSABLE: ReadonlySet<Reason> = new Set<Reason>([
  'SHUTTING_DOWN',
  'STORAGE_FAILED',
  'CONNECTION_FAILED',
  'CONNECTION_LOST',
  'REQUEST_TIMEOUT',
]);

/** What a leader says that is cut off from its followers; the others may have elected the next one. */
const NO_QUORUM_HEARD: ReadonlySet<Reason> = new Set<Reason>(['NOT_ENOUGH_REPLICAS', 'COMMIT_TIMEOUT']);

/** True when the same request may be sent again. A defect (INTERNAL) is reported, not hidden. */
export function maySendAgain(error: BellwetherError, effect: Effect): boolean {
  if (CALLER_DECIDES.has(error.reason) || error.reason === 'INTERNAL') return false;
  if (error.retryable) return true;
  return effect !== 'write' && error.row.retry === 'unknown_outcome';
}

/** True when the next attempt goes to another broker and need not wait. */
export function isElsewhereAtOnce(error: BellwetherError): boolean {
  return ELSEWHERE_AT_ONCE.has(error.reason);
}

/** True when others should be asked who leads before the same broker is asked again. */
export function isLeaderDoubtful(error: BellwetherError): boolean {
  return NO_QUORUM_HEARD.has(error.reason);
}

/** True when the broker should be left alone for a while. */
export function isBrokerUnusable(error: BellwetherError): boolean {
  return BROKER_UNUSABLE.has(error.reason);
}

/**
 * Pause before the attempt after the `pauses`-th pause (from 0), in milliseconds: exponential, with
 * half of it random so that clients of one failed leader do not come back together.
 * `random` is in [0, 1).
 */
export function pauseMs(pauses: number, random: number): number {
  const full = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(pauses, 16));
  return full * (0.5 + random / 2);
}

/**
 * How long the next attempt may take, in milliseconds.
 *
 * A write gets all the time left: to give up on it early would only make its outcome unknown.
 */
export function attemptTimeoutMs(options: {
  readonly effect: Effect;
  readonly remainingMs: number;
  /** What the broker may take by right, such as a long poll. */
  readonly expectedMs: number;
  readonly brokerCount: number;
}): number {
  const { effect, remainingMs, expectedMs, brokerCount } = options;
  if (effect === 'write' || brokerCount === 1) return remainingMs;
  const share = Math.max(ATTEMPT_TIMEOUT_MIN_MS + expectedMs, remainingMs * ATTEMPT_SHARE);
  return Math.min(remainingMs, share);
}
