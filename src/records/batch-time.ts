/** Finds the record of a batch that is as young as asked for. Pure. */

import { BATCH_ATTRIBUTE, readBatchHeader } from './batch-header.js';
import { asOffset, type Offset } from './offset.js';
import { RecordWalk } from './record-walk.js';

/** A record, by its place and time. */
export interface TimedOffset {
  readonly offset: Offset;
  /** Milliseconds since the Unix epoch. */
  readonly timestampMs: number;
}

/**
 * The first record of `batch` from `fromOffset` (inclusive) on with a timestamp of at least `timestampMs`;
 * undefined when there is none. `batch` was accepted by `validateRecordBatch`.
 *
 * The records of a compressed batch cannot be seen: the first one from `fromOffset` on stands for all when the
 * batch's maximum is as young, so that a reader who begins there misses none.
 */
export function firstRecordAtTime(
  batch: Uint8Array,
  fromOffset: Offset,
  timestampMs: number,
): TimedOffset | undefined {
  const { baseOffset, recordCount, baseTimestampMs, maxTimestampMs, compression, attributes } =
    readBatchHeader(batch);
  if (maxTimestampMs < timestampMs || fromOffset >= baseOffset + recordCount) return undefined;
  const firstDelta = Math.max(0, fromOffset - baseOffset);
  // With log append time all records have the time of the header.
  const isLogAppendTime = (attributes & BATCH_ATTRIBUTE.LOG_APPEND_TIME) !== 0;
  if (isLogAppendTime || compression !== 0) {
    const known = isLogAppendTime ? maxTimestampMs : baseTimestampMs;
    return { offset: asOffset(baseOffset + firstDelta), timestampMs: known };
  }
  const walk = new RecordWalk(batch);
  for (let delta = 0; delta < recordCount; delta++) {
    walk.next();
    const found = baseTimestampMs + walk.timestampDeltaMs;
    if (delta >= firstDelta && found >= timestampMs) {
      return { offset: asOffset(baseOffset + delta), timestampMs: found };
    }
  }
  return undefined;
}
