import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addBroker, removeBroker, replaceBroker } from '../../src/broker/administration.js';
import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
import type { BrokerId } from '../../src/raft/types.js';
import { MiniCluster } from './mini-cluster.js';

const TIMEOUT_MS = 5_000;

let cluster: MiniCluster;

beforeEach(async () => {
  cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4']);
  await cluster.createTopic('n1', { topic: 't', partitions: 4, replicationFactor: 3 });
  await cluster.produced(await cluster.elected('t'), 't', 'a');
});

afterEach(() => {
  cluster.close();
});

function state(via: BrokerId) {
  return cluster.at(via).broker.cluster.state;
}

function statusOf(id: BrokerId, via: BrokerId) {
  return state(via).brokers.get(id)?.status;
}

/** Who is a member of group 0, or of any partition, as `via` knows. */
function isMember(id: BrokerId, via: BrokerId): boolean {
  const memberships = [
    state(via).clusterMembership,
    ...[...state(via).byGroup.values()].map((p) => p.membership),
  ];
  return memberships.some(({ voters, learners }) => voters.includes(id) || learners.includes(id));
}

function controller(via: BrokerId): BrokerId {
  return cluster.at(via).broker.table.leaderOf(CLUSTER_GROUP)?.leader ?? '';
}

/** Waits until every partition is on the brokers that it belongs on, as all running ones know. */
async function settledEverywhere(): Promise<void> {
  await cluster.until(() =>
    cluster.members.every(({ broker }) =>
      [...broker.cluster.state.byGroup.values()].every(
        ({ replicas, target, membership: { voters, learners } }) =>
          target === undefined &&
          learners.length === 0 &&
          [...voters].sort().join() === [...replicas].sort().join(),
      ),
    ),
  );
}

describe.each(['n1', 'n2', 'n3', 'n4'])('the lost disk of %s', (lost) => {
  const via = lost === 'n1' ? 'n2' : 'n1';

  it('is forgotten by all groups, and a new one takes all its replicas', async () => {
    cluster.crash(lost);
    await cluster.run(1_000);
    await cluster.answer(replaceBroker(cluster.at(via).broker, lost, TIMEOUT_MS));
    await cluster.until(() => statusOf(lost, via) === 'JOINING' && !isMember(lost, via));
    cluster.replaceDisk(lost);
    const { broker, fatal } = await cluster.boot(lost, []);
    await cluster.until(() => statusOf(lost, via) === 'ACTIVE');
    await settledEverywhere();
    await cluster.until(() => state(via).clusterMembership.voters.includes(lost));
    const leader = await cluster.elected('t');
    await cluster.produced(leader, 't', 'b');
    const { replicas } = broker.assignment('t', 0);
    if (replicas.includes(lost)) {
      await cluster.until(() => broker.replica(cluster.group('t'))?.log.highWatermark === 2);
      expect(await cluster.values(lost, 't')).toEqual(['a', 'b']);
    }
    expect(fatal).toEqual([]);
  });

  it('may come back after all, while no other is known', async () => {
    cluster.crash(lost);
    await cluster.run(1_000);
    await cluster.answer(replaceBroker(cluster.at(via).broker, lost, TIMEOUT_MS));
    await cluster.until(() => statusOf(lost, via) === 'JOINING');
    await cluster.boot(lost);
    await cluster.until(() => statusOf(lost, via) === 'ACTIVE');
    await settledEverywhere();
    await cluster.produced(await cluster.elected('t'), 't', 'b');
    expect(cluster.at(lost).fatal).toEqual([]);
  });

  it('changes nothing once another has taken its place (I21)', async () => {
    const old = cluster.disk(lost);
    cluster.crash(lost);
    await cluster.run(1_000);
    await cluster.answer(replaceBroker(cluster.at(via).broker, lost, TIMEOUT_MS));
    await cluster.until(() => statusOf(lost, via) === 'JOINING');
    cluster.replaceDisk(lost);
    await cluster.boot(lost, []);
    await settledEverywhere();
    await cluster.until(() => state(via).clusterMembership.voters.includes(lost));
    const registered = state(via).brokers.get(lost);
    cluster.crash(lost);
    cluster.putDiskBack(lost, old);
    await cluster.boot(lost);
    await cluster.run(3_000);
    expect(state(via).brokers.get(lost)).toEqual(registered);
    expect(cluster.at(lost).fatal.map(({ reason }) => reason)).toEqual(['CLUSTER_MISMATCH']);
    const leader = await cluster.elected('t', 0, [lost]);
    await cluster.produced(leader, 't', 'b');
  });
});

describe('a disk that is lost without a word', () => {
  it('is not taken for the old one', async () => {
    cluster.crash('n4');
    cluster.replaceDisk('n4');
    await cluster.boot('n4', []);
    await cluster.run(3_000);
    expect(statusOf('n4', 'n1')).toBe('ACTIVE');
    expect(cluster.at('n4').fatal.map(({ reason }) => reason)).toEqual(['CLUSTER_MISMATCH']);
  });
});

describe('a broker that joins', () => {
  it('votes in group 0 and takes replicas, and goes again', async () => {
    await cluster.answer(addBroker(cluster.at('n1').broker, 'n5', 'n5:2', TIMEOUT_MS));
    cluster.replaceDisk('n5');
    await cluster.boot('n5', []);
    await cluster.until(() => statusOf('n5', 'n1') === 'ACTIVE');
    await cluster.until(() => state('n1').clusterMembership.voters.includes('n5'));
    await cluster.createTopic('n5', { topic: 'wide', replicationFactor: 5 });
    await cluster.produced(await cluster.elected('wide'), 'wide', 'x');
    await cluster.answer(removeBroker(cluster.at('n1').broker, 'n4', TIMEOUT_MS)).catch(() => undefined);
    await cluster.deleteTopic('n1', 'wide');
    await cluster.answer(removeBroker(cluster.at('n1').broker, 'n4', TIMEOUT_MS));
    await cluster.until(() => statusOf('n4', 'n1') === undefined);
    expect(isMember('n4', 'n1')).toBe(false);
    await cluster.produced(await cluster.elected('t', 0, ['n4']), 't', 'b');
  });

  it.each(['n1', 'n2', 'n3', 'n4'])('%s is removed, even where it is the controller', async (gone) => {
    const via = gone === 'n1' ? 'n2' : 'n1';
    await cluster.answer(removeBroker(cluster.at(via).broker, gone, TIMEOUT_MS));
    await cluster.until(() => statusOf(gone, via) === undefined && !isMember(gone, via));
    expect(controller(via)).not.toBe(gone);
    await cluster.produced(await cluster.elected('t', 0, [gone]), 't', 'b');
    // Started again, it is told that it is out.
    await cluster.restart(gone);
    await cluster.run(3_000);
    expect(statusOf(gone, via)).toBeUndefined();
    expect(isMember(gone, via)).toBe(false);
    expect(cluster.at(gone).fatal.map(({ reason }) => reason)).toEqual(['CLUSTER_MISMATCH']);
  });
});
