/**
 * What a partition is to keep of its records, and so which of its batches may go. Pure.
 *
 * Batches go whole, and those of one segment together (Kafka deletes segments for the same reason: no batch has
 * to be read to know which may go).
 */

import type { BatchIndex } from './batch-index.js';

/** What a log is to keep. */
export interface KeptRecords {
  /** Oldest records go while the rest has as many bytes; undefined for no limit. */
  readonly bytes: number | undefined;
  /** Records before this time go, in milliseconds since the Unix epoch; undefined for no limit. */
  readonly sinceMs: number | undefined;
}

/**
 * How many batches from the front may go: those without which the log still has the bytes to keep, or those that
 * are too old, whichever are more. Records without a timestamp go with the next ones behind them that are too old.
 *
 * @param deleted How many have gone already; at least that many are returned.
 * @param committed No more are returned.
 */
export function countExpired(
  batches: BatchIndex,
  { bytes, sinceMs }: KeptRecords,
  deleted: number,
  committed: number,
): number {
  const tooMuch = bytes === undefined ? 0 : batches.countBeyond(bytes);
  const firstYoung = sinceMs === undefined ? deleted : batches.firstAtTime(deleted, sinceMs);
  const tooOld = batches.endOfTimed(deleted, Math.min(firstYoung, committed));
  return Math.max(deleted, Math.min(Math.max(tooMuch, tooOld), committed));
}
