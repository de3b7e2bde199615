/** Serves list_committed_offsets: the last offset processed of every key that has one. */
import type { CommittedOffset, PartitionRef } from '../../client/types.js';
import { isUnknownTopic } from '../maelstrom-errors.js';
import { listCommittedOffsetsBody } from '../messages.js';
import { handler, type HandlerContext } from './handler.js';
import { inTurns } from './in-turns.js';
import { CONSUMER_GROUP, partitionOfKey } from './kafka-workload.js';

/** Keys looked up at the same time, where they are looked up one by one. */
const KEYS_AT_ONCE_MAX = 8;

export const listCommittedOffsets = handler(listCommittedOffsetsBody, async ({ keys }, context) => {
  const keyByTopic = new Map(keys.map((key) => [partitionOfKey(key).topic, key]));
  const refs = Array.from(keyByTopic.values(), partitionOfKey);
  const offsets = new Map<string, number>();
  for (const { topic, offset } of refs.length === 0 ? [] : await lookUp(refs, context)) {
    const key = keyByTopic.get(topic);
    // The SDK has the next offset to read, the workload names the last one processed: none before 1.
    if (key !== undefined && offset > 0) offsets.set(key, offset - 1);
  }
  return { type: 'list_committed_offsets_ok', fields: { offsets } };
});

/** All at once; when a key is unknown one by one, leaving it out. */
async function lookUp(
  refs: readonly PartitionRef[],
  { client, budget }: HandlerContext,
): Promise<readonly CommittedOffset[]> {
  try {
    return await client.fetchOffsets(CONSUMER_GROUP, refs, budget.call());
  } catch (error) {
    if (!isUnknownTopic(error)) throw error;
    const found = await inTurns(refs, KEYS_AT_ONCE_MAX, async (ref) => {
      try {
        return await client.fetchOffsets(CONSUMER_GROUP, [ref], budget.call());
      } catch (unknown) {
        if (!isUnknownTopic(unknown)) throw unknown;
        return [];
      }
    });
    return found.flat();
  }
}
