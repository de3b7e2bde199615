import { afterEach, beforeEach, expect, it } from 'vitest';
import { deleteRecords, reassignPartition } from '../../src/broker/administration.js';
import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
import { commitOffsets } from '../../src/broker/offsets.js';
import { submitCommand } from '../../src/broker/submit.js';
import type { BrokerId } from '../../src/raft/types.js';
import { MiniCluster } from './mini-cluster.js';

const TIMEOUT_MS = 5_000;

let cluster: MiniCluster;

beforeEach(async () => {
  cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4'], { snapshotChunkBytes: 64 });
});

afterEach(() => {
  const failed = cluster.members.flatMap(({ fatal }) => fatal);
  cluster.close();
  expect(failed).toEqual([]);
});

/** Has group 0 compacted: commands that change nothing, until its log begins with a snapshot. */
async function compactMetadata(via: BrokerId): Promise<void> {
  const { broker } = cluster.at(via);
  const before = broker.cluster.group.raft.snapshot?.index;
  while (broker.cluster.group.raft.snapshot?.index === before) {
    const nothing = { kind: 'initCluster', clusterId: 'it has a name already' } as const;
    const commands = Array.from({ length: 200 }, () => submitCommand(broker, nothing, TIMEOUT_MS));
    await cluster.answer(Promise.all(commands));
  }
}

async function move(via: BrokerId, topic: string, ...replicas: BrokerId[]): Promise<void> {
  const { broker } = cluster.at(via);
  await cluster.answer(reassignPartition(broker, { topic, partition: 0, replicas }, TIMEOUT_MS));
  await cluster.until(() =>
    cluster.members.every(
      (member) => member.broker.cluster.state.partition(topic, 0)?.replicas.join() === replicas.join(),
    ),
  );
}

async function create(topic: string, ...replicas: BrokerId[]): Promise<void> {
  await cluster.createTopic('n1', { topic, replicationFactor: replicas.length });
  await move('n1', topic, ...replicas);
  await cluster.produced(await cluster.elected(topic), topic, topic);
}

function holds(id: BrokerId, topic: string): boolean {
  return cluster.at(id).broker.group(cluster.group(topic)) !== undefined;
}

it('a broker that was down while group 0 was compacted has what it should, and nothing else', async () => {
  await create('kept', 'n1', 'n2', 'n4');
  await create('leaving', 'n1', 'n2', 'n4');
  await create('coming', 'n1', 'n2', 'n3');
  await create('deleted', 'n1', 'n2', 'n4');
  const deleted = cluster.group('deleted');
  await cluster.run(100);
  cluster.crash('n4');
  await move('n1', 'leaving', 'n1', 'n2', 'n3');
  const { broker } = cluster.at('n1');
  const come = { topic: 'coming', partition: 0, replicas: ['n1', 'n2', 'n4'] };
  await cluster.answer(reassignPartition(broker, come, TIMEOUT_MS));
  await cluster.deleteTopic('n1', 'deleted');
  await cluster.createTopic('n1', { topic: 'later', replicationFactor: 3 });
  await compactMetadata('n1');
  const restored = await cluster.boot('n4');
  await cluster.until(() => restored.broker.cluster.state.topics.has('later'));
  await cluster.until(
    () =>
      restored.broker.cluster.state.partition('coming', 0)?.target === undefined &&
      restored.broker.replica(cluster.group('coming'))?.log.highWatermark === 1,
  );
  expect(holds('n4', 'kept')).toBe(true);
  expect(holds('n4', 'leaving')).toBe(false);
  expect(await cluster.values('n4', 'coming')).toEqual(['coming']);
  expect(restored.broker.table.leaderOf(deleted)).toBeUndefined();
  await cluster.run(1_000);
  for (const topic of ['leaving', 'deleted']) {
    const group = topic === 'deleted' ? deleted : cluster.group(topic);
    expect(await cluster.onDisk('n4', group)).toEqual([]);
  }
  expect(await cluster.onDisk('n4', cluster.group('kept'))).toEqual(['kept']);
});

it('a broker that starts from snapshots of group 0 and of a partition knows what it knew', async () => {
  await create('t', 'n1', 'n2', 'n3');
  const leader = await cluster.elected('t');
  for (const value of ['b', 'c', 'd']) await cluster.produced(leader, 't', value);
  const offsets = [{ topic: 't', partition: 0, offset: 3 }];
  await cluster.answer(commitOffsets(cluster.at(leader).broker, 'readers', offsets, TIMEOUT_MS));
  const request = { topic: 't', partition: 0, before: 2 };
  expect(await cluster.answer(deleteRecords(cluster.at(leader).broker, request, TIMEOUT_MS))).toBe(2);
  await cluster.produced(leader, 't', 'e');
  await compactMetadata('n1');
  await cluster.run(500);
  for (const id of ['n1', 'n2', 'n3', 'n4']) await cluster.restart(id);
  const next = await cluster.elected('t');
  await cluster.produced(next, 't', 'f');
  await cluster.until(() =>
    ['n1', 'n2', 'n3'].every(
      (id) => cluster.at(id).broker.replica(cluster.group('t'))?.log.highWatermark === 6,
    ),
  );
  for (const id of ['n1', 'n2', 'n3']) {
    const log = cluster.at(id).broker.replica(cluster.group('t'))?.log;
    expect(log?.logStartOffset).toBe(2);
    expect(log?.committedOffset('readers')?.offset).toBe(3);
    expect(cluster.at(id).broker.group(CLUSTER_GROUP)?.raft.snapshot?.index).toBeGreaterThan(0);
  }
  // A late replica gets the snapshot and what is behind it.
  await move(next, 't', 'n4', 'n2', 'n3');
  await cluster.until(() => cluster.at('n4').broker.replica(cluster.group('t'))?.log.highWatermark === 6);
  const { batches } = await cluster.fetch('n4', 't', { offset: 2, allowFollower: true });
  expect(batches).toHaveLength(4);
  expect(await cluster.elected('t')).not.toBe('n1');
});

it('a late replica gets its snapshot though the links break again and again', async () => {
  await create('t', 'n1', 'n2', 'n3');
  const leader = await cluster.elected('t');
  for (let i = 0; i < 40; i += 1) {
    const offsets = [{ topic: 't', partition: 0, offset: 1 }];
    const name = `a consumer group with a long name ${String(i)}`;
    await cluster.answer(commitOffsets(cluster.at(leader).broker, name, offsets, TIMEOUT_MS));
  }
  const request = { topic: 't', partition: 0, before: undefined };
  await cluster.answer(deleteRecords(cluster.at(leader).broker, request, TIMEOUT_MS));
  const { broker } = cluster.at(leader);
  const replicas = ['n4', ...['n1', 'n2', 'n3'].filter((id) => id !== leader)];
  await cluster.answer(reassignPartition(broker, { topic: 't', partition: 0, replicas }, TIMEOUT_MS));
  for (let i = 0; i < 20; i += 1) {
    cluster.network.isolate('n4');
    await cluster.run(1);
    cluster.network.heal();
    await cluster.run(24 + i / 4);
  }
  await cluster.until(() => broker.cluster.state.partition('t', 0)?.target === undefined);
  await cluster.until(() => cluster.at('n4').broker.replica(cluster.group('t'))?.log.logStartOffset === 1);
  expect(
    cluster
      .at('n4')
      .broker.replica(cluster.group('t'))
      ?.log.committedOffset('a consumer group with a long name 39')?.offset,
  ).toBe(1);
});

it.each([0, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3])(
  'a topic that is deleted leaves nothing on the disk of a broker that dies %s ms later',
  async (afterMs) => {
    await create('t', 'n1', 'n2', 'n4');
    await create('u', 'n1', 'n2', 'n4');
    const [t, u] = [cluster.group('t'), cluster.group('u')];
    const { broker } = cluster.at('n1');
    const deleting = submitCommand(broker, { kind: 'deleteTopic', topic: 't' }, TIMEOUT_MS);
    const replicas = ['n1', 'n2', 'n3'];
    const moving = reassignPartition(broker, { topic: 'u', partition: 0, replicas }, TIMEOUT_MS);
    await cluster.run(afterMs);
    await cluster.restart('n4');
    await cluster.answer(Promise.all([deleting, moving]));
    await cluster.until(() => cluster.at('n4').broker.cluster.state.partition('u', 0)?.target === undefined);
    await cluster.run(100);
    await cluster.restart('n4');
    await cluster.run(100);
    expect([await cluster.onDisk('n4', t), await cluster.onDisk('n4', u)]).toEqual([[], []]);
  },
);
