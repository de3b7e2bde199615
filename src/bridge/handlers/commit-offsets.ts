/**
 * Serves commit_offsets: stores how far each key was processed. Unknown keys are ignored.
 *
 * A commit that fails has code 13 always: Maelstrom takes a definite error as "this client goes on
 * from where it was", and then reports skipped polls (jepsen.tests.kafka, "poll-skip").
 */
import type { CommittedOffset } from '../../client/types.js';
import { asIndefinite, isUnknownTopic } from '../maelstrom-errors.js';
import { commitOffsetsBody } from '../messages.js';
import { handler, type HandlerContext } from './handler.js';
import { inTurns } from './in-turns.js';
import { CONSUMER_GROUP, partitionOfKey } from './kafka-workload.js';

/** Keys committed at the same time, where they are committed one by one. */
const KEYS_AT_ONCE_MAX = 8;

export const commitOffsets = handler(commitOffsetsBody, async ({ offsets }, context) => {
  // The workload names the last offset processed, the SDK the next one to read.
  const next = Array.from(offsets, ([key, offset]) => ({ ...partitionOfKey(key), offset: offset + 1 }));
  try {
    if (next.length > 0) await commit(next, context);
  } catch (error) {
    throw asIndefinite(error, 'commit_offsets');
  }
  return { type: 'commit_offsets_ok', fields: {} };
});

/** All at once; when a key is unknown one by one, which is safe as the last commit wins. */
async function commit(
  offsets: readonly CommittedOffset[],
  { client, budget }: HandlerContext,
): Promise<void> {
  try {
    await client.commitOffsets(CONSUMER_GROUP, offsets, budget.call());
  } catch (error) {
    if (!isUnknownTopic(error)) throw error;
    await inTurns(offsets, KEYS_AT_ONCE_MAX, async (offset) => {
      try {
        await client.commitOffsets(CONSUMER_GROUP, [offset], budget.call());
      } catch (unknown) {
        if (!isUnknownTopic(unknown)) throw unknown;
      }
    });
  }
}
