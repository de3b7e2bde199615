/**
 * Owns what the four messages of Maelstrom's kafka workload share: a key is a topic with one
 * partition, and one consumer group commits. Source: Maelstrom doc/workloads.md, "Workload: Kafka".
 */
import type { PartitionRef } from '../../client/types.js';
import { invariant } from '../../invariant.js';
import { topicOfKey } from '../maelstrom-topic.js';

/** The consumer group that commits for all Maelstrom clients. */
export const CONSUMER_GROUP = 'maelstrom';

/** The partition that holds the messages of a key which the schema accepted. */
export function partitionOfKey(key: string): PartitionRef {
  const topic = topicOfKey(key);
  invariant(topic !== undefined, 'the schema accepts only keys that have a topic');
  return { topic, partition: 0 };
}
