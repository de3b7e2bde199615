/**
 * Many groups, one broker: what the death of a broker costs its peers, and what idle groups cost (issue 4,
 * item 2; research/raft.md sections 3.4 and 4). Calls and syncs are counted, so that no group pays on its own.
 */

import { afterEach, describe, expect, it, vi } from 'vitest';

import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
import type { GroupId } from '../../src/raft/types.js';
import { type Member, MiniCluster } from './mini-cluster.js';

const PARTITIONS = 201;
const TOPIC = 'many';

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

async function manyPartitions(): Promise<readonly GroupId[]> {
  cluster = await MiniCluster.start();
  await cluster.createTopic('n1', { topic: TOPIC, partitions: PARTITIONS });
  const groups = cluster
    .at('n1')
    .broker.cluster.state.topics.get(TOPIC)
    ?.partitions.map(({ group }) => group);
  await cluster.until(() => allLed(groups ?? []));
  await cluster.run(1_000);
  return groups ?? [];
}

/** Every running broker knows a leader of every group. */
function allLed(groups: readonly GroupId[]): boolean {
  return cluster.members.every(({ broker }) =>
    groups.every((group) => broker.table.leaderOf(group) !== undefined),
  );
}

function ledBy(id: string, groups: readonly GroupId[], as: Member = cluster.at('n2')): readonly GroupId[] {
  return groups.filter((group) => as.broker.table.leaderOf(group)?.leader === id);
}

/** Counts what the brokers say to each other from now on. */
function listen() {
  return cluster.members.map(({ id, broker: { transport } }) => ({
    id,
    votes: vi.spyOn(transport, 'requestVotes'),
    appends: vi.spyOn(transport, 'sendAppends'),
    replies: vi.spyOn(transport, 'sendAppendReplies'),
    heartbeats: vi.spyOn(transport, 'sendHeartbeat'),
  }));
}

describe('the death of a broker that leads a third of the groups', () => {
  it('costs its peers one call for all pre-votes, one for all votes, and a handful of syncs', async () => {
    const groups = await manyPartitions();
    const lost = ledBy('n1', groups);
    expect(lost).toHaveLength(PARTITIONS / 3);
    const spies = listen().filter(({ id }) => id !== 'n1');
    const journals = spies.map(({ id }) => vi.spyOn(cluster.at(id).journal, 'submit'));
    cluster.crash('n1');
    await cluster.until(() => allLed(groups));
    for (const { votes } of spies) {
      const calls = votes.mock.calls.map(([, requests]) => requests);
      // Both survivors are next in rank for a part of the groups.
      expect(calls.map((requests) => requests[0]?.message.preVote)).toEqual([true, false]);
      expect(calls.every((requests) => requests.length === calls[0]?.length)).toBe(true);
    }
    const asked = spies.reduce((sum, { votes }) => sum + (votes.mock.calls[0]?.[1].length ?? 0), 0);
    // Group 0 may have been led there too.
    expect(asked).toBeGreaterThanOrEqual(lost.length);
    expect(asked).toBeLessThanOrEqual(lost.length + 1);
    for (const submit of journals) {
      const groupsOf = submit.mock.calls.map(([writes]) => new Set(writes.map(({ group }) => group)));
      const shared = groupsOf.filter((written) => written.size > 1);
      // Votes given, its own votes, and the first entries of its own terms and of the other's.
      expect(shared.length).toBeLessThanOrEqual(4);
      // Group 0 by itself: the history of leadership, one entry at a time, and its commit index.
      expect(groupsOf.filter((written) => written.size === 1 && !written.has(CLUSTER_GROUP))).toEqual([]);
    }
  });

  it('is over with the first campaign of each group: no vote is split', async () => {
    const groups = await manyPartitions();
    const lost = ledBy('n1', groups);
    const terms = lost.map((group) => cluster.at('n2').broker.group(group)?.raft.term ?? 0);
    cluster.crash('n1');
    await cluster.until(() => allLed(groups));
    expect(lost.map((group) => cluster.at('n2').broker.group(group)?.raft.term)).toEqual(
      terms.map((term) => term + 1),
    );
  });

  it('leaves each group to the next in rank, also when that many elections hold both up for longer than ranks are apart', async () => {
    const groups = await manyPartitions();
    const lost = ledBy('n1', groups);
    const { state } = cluster.at('n2').broker.cluster;
    cluster.crash('n1');
    cluster.holdUp('n2', 50);
    cluster.holdUp('n3', 60);
    await cluster.until(() => allLed(groups));
    const heirs = lost.map((group) => state.assignment(group)?.replicas[1]);
    expect(lost.map((group) => cluster.at('n2').broker.table.leaderOf(group)?.leader)).toEqual(heirs);
  });

  it('gives each survivor half of what it led', async () => {
    const groups = await manyPartitions();
    const lost = ledBy('n1', groups);
    cluster.crash('n1');
    await cluster.until(() => allLed(groups));
    const shares = ['n2', 'n3'].map((id) => ledBy(id, lost).length);
    expect(Math.abs((shares[0] ?? 0) - (shares[1] ?? 0))).toBeLessThanOrEqual(1);
  });
});

describe('idle groups', () => {
  it('say nothing: for minutes nothing but heartbeats passes between the brokers', async () => {
    await manyPartitions();
    const spies = listen();
    await cluster.run(180_000);
    for (const { votes, appends, replies, heartbeats } of spies) {
      expect([votes, appends, replies].map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0]);
      // Two peers, one heartbeat each 30 ms; no more for all the partitions.
      expect(heartbeats.mock.calls.length).toBeLessThanOrEqual(2 * (180_000 / 30 + 1));
    }
  });
});
