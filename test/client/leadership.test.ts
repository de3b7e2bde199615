/** Finding the leader: hints, terms and look-ups, with real gRPC between client and brokers. */
import { describe, expect, it } from 'vitest';
import {
  fail,
  FETCHED,
  leaderAt,
  notLeader,
  ONE_RECORD,
  ORDERS,
  PRODUCE_RESULT,
  PRODUCED,
} from './harness.js';
import { rejection, startBroker, startClient } from './harness.js';

describe('leader hints', () => {
  it('a hint with a newer term is followed at the first try (KIP-951)', async () => {
    const newLeader = await startBroker({ produce: () => PRODUCED });
    const old = await startBroker({ produce: () => Promise.reject(notLeader(newLeader.address, 4)) });
    old.script.partitionLeader = () => leaderAt(old.address, 3);
    const client = await startClient([old.address]);

    expect(await client.produce(ORDERS, ONE_RECORD)).toEqual(PRODUCE_RESULT);
    expect([old.count('produce'), newLeader.count('produce')]).toEqual([1, 1]);
    expect(old.count('partitionLeader')).toBe(1);
  });

  it('the hinted leader is remembered for the next call', async () => {
    const newLeader = await startBroker({ produce: () => PRODUCED });
    const old = await startBroker({ produce: () => Promise.reject(notLeader(newLeader.address, 4)) });
    old.script.partitionLeader = () => leaderAt(old.address, 3);
    const client = await startClient([old.address]);

    await client.produce(ORDERS, ONE_RECORD);
    await client.produce(ORDERS, ONE_RECORD);
    expect([old.count('produce'), newLeader.count('produce')]).toEqual([1, 2]);
  });

  it.each([2, 3])('a hint with term %i is not adopted when term 3 is known', async (hintTerm) => {
    const misled = await startBroker({ produce: () => PRODUCED });
    const broker = await startBroker();
    let refusals = 0;
    broker.script.partitionLeader = () => leaderAt(broker.address, 3);
    broker.script.produce = () => {
      refusals += 1;
      if (refusals === 1) throw notLeader(misled.address, hintTerm);
      return PRODUCED;
    };
    const client = await startClient([broker.address]);

    await client.produce(ORDERS, ONE_RECORD);
    expect(misled.count('produce')).toBe(0);
    expect(broker.count('partitionLeader')).toBe(2); // An unusable hint leads to a look-up (AutoMQ #3546).
  });

  it('a hinted broker that refuses too leads to a look-up, not in circles', async () => {
    const leader = await startBroker({ produce: () => PRODUCED });
    const first = await startBroker();
    const second = await startBroker({ produce: () => Promise.reject(notLeader(first.address, 3)) });
    first.script.produce = () => Promise.reject(notLeader(second.address, 4));
    let lookUps = 0;
    first.script.partitionLeader = () =>
      (lookUps += 1) === 1 ? leaderAt(first.address, 3) : leaderAt(leader.address, 5);
    const client = await startClient([first.address]);

    expect(await client.produce(ORDERS, ONE_RECORD)).toEqual(PRODUCE_RESULT);
    expect([first.count('produce'), second.count('produce')]).toEqual([1, 1]);
    expect(lookUps).toBe(2);
  });

  it('brokers that only point at each other are not asked without pauses', async () => {
    let term = 1;
    const ping = await startBroker();
    const pong = await startBroker({ produce: () => Promise.reject(notLeader(ping.address, (term += 1))) });
    ping.script.produce = () => Promise.reject(notLeader(pong.address, (term += 1)));
    ping.script.partitionLeader = () => leaderAt(ping.address, 1);
    const client = await startClient([ping.address]);

    const error = await rejection(client.produce(ORDERS, ONE_RECORD, { timeoutMs: 300 }));
    expect(error.reason).toBe('NOT_LEADER');
    expect(error.outcome).toBe('NOT_APPLIED');
    // 300 ms hold at most 7 pauses of 10 ms and more, doubling, with 3 hops before each.
    expect(ping.count('produce') + pong.count('produce')).toBeLessThanOrEqual(7 * 4);
  });
});

describe('looking the leader up', () => {
  it('NO_LEADER is asked again until there is a leader', async () => {
    const broker = await startBroker({ produce: () => PRODUCED });
    let lookUps = 0;
    broker.script.partitionLeader = () =>
      (lookUps += 1) < 4 ? fail('NO_LEADER') : leaderAt(broker.address, 2);
    const client = await startClient([broker.address]);

    await client.produce(ORDERS, ONE_RECORD);
    expect(lookUps).toBe(4);
    expect(broker.count('produce')).toBe(1);
  });

  it('a fetch is served without a leader, but only when no broker can name one', async () => {
    const behind = await startBroker({ partitionLeader: () => fail('NO_LEADER'), fetch: () => FETCHED });
    const replica = await startBroker({ partitionLeader: () => fail('NO_LEADER'), fetch: () => FETCHED });
    const client = await startClient([behind.address, replica.address]);

    await client.fetch(ORDERS, 0);
    expect(behind.count('partitionLeader') + replica.count('partitionLeader')).toBe(2);
    expect(behind.count('fetch') + replica.count('fetch')).toBe(1);
  });

  it('a produce that never found its leader is NOT_APPLIED, whatever became of the look-up', async () => {
    const broker = await startBroker({ partitionLeader: () => new Promise(() => undefined) });
    const client = await startClient([broker.address]);

    const error = await rejection(client.produce(ORDERS, ONE_RECORD, { timeoutMs: 150 }));
    expect(error.outcome).toBe('NOT_APPLIED');
    expect(broker.count('produce')).toBe(0);
  });

  it('a broker without a leader to name is left for another one', async () => {
    const leader = await startBroker({ fetch: () => FETCHED });
    const cutOff = await startBroker({ partitionLeader: () => fail('NO_LEADER') });
    leader.script.partitionLeader = () => leaderAt(leader.address, 2);
    const client = await startClient([cutOff.address, leader.address]);

    await client.fetch(ORDERS, 0);
    expect(cutOff.count('partitionLeader')).toBe(1);
  });

  it('an unknown topic is reported straight away', async () => {
    const broker = await startBroker({ partitionLeader: () => fail('UNKNOWN_TOPIC_OR_PARTITION') });
    const client = await startClient([broker.address]);

    expect((await rejection(client.fetch(ORDERS, 0))).reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(broker.count('partitionLeader')).toBe(1);
  });

  it('metadata saves the look-up', async () => {
    const broker = await startBroker({ fetch: () => FETCHED });
    broker.script.metadata = () => ({
      clusterId: 'c',
      controller: '',
      brokers: [{ id: 'n1', address: broker.address, rack: '', alive: true }],
      topics: [
        {
          topic: 'orders',
          partitions: [
            {
              partition: 0,
              leader: 'n1',
              term: 1,
              replicas: ['n1'],
              inSyncReplicas: ['n1'],
              offlineReplicas: [],
            },
          ],
        },
      ],
    });
    const client = await startClient([broker.address]);

    const { controller, topics } = await client.metadata(['orders']);
    expect(controller).toBeUndefined();
    expect(topics[0]?.partitions[0]?.leader).toBe('n1');
    await client.fetch(ORDERS, 0);
    expect(broker.count('partitionLeader')).toBe(0);
  });
});
