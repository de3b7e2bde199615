/** The errors that a producer itself comes to. */
import { BellwetherError } from '../errors.js';
import { partitionName } from './metadata-cache.js';
import type { PendingBatch } from './pending-batch.js';
import type { PartitionRef } from './types-base.js';

/** A record that never left. */
export function sendTimeout(ref: PartitionRef): BellwetherError {
  const name = partitionName(ref);
  return new BellwetherError('SEND_TIMEOUT', `the records for ${name} were not sent before their deadline`, {
    metadata: { topic: ref.topic, partition: String(ref.partition) },
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
