import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteRecords } from '../../src/broker/administration.js';
import { MiniCluster } from './mini-cluster.js';
import { MovingPartition } from './moving-partition.js';
import { Watched } from './outcomes.js';

const TIMEOUT_MS = 5_000;

let cluster: MiniCluster;
let partition: MovingPartition;

beforeEach(async () => {
  cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4', 'n5']);
  partition = new MovingPartition(cluster);
});

afterEach(() => {
  const failed = cluster.members.flatMap(({ fatal }) => fatal);
  cluster.close();
  expect(failed).toEqual([]);
});

describe('those who wait at a replica that goes', () => {
  it('a long poll is told at once that the partition is elsewhere', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    await partition.produce('a');
    const poll = new Watched(cluster.fetch('n3', 't', { offset: 1, waitMs: 30_000, allowFollower: true }));
    await cluster.run(10);
    await partition.move('n1', 'n2', 'n4');
    await partition.inPlace('n1', 'n2', 'n4');
    await cluster.run(10);
    expect(poll.now).toEqual({ state: 'rejected', reason: 'NOT_LEADER' });
  });

  it('a long poll is told at once that the topic is gone', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    await partition.produce('a');
    const leader = await cluster.elected('t');
    const poll = new Watched(cluster.fetch(leader, 't', { offset: 1, waitMs: 30_000 }));
    await cluster.run(10);
    await cluster.deleteTopic('n2', 't');
    await cluster.run(10);
    expect(poll.now).toEqual({ state: 'rejected', reason: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });

  it('a produce is told at once that nobody will know of it any more', async () => {
    await partition.topicOn('n3', 'n4', 'n5');
    await partition.leads('n3');
    for (const follower of ['n4', 'n5']) partition.cut('n3', follower);
    const produced = new Watched(cluster.produce('n3', 't', 'lost', 'all', 30_000));
    await cluster.deleteTopic('n1', 't');
    await cluster.until(() => produced.now.state !== 'pending', 100);
    expect(produced.now).toEqual({ state: 'rejected', reason: 'LEADERSHIP_LOST' });
  });

  it('a long poll below a log start that moved ends as out of range', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    const leader = await cluster.elected('t');
    const lagging = ['n1', 'n2', 'n3'].find((id) => id !== leader) ?? '';
    await partition.produce('a');
    await partition.everywhere(['n1', 'n2', 'n3'], ['a']);
    cluster.network.isolate(lagging);
    const poll = new Watched(cluster.fetch(lagging, 't', { offset: 1, waitMs: 30_000, allowFollower: true }));
    for (const value of ['b', 'c', 'd']) await cluster.produced(leader, 't', value);
    await cluster.answer(
      deleteRecords(cluster.at(leader).broker, { topic: 't', partition: 0, before: undefined }, TIMEOUT_MS),
    );
    cluster.network.heal();
    await cluster.run(1_000);
    expect(poll.now).toEqual({ state: 'rejected', reason: 'OFFSET_OUT_OF_RANGE' });
  });
});
