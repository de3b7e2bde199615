/**
 * SDK call that reads committed records of a partition. It asks for record batches and decodes them here, as the
 * consumer does: brokers do not look into compressed ones.
 */
import { FetchFormat, LogServiceService } from '../../gen/bellwether/v1/log_service.js';
import type { FetchResponse } from '../../gen/bellwether/v1/log_service.js';
import { checkRef } from './checked-argument.js';
import { checkedChoice, checkedOption } from './checked-option.js';
import { recordsOf } from './consumed-batch.js';
import { TIMEOUT_MAX_MS } from './call-options.js';
import type { Session } from './session.js';
import type { ConsumedRecord, FetchOptions, FetchResult, PartitionRef } from './types.js';

const MAX_RECORDS_DEFAULT = 500;

/** As brokers bound it: so many records are decoded at once. */
const MAX_RECORDS_MAX = 10_000;

/** In bytes. */
const MAX_BYTES_DEFAULT = 1024 * 1024;
const MAX_BYTES_MAX = 2 * 1024 * 1024;

const OPTIONS = {
  maxRecords: true,
  wholeBatches: true,
  maxBytes: true,
  maxWaitMs: true,
  allowFollower: true,
} as const;

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
  checkRef(ref);
  const { topic, partition } = ref;
  checkedOption('offset', offset, 0, Number.MAX_SAFE_INTEGER);
  const maxBytes = checkedOption('maxBytes', options?.maxBytes ?? MAX_BYTES_DEFAULT, 1, MAX_BYTES_MAX);
  const maxWaitMs = checkedOption('maxWaitMs', options?.maxWaitMs ?? 0, 0, TIMEOUT_MAX_MS);
  const maxRecords = checkedOption(
    'maxRecords',
    options?.maxRecords ?? MAX_RECORDS_DEFAULT,
    1,
    MAX_RECORDS_MAX,
  );
  const wholeBatches = checkedChoice('wholeBatches', options?.wholeBatches ?? false, [true, false]);
  const allowFollower = checkedChoice('allowFollower', options?.allowFollower ?? false, [true, false]);
  const response = await session.call({
    method: LogServiceService.fetch,
    request: (timeoutMs) => ({
      topic,
      partition,
      offset,
      maxRecords,
      maxBytes,
      maxWaitMs: Math.min(maxWaitMs, Math.max(0, Math.floor(timeoutMs) - ANSWER_MARGIN_MS)),
      format: FetchFormat.RECORD_BATCHES,
      allowFollower,
    }),
    effect: 'read',
    route: session.leaderOf(ref, allowFollower ? 'any' : 'leader_or_any'),
    expectedMs: maxWaitMs,
    options,
    optionNames: OPTIONS,
  });
  return toFetchResult(response, offset, maxRecords, wholeBatches);
}

/**
 * At most `maxRecords` from `offset` on, and the rest of the last batch where batches are to be whole. A batch that cannot be read ends the result before it, and fails the call that
 * begins at it.
 *
 * @throws BellwetherError CORRUPT_RECORD_BATCH, UNSUPPORTED_RECORD_BATCH
 */
function toFetchResult(
  response: FetchResponse,
  offset: number,
  maxRecords: number,
  wholeBatches: boolean,
): FetchResult {
  const { highWatermark, logStartOffset } = response;
  const records: ConsumedRecord[] = [];
  const result = (nextOffset: number) => ({ records, highWatermark, logStartOffset, nextOffset });
  const behindLast = (): number => (records.at(-1)?.offset ?? offset - 1) + 1;
  for (const batch of response.recordBatches) {
    try {
      const most = wholeBatches ? Number.MAX_SAFE_INTEGER : maxRecords - records.length;
      for (const record of recordsOf(batch, offset, most)) records.push(record);
    } catch (error) {
      if (records.length === 0) throw error;
      return result(behindLast());
    }
    if (records.length >= maxRecords) return result(behindLast());
  }
  return result(response.nextOffset);
}
