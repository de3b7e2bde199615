/** Owns the topic that a case measures: one partition on all brokers, and its leader. */
import { until } from './until.mjs';

/**
 * Creates a topic with one partition and three replicas, and waits until all of them are in sync.
 *
 * @param {import('../../dist/src/client/index.js').BellwetherClient} client
 * @param {string} topic
 */
export async function createTopic(client, topic) {
  await client.admin.createTopic(topic, { partitions: 1, replicationFactor: 3 });
  const ref = { topic, partition: 0 };
  await allInSync(client, ref);
  return ref;
}

/**
 * Waits until all three replicas are in sync, and tells who leads then.
 *
 * @param {import('../../dist/src/client/index.js').BellwetherClient} client
 * @param {import('../../dist/src/client/index.js').PartitionRef} ref
 */
export async function allInSync(client, ref) {
  let leader = await client.partitionLeader(ref).catch(() => undefined);
  await until(`all replicas of ${ref.topic} are in sync`, async () => {
    leader = await client.partitionLeader(ref);
    return leader.inSyncReplicas.length === 3;
  });
  if (leader === undefined) throw new Error(`nobody leads ${ref.topic}`);
  return leader;
}
