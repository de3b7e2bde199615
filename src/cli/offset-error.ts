/** The refusal of an offset that a command was told, at which nobody can read on: that of brokers. */
import type { PartitionRef } from '../client/index.js';
import { BellwetherError } from '../errors.js';

/** Where a partition begins, and where it ends, exclusive. */
export interface Bounds {
  readonly logStart: number;
  readonly highWatermark: number;
}

/** OFFSET_OUT_OF_RANGE with the bounds; `consequence` is what became of the command, if there is more to say. */
export function offsetOutOfRange(
  { topic, partition }: PartitionRef,
  offset: number,
  { logStart, highWatermark }: Bounds,
  consequence = '',
): BellwetherError {
  const message = `offset ${offset} of ${topic}/${partition} is not in [${logStart}, ${highWatermark}]${consequence}`;
  return new BellwetherError('OFFSET_OUT_OF_RANGE', message, {
    metadata: {
      topic,
      partition: String(partition),
      offset: String(offset),
      log_start_offset: String(logStart),
      high_watermark: String(highWatermark),
    },
  });
}
