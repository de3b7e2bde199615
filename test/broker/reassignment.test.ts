import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  cancelReassignment,
  deleteRecords,
  listReassignments,
  reassignPartition,
  replaceBroker,
} from '../../src/broker/administration.js';
import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
import type { BrokerId } from '../../src/raft/types.js';
import { MiniCluster } from './mini-cluster.js';
import { Watched } from './outcomes.js';

const TIMEOUT_MS = 5_000;

let cluster: MiniCluster;

beforeEach(async () => {
  cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4', 'n5']);
});

afterEach(() => {
  const failed = cluster.members.flatMap(({ fatal }) => fatal);
  cluster.close();
  expect(failed).toEqual([]);
});

/** A topic of one partition on the first brokers, whatever placement chose. */
async function topicOn(...replicas: BrokerId[]): Promise<void> {
  await cluster.createTopic('n1', { topic: 't', replicationFactor: replicas.length });
  await move(...replicas);
  await inPlace(...replicas);
}

function via(): BrokerId {
  return cluster.members.find(({ fatal }) => fatal.length === 0)?.id ?? '';
}

async function move(...replicas: BrokerId[]): Promise<void> {
  const { broker } = cluster.at(via());
  await cluster.answer(reassignPartition(broker, { topic: 't', partition: 0, replicas }, TIMEOUT_MS));
}

function hosts(): BrokerId[] {
  const group = cluster.group('t');
  return cluster.members.filter(({ broker }) => broker.group(group) !== undefined).map(({ id }) => id);
}

/** Waits until the partition is on these brokers and nowhere else, and every broker knows it. */
async function inPlace(...replicas: BrokerId[]): Promise<void> {
  await cluster.until(() =>
    cluster.members.every(({ broker }) => {
      const assignment = broker.cluster.state.partition('t', 0);
      return (
        assignment?.target === undefined &&
        assignment?.replicas.join() === replicas.join() &&
        listReassignments(broker).length === 0
      );
    }),
  );
  const running = cluster.members.map(({ id }) => id);
  const expected = replicas.filter((id) => running.includes(id)).sort();
  await cluster.until(() => hosts().sort().join() === expected.join());
}

async function produce(value: string): Promise<void> {
  const leader = await cluster.elected('t');
  await cluster.produced(leader, 't', value);
}

async function everywhere(replicas: readonly BrokerId[], values: readonly string[]): Promise<void> {
  await cluster.until(() =>
    replicas.every(
      (id) => cluster.at(id).broker.replica(cluster.group('t'))?.log.highWatermark === values.length,
    ),
  );
  for (const id of replicas) expect(await cluster.values(id, 't')).toEqual(values);
}

describe('a partition that is moved', () => {
  it('has all its records where it goes, and a leader there', async () => {
    await topicOn('n1', 'n2', 'n3');
    await produce('a');
    await move('n3', 'n4', 'n5');
    await inPlace('n3', 'n4', 'n5');
    await produce('b');
    expect(['n3', 'n4', 'n5']).toContain(await cluster.elected('t'));
    await everywhere(['n3', 'n4', 'n5'], ['a', 'b']);
  });

  it('loses nothing that was acknowledged while it moved', async () => {
    await topicOn('n1', 'n2', 'n3');
    await move('n4', 'n5', 'n1');
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
    await inPlace('n4', 'n5', 'n1');
    await produce('last');
    const leader = await cluster.elected('t');
    const values = await cluster.values(leader, 't');
    expect(values).toEqual(expect.arrayContaining([...sent, 'last']));
  });

  it.each(['n1', 'n2', 'n3', 'n4', 'n5'])('gets there though %s restarts in the middle of it', async (id) => {
    for (const afterMs of [0, 1, 2, 4, 8, 16]) {
      if (afterMs === 0) await topicOn('n1', 'n2', 'n3');
      else {
        await move('n1', 'n2', 'n3');
        await inPlace('n1', 'n2', 'n3');
      }
      await produce('x');
      const ordered = cluster.at('n3' === id ? 'n2' : 'n3').broker;
      const order = { topic: 't', partition: 0, replicas: ['n5', 'n4', 'n1'] };
      const asked = new Watched(reassignPartition(ordered, order, TIMEOUT_MS));
      await cluster.run(afterMs);
      await cluster.restart(id);
      await cluster.until(() => asked.now.state !== 'pending');
      // The controller may have died with the order: then nobody knows whether it counts.
      if (asked.now.state === 'rejected') await move(...order.replicas);
      await inPlace('n5', 'n4', 'n1');
    }
    await everywhere(
      ['n5', 'n4', 'n1'],
      Array.from({ length: 6 }, () => 'x'),
    );
  });

  it('gets there though the controller is cut off in the middle of it', async () => {
    await topicOn('n1', 'n2', 'n3');
    await produce('a');
    const controller = cluster.at('n1').broker.table.leaderOf(CLUSTER_GROUP)?.leader ?? '';
    await move('n5', 'n4', 'n2');
    cluster.network.isolate(controller);
    await cluster.run(3_000);
    cluster.network.heal();
    await inPlace('n5', 'n4', 'n2');
    await produce('b');
    await everywhere(['n5', 'n4', 'n2'], ['a', 'b']);
  });

  it('follows the last of many orders that come quickly', async () => {
    await topicOn('n1', 'n2', 'n3');
    await produce('a');
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
    await inPlace('n5', 'n2', 'n3');
    await produce('b');
    await everywhere(['n5', 'n2', 'n3'], ['a', 'b']);
  });

  it('goes back when it is cancelled', async () => {
    await topicOn('n1', 'n2', 'n3');
    await produce('a');
    await move('n4', 'n5', 'n3');
    await cluster.run(1);
    const { broker } = cluster.at('n1');
    const cancelled = new Watched(cancelReassignment(broker, 't', 0, TIMEOUT_MS));
    await cluster.until(() => cancelled.now.state !== 'pending');
    if (cancelled.now.state === 'resolved') await inPlace('n1', 'n2', 'n3');
    else await inPlace('n4', 'n5', 'n3');
    await produce('b');
  });

  it('disappears everywhere when its topic is deleted meanwhile', async () => {
    await topicOn('n1', 'n2', 'n3');
    const group = cluster.group('t');
    await move('n4', 'n5', 'n3');
    await cluster.run(2);
    await cluster.deleteTopic('n2', 't');
    await cluster.until(() => cluster.members.every(({ broker }) => broker.group(group) === undefined));
    await cluster.run(2_000);
    for (const { broker } of cluster.members) expect(broker.table.leaderOf(group)).toBeUndefined();
  });
});

describe('a broker that restarts after a partition went from it and came back', () => {
  it('takes the same steps again without harm, wherever the replica is now', async () => {
    await topicOn('n1', 'n2', 'n3');
    await produce('a');
    for (let round = 0; round < 2; round += 1) {
      await move('n1', 'n2', 'n4');
      await inPlace('n1', 'n2', 'n4');
      await cluster.restart('n3');
      await cluster.run(1_000);
      expect(cluster.at('n3').fatal).toEqual([]);
      await inPlace('n1', 'n2', 'n4');
      await move('n1', 'n2', 'n3');
      await inPlace('n1', 'n2', 'n3');
      await cluster.restart('n3');
      await cluster.run(1_000);
      await everywhere(['n1', 'n2', 'n3'], ['a']);
    }
  });

  it('hears of both at once when it was cut off', async () => {
    await topicOn('n1', 'n2', 'n3');
    await produce('a');
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
    await inPlace('n1', 'n2', 'n3');
    await everywhere(['n1', 'n2', 'n3'], ['a']);
  });
});

describe('a move to a broker whose disk is lost', () => {
  it('waits where it is, and the broker comes back with another disk and takes its replica', async () => {
    await topicOn('n1');
    await produce('a');
    cluster.crash('n4');
    await move('n4');
    await cluster.run(500);
    await cluster.answer(replaceBroker(cluster.at('n1').broker, 'n4', TIMEOUT_MS));
    await cluster.until(() => cluster.at('n1').broker.cluster.state.brokers.get('n4')?.status === 'JOINING');
    cluster.replaceDisk('n4');
    await cluster.boot('n4', []);
    await inPlace('n4');
    await everywhere(['n4'], ['a']);
  });
});

describe('those who wait at a replica that goes', () => {
  it('a long poll is told at once that the partition is elsewhere', async () => {
    await topicOn('n1', 'n2', 'n3');
    await produce('a');
    const poll = new Watched(cluster.fetch('n3', 't', { offset: 1, waitMs: 30_000, allowFollower: true }));
    await cluster.run(10);
    await move('n1', 'n2', 'n4');
    await inPlace('n1', 'n2', 'n4');
    await cluster.run(10);
    expect(poll.now).toEqual({ state: 'rejected', reason: 'NOT_LEADER' });
  });

  it('a long poll is told at once that the topic is gone', async () => {
    await topicOn('n1', 'n2', 'n3');
    await produce('a');
    const leader = await cluster.elected('t');
    const poll = new Watched(cluster.fetch(leader, 't', { offset: 1, waitMs: 30_000 }));
    await cluster.run(10);
    await cluster.deleteTopic('n2', 't');
    await cluster.run(10);
    expect(poll.now).toEqual({ state: 'rejected', reason: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });

  it('a long poll below a log start that moved ends as out of range', async () => {
    await topicOn('n1', 'n2', 'n3');
    const leader = await cluster.elected('t');
    const lagging = ['n1', 'n2', 'n3'].find((id) => id !== leader) ?? '';
    await produce('a');
    await everywhere(['n1', 'n2', 'n3'], ['a']);
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

it('a group that is as it should be costs nothing: no commands, no messages, no timers', async () => {
  await topicOn('n1', 'n2', 'n3');
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
