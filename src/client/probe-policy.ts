/** When a leader that does not answer is doubted, and how often others are asked. Decisions only, no clock. */

/**
 * How long an attempt may stay without an answer, in milliseconds, until others are asked who leads. A broker
 * that is well answers in a few; brokers notice each other's silence after 150 ms and more.
 */
export const PROBE_AFTER_MS = 100;

/** When the timer is later than this in milliseconds, this process was held up, and nobody else is doubted for it. */
export const OWN_LAG_MAX_MS = 20;

/** For a long poll: how much of the wait that it may take by right goes unasked, in milliseconds, at most. */
export const LONG_POLL_UNASKED_MAX_MS = 1000;

/** Longest pause between two probes about one partition, in milliseconds, unless its pace is longer. */
export const PROBE_PAUSE_MAX_MS = 250;

/** Pause between two probes as a part of the silence so far: the next leader is found at most this much later. */
const PROBE_PAUSE_SHARE = 1 / 8;

/** Bound of one probe in milliseconds. A broker that knows of an election waits for its outcome. */
export const PROBE_TIMEOUT_MS = 250;

/**
 * How long a write waits for the last word of the old leader, in milliseconds, where the brokers say that it is
 * alive: one that has handed over is about to tell what became of the write.
 */
export const LAST_WORD_MS = 250;

/** After how many milliseconds an attempt is overdue in which the leader may be silent for `silentMs` by right. */
export function probePaceMs(silentMs: number): number {
  return PROBE_AFTER_MS + Math.min(silentMs, LONG_POLL_UNASKED_MAX_MS);
}

/** Milliseconds until the next probe, after a silence of `silentMs` of which the first `paceMs` were patience. */
export function probePauseMs(silentMs: number, paceMs: number): number {
  return Math.min(Math.max(silentMs * PROBE_PAUSE_SHARE, paceMs / 2), Math.max(paceMs, PROBE_PAUSE_MAX_MS));
}
