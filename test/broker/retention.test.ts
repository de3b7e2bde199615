/** What a topic's configuration brings about in a cluster: retention, the largest batch, replicas in sync. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { produce } from '../../src/broker/data.js';
import { LIMITS } from '../../src/broker/limits.js';
import { alterTopicConfig } from '../../src/broker/topics.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import type { TopicOverrides } from '../../src/cluster/topic-config.js';
import { MiniCluster } from './mini-cluster.js';
import { rejection } from './outcomes.js';

const TIMEOUT_MS = 5_000;
/** A pass of retention, whenever the last one was. */
const PASS_MS = LIMITS.retentionCheckMs + 1_000;

let cluster: MiniCluster;
let leader: string;

beforeEach(async () => {
  cluster = await MiniCluster.start();
  await cluster.createTopic('n1', { topic: 't', replicationFactor: 3, config: { retention_ms: -1 } });
  leader = await cluster.elected('t');
});

afterEach(() => {
  cluster.close();
});

function alter(set: TopicOverrides) {
  return cluster.answer(alterTopicConfig(cluster.at('n2').broker, 't', { set, reset: [] }, TIMEOUT_MS));
}

/** One batch of one record with `bytes` bytes of value, written now. */
function append(bytes = 0) {
  const record = { key: undefined, value: new Uint8Array(bytes), headers: [] };
  const batch = encodeRecordBatch([{ ...record, timestampMs: Math.floor(cluster.clock.wallMs()) }]);
  return produce(cluster.at(leader).broker, { topic: 't', partition: 0, acks: 'all', batch }, TIMEOUT_MS);
}

const starts = () =>
  cluster.members.map(({ broker }) => broker.replica(cluster.group('t'))?.log.logStartOffset);

const lastIndexes = () =>
  cluster.members.map(({ broker }) => broker.replica(cluster.group('t'))?.group.raft.lastIndex);

it('deletes by size on every replica the same, and readers hear where the log begins', async () => {
  for (let i = 0; i < 10; i += 1) await cluster.answer(append(1_000));
  await alter({ retention_bytes: 3_500 });
  await cluster.run(PASS_MS);
  expect(starts()).toEqual([6, 6, 6]);
  const refusal = await rejection(cluster.fetch(leader, 't', { offset: 5 }));
  expect(refusal).toMatchObject({ reason: 'OFFSET_OUT_OF_RANGE' });
  expect(refusal).toMatchObject({ metadata: { offset: '5', log_start_offset: '6', high_watermark: '10' } });
});

it('deletes by age, and what a later leader finds as well', async () => {
  await alter({ retention_ms: 100_000 });
  await cluster.answer(append());
  await cluster.run(PASS_MS);
  expect(starts()).toEqual([0, 0, 0]);
  await cluster.answer(append());
  const former = leader;
  cluster.crash(former);
  leader = await cluster.elected('t', 0, [former]);
  await cluster.run(PASS_MS);
  expect(new Set(starts())).toEqual(new Set([1]));
  await cluster.run(PASS_MS + 100_000);
  expect(new Set(starts())).toEqual(new Set([2]));
});

it('writes nothing to a partition that has nothing to delete', async () => {
  await alter({ retention_bytes: 1_000_000, retention_ms: 3_600_000 });
  await cluster.answer(append(1_000));
  await cluster.run(1_000);
  const before = lastIndexes();
  await cluster.run(3 * PASS_MS);
  expect(lastIndexes()).toEqual(before);
});

it('refuses a batch that is larger than its topic allows, before it is appended', async () => {
  await alter({ max_message_bytes: 500 });
  await cluster.run(1_000);
  const refusal = await rejection(append(500));
  expect(refusal).toMatchObject({ reason: 'RECORD_BATCH_TOO_LARGE', metadata: { limit_bytes: '500' } });
  await cluster.answer(append(100));
  expect(cluster.at(leader).broker.replica(cluster.group('t'))?.log.logEndOffset).toBe(1);
});

it('refuses acks all while fewer replicas are in sync than asked for, and only that', async () => {
  await alter({ min_insync_replicas: 3 });
  await cluster.answer(append());
  const follower = cluster.ids.find((id) => id !== leader) ?? '';
  cluster.crash(follower);
  await cluster.run(LIMITS.replicaLagMsMax + 1_000);
  const refusal = await rejection(append());
  expect(refusal).toMatchObject({
    reason: 'NOT_ENOUGH_REPLICAS',
    outcome: 'NOT_APPLIED',
    metadata: { in_sync_replicas: '2', min_insync_replicas: '3' },
  });
  await cluster.answer(cluster.produce(leader, 't', 'x', 'leader'));
  await cluster.restart(follower);
  await cluster.run(LIMITS.replicaLagMsMax);
  await cluster.answer(append());
});
