/** What was recorded about leadership, and why a broker leads, with real gRPC between client and brokers. */
import { describe, expect, it } from 'vitest';
import { LeadershipCause } from '../../gen/bellwether/v1/leadership.js';
import { LeadershipObstacle } from '../../gen/bellwether/v1/partition_service.js';
import type {
  ExplainLeaderResponse,
  ListFailoversRequest,
} from '../../gen/bellwether/v1/partition_service.js';
import { change } from './changes.js';
import { never } from './fake-broker.js';
import { fail, leaderAt, ORDERS, rejection, startBroker, startClient } from './harness.js';

describe('listFailovers', () => {
  it('sends the filter and gives the changes back, the broker’s order kept', async () => {
    const requests: ListFailoversRequest[] = [];
    const broker = await startBroker({
      listFailovers: (request) => {
        requests.push(request);
        const { BALANCED } = LeadershipCause;
        return { failovers: [change(9, { cause: BALANCED, timeline: undefined }), change(3)] };
      },
    });
    const client = await startClient([broker.address]);

    const failovers = await client.listFailovers({ topic: 'orders', partition: 0, limit: 2 });
    expect(failovers.map(({ sequence, cause }) => [sequence, cause])).toEqual([
      [9, 'BALANCED'],
      [3, 'CONNECTION_LOST'],
    ]);
    expect(failovers[0]?.timeline).toBeUndefined();
    await client.listFailovers();
    expect(requests).toEqual([
      { topic: 'orders', partition: 0, limit: 2 },
      { topic: '', partition: undefined, limit: 0 },
    ]);
  });

  it('refuses a partition without its topic', async () => {
    const client = await startClient(['127.0.0.1:1']);
    const error = await rejection(client.listFailovers({ partition: 0 }));
    expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', 'topic']);
  });
});

describe('explainLeader', () => {
  const explanation = (lagEntries: number | undefined, leader = 'n2'): ExplainLeaderResponse => ({
    leader,
    term: 4,
    preferredLeader: 'n1',
    summary: 'scripted',
    replicas: [
      {
        broker: 'n1',
        leads: false,
        obstacles: [LeadershipObstacle.LAGGING, 99 as never],
        lagEntries,
        coolDownMs: 0,
      },
    ],
    changes: [change(3)],
  });

  it('asks the leader that any broker names, since only the leader knows the lag', async () => {
    const leader = await startBroker({ explainLeader: () => explanation(12) });
    const other = await startBroker({ explainLeader: () => explanation(undefined) });
    other.script.partitionLeader = () => leaderAt(leader.address, 4);
    const client = await startClient([other.address]);

    const { replicas, changes, ...rest } = await client.explainLeader(ORDERS);
    expect(rest).toEqual({ leader: 'n2', term: 4, preferredLeader: 'n1', summary: 'scripted' });
    expect(replicas).toEqual([
      {
        broker: 'n1',
        leads: false,
        obstacles: ['LAGGING', 'OBSTACLE_99'],
        lagEntries: 12,
        coolDownMs: 0,
      },
    ]);
    expect(changes.map(({ sequence }) => sequence)).toEqual([3]);
    expect([leader.count('explainLeader'), other.count('explainLeader')]).toEqual([1, 1]);

    await client.explainLeader(ORDERS); // Known by now.
    expect([leader.count('explainLeader'), other.count('explainLeader')]).toEqual([2, 1]);
  });

  it('leaves a broker that was remembered as the leader and leads no more', async () => {
    const leader = await startBroker({ explainLeader: () => explanation(12) });
    const deposed = await startBroker({ explainLeader: () => explanation(undefined) });
    deposed.script.partitionLeader = () => leaderAt(deposed.address, 3);
    const client = await startClient([deposed.address]);
    await client.partitionLeader(ORDERS);
    deposed.script.partitionLeader = () => leaderAt(leader.address, 4);

    expect((await client.explainLeader(ORDERS)).replicas[0]?.lagEntries).toBe(12);
    expect([leader.count('explainLeader'), deposed.count('explainLeader')]).toEqual([1, 1]);
  });

  it('waits for no election: with no leader the answer of any broker counts', async () => {
    const broker = await startBroker({
      explainLeader: () => explanation(undefined, ''),
      partitionLeader: () => never(),
    });
    const client = await startClient([broker.address]);

    expect((await client.explainLeader(ORDERS)).leader).toBeUndefined();
    expect(broker.calls.filter((name) => name !== 'describeCluster')).toEqual(['explainLeader']);
  });

  it('keeps the first answer when the leader does not add to it', async () => {
    const broker = await startBroker({
      explainLeader: () => explanation(undefined),
      partitionLeader: () => fail('NO_LEADER'),
    });
    const client = await startClient([broker.address]);

    const explained = await client.explainLeader(ORDERS, { timeoutMs: 200 });
    expect(explained.replicas[0]?.lagEntries).toBeUndefined();
  });

  it('reports a partition that does not exist', async () => {
    const broker = await startBroker({ explainLeader: () => fail('UNKNOWN_TOPIC_OR_PARTITION') });
    const client = await startClient([broker.address]);
    const error = await rejection(client.explainLeader(ORDERS));
    expect(error.reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });
});
