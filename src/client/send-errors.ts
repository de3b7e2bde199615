/** The errors that a producer itself comes to. */
import { BellwetherError } from '../errors.js';
import { partitionName } from './metadata-cache.js';
import type { PendingBatch } from './pending-batch.js';
import type { PartitionRef } from './types-base.js';

/**
 * A record that never left.
 *
 * @param ahead Why those before it have not been acknowledged since, as far as that is known.
 */
export function sendTimeout(ref: PartitionRef, ahead: BellwetherError | undefined): BellwetherError {
  const late = `the records for ${partitionName(ref)} were not sent before their deadline`;
  const why = ahead === undefined ? '' : `; those before them failed with ${ahead.reason}: ${ahead.message}`;
  return new BellwetherError('SEND_TIMEOUT', late + why, {
    metadata: { topic: ref.topic, partition: String(ref.partition) },
    cause: ahead,
  });
}

/** The error to report of a batch that failed with `last`: that it may be in the log is said before all else. */
export function verdict({ doubt, refusal }: PendingBatch, last: BellwetherError): BellwetherError {
  if (doubt !== undefined && doubt !== last) {
    return new BellwetherError(doubt.reason, `${doubt.message}; then ${last.reason}: ${last.message}`, {
      metadata: doubt.metadata,
      leaderHint: last.leaderHint ?? doubt.leaderHint,
      cause: last,
    });
  }
  // What stood in the way says more than that the time ran out.
  return last.reason === 'SEND_TIMEOUT' ? (refusal ?? last) : last;
}
