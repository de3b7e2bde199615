/** SDK call that reads committed records of a partition. */
import { FetchFormat, LogServiceService } from '../../gen/bellwether/v1/log_service.js';
import { toFetchResult } from './convert.js';
import type { Session } from './session.js';
import type { FetchOptions, FetchResult, PartitionRef } from './types.js';

const MAX_RECORDS_DEFAULT = 500;

/** In bytes. */
const MAX_BYTES_DEFAULT = 1024 * 1024;

/** What is kept of an attempt's time for the way there and back, in milliseconds. */
const ANSWER_MARGIN_MS = 250;

/**
 * Reads from `offset` on. A wait for the first record ends before the attempt does, so that a
 * partition with nothing new gives an empty result and not a timeout. While no leader is known, a replica
 * serves what it knows to be committed.
 */
export async function fetch(
  session: Session,
  ref: PartitionRef,
  offset: number,
  options: FetchOptions | undefined,
): Promise<FetchResult> {
  const { topic, partition } = ref;
  const maxWaitMs = options?.maxWaitMs ?? 0;
  const allowFollower = options?.allowFollower ?? false;
  const response = await session.call({
    method: LogServiceService.fetch,
    request: (timeoutMs) => ({
      topic,
      partition,
      offset,
      maxRecords: options?.maxRecords ?? MAX_RECORDS_DEFAULT,
      maxBytes: options?.maxBytes ?? MAX_BYTES_DEFAULT,
      maxWaitMs: Math.min(maxWaitMs, Math.max(0, Math.floor(timeoutMs) - ANSWER_MARGIN_MS)),
      format: FetchFormat.RECORDS,
      allowFollower,
    }),
    effect: 'read',
    route: session.leaderOf(ref, allowFollower ? 'any' : 'leader_or_any'),
    expectedMs: maxWaitMs,
    options,
  });
  return toFetchResult(response);
}
