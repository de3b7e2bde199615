import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reassignPartition } from '../../src/broker/administration.js';
import { MiniCluster } from './mini-cluster.js';
import { MovingPartition } from './moving-partition.js';

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

describe('a replica that was dropped and is made anew', () => {
  it('elects nobody who lacks what was committed while it was gone (I10)', async () => {
    await partition.topicOn('n4', 'n2', 'n3');
    await partition.produce('a');
    await partition.leads('n4');
    // n3 reaches n2 alone, and learns nothing of what follows.
    for (const peer of ['n1', 'n4', 'n5']) partition.cut('n3', peer);
    await partition.move('n4', 'n1', 'n3');
    await cluster.until(() => cluster.at('n2').broker.group(cluster.group('t')) === undefined);
    await cluster.answer(cluster.produce('n4', 't', 'b'));
    // n2 is to come back, but hears nothing of the leader.
    partition.cut('n2', 'n4');
    await partition.move('n4', 'n2', 'n3');
    await cluster.until(() => cluster.at('n2').broker.group(cluster.group('t')) !== undefined);
    partition.cut('n2', 'n1');
    await cluster.run(5_000);
    expect(cluster.at('n3').broker.group(cluster.group('t'))?.raft.role).not.toBe('leader');
    cluster.network.heal();
    await partition.inPlace('n4', 'n2', 'n3');
    await partition.produce('c');
    await partition.everywhere(['n2', 'n3', 'n4'], ['a', 'b', 'c']);
  });
});

describe('replicas that were all dropped and are made anew', () => {
  it('do not elect each other, but wait for the leader (I3, I10)', async () => {
    await partition.topicOn('n1', 'n2', 'n3');
    await partition.produce('a');
    await partition.move('n4', 'n5');
    await partition.inPlace('n4', 'n5');
    const leader = await cluster.elected('t');
    for (const there of ['n4', 'n5']) for (const back of ['n1', 'n2']) partition.cut(there, back);
    const { broker } = cluster.at('n3');
    const order = { topic: 't', partition: 0, replicas: ['n1', 'n2', 'n3'] };
    await cluster.answer(reassignPartition(broker, order, TIMEOUT_MS)).catch(() => undefined);
    await cluster.run(3_000);
    const group = cluster.group('t');
    const leaders = cluster.members.filter(({ broker: each }) => each.group(group)?.raft.role === 'leader');
    expect(leaders.map(({ id }) => id)).toEqual([leader]);
    cluster.network.heal();
    await partition.inPlace('n1', 'n2', 'n3');
    await partition.produce('b');
    await partition.everywhere(['n1', 'n2', 'n3'], ['a', 'b']);
  });
});
