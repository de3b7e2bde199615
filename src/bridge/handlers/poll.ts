/** Serves poll: for every key the messages from an offset on, without gaps. Unknown keys are left out. */
import type { BellwetherClient } from '../../client/types.js';
import { BellwetherError } from '../../errors.js';
import type { CallBudget } from '../call-budget.js';
import type { Json } from '../json-form.js';
import { isUnknownTopic } from '../maelstrom-errors.js';
import { pollBody } from '../messages.js';
import { fromRecordBytes } from '../record-json.js';
import { handler } from './handler.js';
import { partitionOfKey } from './kafka-workload.js';

/** Most messages of one key in one answer. */
export const POLL_RECORDS_MAX = 500;

/** Bytes after which no more messages of one key are read. */
export const POLL_KEY_SIZE_MAX_BYTES = 256 * 1024;

/** Bytes after which no more keys are read; they are left out, and a later poll has them. */
export const POLL_SIZE_MAX_BYTES = 1024 * 1024;

/** Keys read at the same time. */
const KEYS_AT_ONCE_MAX = 4;

interface Polled {
  readonly key: string;
  /** Undefined for an unknown key. */
  readonly msgs: readonly Json[] | undefined;
  readonly sizeBytes: number;
}

export const poll = handler(pollBody, async ({ offsets }, { client, budget }) => {
  const msgs = new Map<string, Json>();
  const wanted = [...offsets];
  let sizeBytes = 0;
  for (let start = 0; start < wanted.length && sizeBytes < POLL_SIZE_MAX_BYTES; start += KEYS_AT_ONCE_MAX) {
    const keys = wanted.slice(start, start + KEYS_AT_ONCE_MAX);
    for (const polled of await Promise.all(keys.map((each) => pollKey(client, budget, each)))) {
      if (polled.msgs !== undefined) msgs.set(polled.key, polled.msgs);
      sizeBytes += polled.sizeBytes;
    }
  }
  return { type: 'poll_ok', fields: { msgs } };
});

async function pollKey(
  client: BellwetherClient,
  budget: CallBudget,
  [key, offset]: readonly [string, number],
): Promise<Polled> {
  try {
    const { records } = await client.fetch(partitionOfKey(key), offset, {
      ...budget.call(),
      maxRecords: POLL_RECORDS_MAX,
      maxBytes: POLL_KEY_SIZE_MAX_BYTES,
    });
    return {
      key,
      msgs: records.map((record) => [record.offset, fromRecordBytes(record.value)]),
      sizeBytes: records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0),
    };
  } catch (error) {
    if (isUnknownTopic(error)) return { key, msgs: undefined, sizeBytes: 0 };
    if (isBeyondEnd(error, offset)) return { key, msgs: [], sizeBytes: 0 };
    throw error;
  }
}

/** An offset below the log start is an error still: [] would let the client wait there for ever. */
function isBeyondEnd(error: unknown, offset: number): boolean {
  if (!(error instanceof BellwetherError) || error.reason !== 'OFFSET_OUT_OF_RANGE') return false;
  return offset >= Number(error.metadata['log_start_offset'] ?? 0);
}
