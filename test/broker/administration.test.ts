import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  addBroker,
  cancelReassignment,
  describeReplication,
  listBrokers,
  listReassignments,
  reassignPartition,
  removeBroker,
  replaceBroker,
} from '../../src/broker/administration.js';
import { MiniCluster } from './mini-cluster.js';
import { rejection } from './outcomes.js';

const TIMEOUT_MS = 2_000;

let cluster: MiniCluster;

beforeEach(async () => {
  cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4']);
  await cluster.createTopic('n1', { topic: 't', partitions: 4, replicationFactor: 3 });
});

afterEach(() => {
  cluster.close();
});

function n1() {
  return cluster.at('n1').broker;
}

describe('RemoveBroker', () => {
  it('first says where each of its replicas goes, and keeps the others where they are', async () => {
    const before = new Map(n1().cluster.state.byGroup);
    await cluster.answer(removeBroker(n1(), 'n4', TIMEOUT_MS));
    for (const assignment of n1().cluster.state.byGroup.values()) {
      const { replicas } = before.get(assignment.group) ?? assignment;
      if (!replicas.includes('n4')) {
        expect(assignment.target).toBeUndefined();
        continue;
      }
      expect(assignment.target).not.toContain('n4');
      expect(assignment.target).toEqual(expect.arrayContaining(replicas.filter((id) => id !== 'n4')));
      expect(new Set(assignment.target).size).toBe(3);
    }
    expect(n1().cluster.state.brokers.get('n4')?.status).toBe('REMOVING');
    const moving = [...before.values()].filter(({ replicas }) => replicas.includes('n4'));
    expect(listReassignments(n1()).map(({ group }) => group)).toEqual(moving.map(({ group }) => group));
    await cluster.answer(removeBroker(n1(), 'n4', TIMEOUT_MS));
  });

  it('changes nothing when the other brokers are too few', async () => {
    await cluster.createTopic('n1', { topic: 'wide', partitions: 1, replicationFactor: 4 });
    const before = JSON.stringify(n1().cluster.state.toJson());
    const error = await rejection(cluster.answer(removeBroker(n1(), 'n4', TIMEOUT_MS)));
    expect([error.reason, error.metadata['topic']]).toEqual(['BROKER_CHANGE_REFUSED', 'wide']);
    expect(error.message).toContain('add a broker first');
    expect(JSON.stringify(n1().cluster.state.toJson())).toBe(before);
  });

  it('lets the broker go once the last replica has moved off it', async () => {
    await cluster.answer(removeBroker(n1(), 'n4', TIMEOUT_MS));
    await cluster.until(() => !n1().cluster.state.brokers.has('n4'));
    expect(n1().cluster.members).toEqual(['n1', 'n2', 'n3']);
  });

  it('lets the broker go once the topic is deleted whose replica had no place to move to', async () => {
    cluster.crash('n3');
    await cluster.answer(removeBroker(n1(), 'n4', TIMEOUT_MS));
    await cluster.run(3_000);
    expect(n1().cluster.state.brokers.get('n4')?.status).toBe('REMOVING');
    await cluster.deleteTopic('n1', 't');
    await cluster.until(() => !n1().cluster.state.brokers.has('n4'));
  });

  it('knows no broker that was never there', async () => {
    expect((await rejection(cluster.answer(removeBroker(n1(), 'n9', TIMEOUT_MS)))).reason).toBe(
      'BROKER_NOT_FOUND',
    );
  });
});

describe('the other changes', () => {
  it('go through any broker, and every broker then tells of them', async () => {
    const n2 = cluster.at('n2').broker;
    await cluster.answer(addBroker(n2, 'n5', 'n5:2', TIMEOUT_MS));
    cluster.crash('n4');
    await cluster.until(() => !n2.isAlive('n4'));
    await cluster.answer(replaceBroker(n2, 'n4', TIMEOUT_MS));
    const { replicas } = n2.assignment('t', 0);
    const other = ['n1', 'n2', 'n3'].find((id) => !replicas.includes(id)) ?? 'n1';
    const move = { topic: 't', partition: 0, replicas: [other] };
    await cluster.answer(reassignPartition(n2, move, TIMEOUT_MS));
    // A broker whose disk is declared lost is no member of group 0 any more, and hears nothing further.
    const others = cluster.members.filter(({ id }) => id !== 'n4');
    await cluster.until(() =>
      others.every(({ broker }) => broker.assignment('t', 0).replicas.join() === other),
    );
    for (const { broker } of others) {
      expect(listBrokers(broker, 'n1')).toMatchObject([
        { id: 'n1', status: 'ACTIVE', alive: true, controller: true, peerAddress: 'n1:2' },
        { id: 'n2', status: 'ACTIVE', alive: true, controller: false },
        { id: 'n3', status: 'ACTIVE' },
        { id: 'n4', status: 'JOINING', incarnation: '' },
        { id: 'n5', status: 'JOINING', alive: false, replicaCount: 0, incarnation: '' },
      ]);
    }
    expect(listReassignments(n2).filter(({ topic, partition }) => topic === 't' && partition === 0)).toEqual(
      [],
    );
    const tooLate = cluster.answer(cancelReassignment(n2, 't', 0, TIMEOUT_MS));
    await expect(tooLate).rejects.toThrow(/not being reassigned/);
  });

  it('places new topics on active brokers only', async () => {
    cluster.crash('n2');
    await cluster.until(() => !n1().isAlive('n2'));
    await cluster.answer(replaceBroker(n1(), 'n2', TIMEOUT_MS));
    await cluster.createTopic('n1', { topic: 'later', partitions: 8, replicationFactor: 3 });
    for (const { replicas } of n1().cluster.state.topics.get('later')?.partitions ?? []) {
      expect([...replicas].sort()).toEqual(['n1', 'n3', 'n4']);
    }
  });
});

it('DescribeReplication: the leader tells how far each member is, another broker who leads', async () => {
  const { group, replicas } = n1().assignment('t', 0);
  const leader = await cluster.elected('t');
  const others = replicas.filter((id) => id !== leader);
  const { raft } = cluster.at(leader).broker.group(group) ?? {};
  await cluster.until(() =>
    [...(raft?.progress.values() ?? [])].every(({ match }) => match === raft?.lastIndex),
  );
  const { members } = describeReplication(cluster.at(leader).broker, 't', 0);
  const [first, ...rest] = members;
  expect(first).toEqual({
    broker: leader,
    role: 'leader',
    matchIndex: raft?.lastIndex,
    lagEntries: 0,
    alive: true,
  });
  expect(rest.map(({ broker, role, lagEntries }) => [broker, role, lagEntries]).sort()).toEqual(
    others.map((id) => [id, 'voter', 0]).sort(),
  );
  expect(() => describeReplication(cluster.at(others[0] ?? '').broker, 't', 0)).toThrow(/does not lead/);
});
