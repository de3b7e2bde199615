import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelReassignment, reassignPartition, replaceBroker } from '../../src/broker/administration.js';
import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
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

describe('a partition that is moved', () => {
  it('has all its records where it goes, and a leader there', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    await partition.produce('a');
    await partition.move('n3', 'n4', 'n5');
    await partition.inPlace('n3', 'n4', 'n5');
    await partition.produce('b');
    expect(['n3', 'n4', 'n5']).toContain(await cluster.elected('t'));
    await partition.everywhere(['n3', 'n4', 'n5'], ['a', 'b']);
  });

  it('loses nothing that was acknowledged while it moved', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    await partition.move('n4', 'n5', 'n1');
    const sent: string[] = [];
    for (let i = 0; i < 60; i += 1) {
      const leader = cluster.leaderOf('t');
      if (leader === undefined) {
        await cluster.run(1);
        continue;
      }
      const watched = new Watched(cluster.produce(leader, 't', `v${String(i)}`));
      await cluster.until(() => watched.now.state !== 'pending');
      if (watched.now.state === 'resolved') sent.push(`v${String(i)}`);
    }
    await partition.inPlace('n4', 'n5', 'n1');
    await partition.produce('last');
    const leader = await cluster.elected('t');
    const values = await cluster.values(leader, 't');
    expect(values).toEqual(expect.arrayContaining([...sent, 'last']));
  });

  it.each(['n1', 'n2', 'n3', 'n4', 'n5'])('gets there though %s restarts in the middle of it', async (id) => {
    for (const afterMs of [0, 1, 2, 4, 8, 16]) {
      if (afterMs === 0) await partition.topicOn('n1', 'n2', 'n3');
      else {
        await partition.move('n1', 'n2', 'n3');
        await partition.inPlace('n1', 'n2', 'n3');
      }
      await partition.produce('x');
      const ordered = cluster.at('n3' === id ? 'n2' : 'n3').broker;
      const order = { topic: 't', partition: 0, replicas: ['n5', 'n4', 'n1'] };
      const asked = new Watched(reassignPartition(ordered, order, TIMEOUT_MS));
      await cluster.run(afterMs);
      await cluster.restart(id);
      await cluster.until(() => asked.now.state !== 'pending');
      // The controller may have died with the order: then nobody knows whether it counts.
      if (asked.now.state === 'rejected') await partition.move(...order.replicas);
      await partition.inPlace('n5', 'n4', 'n1');
    }
    await partition.everywhere(
      ['n5', 'n4', 'n1'],
      Array.from({ length: 6 }, () => 'x'),
    );
  });

  it('gets there though the controller is cut off in the middle of it', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    await partition.produce('a');
    const controller = cluster.at('n1').broker.table.leaderOf(CLUSTER_GROUP)?.leader ?? '';
    await partition.move('n5', 'n4', 'n2');
    cluster.network.isolate(controller);
    await cluster.run(3_000);
    cluster.network.heal();
    await partition.inPlace('n5', 'n4', 'n2');
    await partition.produce('b');
    await partition.everywhere(['n5', 'n4', 'n2'], ['a', 'b']);
  });

  it('follows the last of many orders that come quickly', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    await partition.produce('a');
    const { broker } = cluster.at('n1');
    const orders: Promise<unknown>[] = [];
    for (let i = 0; i < 5; i += 1) {
      for (const replicas of [
        ['n4', 'n5', 'n1'],
        ['n1', 'n2', 'n3'],
        ['n5', 'n2', 'n3'],
      ]) {
        orders.push(reassignPartition(broker, { topic: 't', partition: 0, replicas }, TIMEOUT_MS));
        await cluster.run(i * 2);
      }
    }
    await Promise.all(orders.map((order) => cluster.answer(order)));
    await partition.inPlace('n5', 'n2', 'n3');
    await partition.produce('b');
    await partition.everywhere(['n5', 'n2', 'n3'], ['a', 'b']);
  });

  it('goes back when it is cancelled', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    await partition.produce('a');
    await partition.move('n4', 'n5', 'n3');
    await cluster.run(1);
    const { broker } = cluster.at('n1');
    const cancelled = new Watched(cancelReassignment(broker, 't', 0, TIMEOUT_MS));
    await cluster.until(() => cancelled.now.state !== 'pending');
    if (cancelled.now.state === 'resolved') await partition.inPlace('n1', 'n2', 'n3');
    else await partition.inPlace('n4', 'n5', 'n3');
    await partition.produce('b');
  });

  it('disappears everywhere when its topic is deleted meanwhile', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    const group = cluster.group('t');
    await partition.move('n4', 'n5', 'n3');
    await cluster.run(2);
    await cluster.deleteTopic('n2', 't');
    await cluster.until(() => cluster.members.every(({ broker }) => broker.group(group) === undefined));
    await cluster.run(2_000);
    for (const { broker } of cluster.members) expect(broker.table.leaderOf(group)).toBeUndefined();
  });
});

describe('a broker that restarts after a partition went from it and came back', () => {
  it('takes the same steps again without harm, wherever the replica is now', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    await partition.produce('a');
    for (let round = 0; round < 2; round += 1) {
      await partition.move('n1', 'n2', 'n4');
      await partition.inPlace('n1', 'n2', 'n4');
      await cluster.restart('n3');
      await cluster.run(1_000);
      expect(cluster.at('n3').fatal).toEqual([]);
      await partition.inPlace('n1', 'n2', 'n4');
      await partition.move('n1', 'n2', 'n3');
      await partition.inPlace('n1', 'n2', 'n3');
      await cluster.restart('n3');
      await cluster.run(1_000);
      await partition.everywhere(['n1', 'n2', 'n3'], ['a']);
    }
  });

  it('hears of both at once when it was cut off', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    await partition.produce('a');
    cluster.network.isolate('n3');
    const { broker } = cluster.at('n1');
    const replicasOf = () => broker.cluster.state.partition('t', 0);
    for (const replicas of [
      ['n1', 'n2', 'n4'],
      ['n1', 'n2', 'n3'],
      ['n1', 'n2', 'n4'],
      ['n1', 'n2', 'n3'],
    ]) {
      await cluster.answer(reassignPartition(broker, { topic: 't', partition: 0, replicas }, TIMEOUT_MS));
      if (replicas.includes('n3')) continue;
      await cluster.until(() => replicasOf()?.target === undefined);
    }
    cluster.network.heal();
    await partition.inPlace('n1', 'n2', 'n3');
    await partition.everywhere(['n1', 'n2', 'n3'], ['a']);
  });
});

describe('a move to a broker whose disk is lost', () => {
  it('waits where it is, and the broker comes back with another disk and takes its replica', async () => {
    await partition.topicOn('n1');
    await partition.produce('a');
    cluster.crash('n4');
    await partition.move('n4');
    await cluster.run(500);
    await cluster.answer(replaceBroker(cluster.at('n1').broker, 'n4', TIMEOUT_MS));
    await cluster.until(() => cluster.at('n1').broker.cluster.state.brokers.get('n4')?.status === 'JOINING');
    cluster.replaceDisk('n4');
    await cluster.boot('n4', []);
    await partition.inPlace('n4');
    await partition.everywhere(['n4'], ['a']);
  });
});

it('a group that is as it should be costs nothing: no commands, no messages, no timers', async () => {
  await partition.topicOn('n1', 'n2', 'n3');
  await cluster.run(5_000);
  const before = cluster.members.map(({ broker }) => broker.cluster.appliedIndex);
  const last = cluster.members.map(({ broker }) => broker.group(cluster.group('t'))?.raft.lastIndex);
  await cluster.run(20_000);
  expect(cluster.members.map(({ broker }) => broker.cluster.appliedIndex)).toEqual(before);
  expect(cluster.members.map(({ broker }) => broker.group(cluster.group('t'))?.raft.lastIndex)).toEqual(last);
  for (const { broker } of cluster.members) {
    for (const id of [CLUSTER_GROUP, cluster.group('t')]) {
      expect(broker.group(id)?.raft.deadlineMs ?? Infinity).toBe(Infinity);
    }
  }
});
