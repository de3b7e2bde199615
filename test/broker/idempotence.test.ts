/** Idempotent producers on production brokers: a batch that is sent again is appended once, whoever leads. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteRecords, reassignPartition } from '../../src/broker/administration.js';
import { initProducer, produce } from '../../src/broker/data.js';
import type { Acks } from '../../src/broker/partition-host.js';
import type { BrokerId } from '../../src/raft/types.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { MiniCluster } from './mini-cluster.js';
import { rejection, Watched } from './outcomes.js';

const TOPIC = 'orders';
const TIMEOUT_MS = 2_000;
const PRODUCER = { id: 7, epoch: 0 };

let cluster: MiniCluster;

beforeEach(async () => {
  cluster = await MiniCluster.start(['n1', 'n2', 'n3', 'n4']);
  await cluster.createTopic('n1', { topic: TOPIC, replicationFactor: 3 });
  await cluster.elected(TOPIC);
});

afterEach(() => {
  const failed = cluster.members.flatMap(({ fatal }) => fatal);
  cluster.close();
  expect(failed).toEqual([]);
});

/** Sends the record with a sequence, whose value is that sequence. */
function send(via: BrokerId, sequence: number, producer = PRODUCER, acks: Acks = 'all') {
  const value = new TextEncoder().encode(String(sequence));
  const records = [{ key: undefined, value, headers: [], timestampMs: 1 }];
  const batch = encodeRecordBatch(records, { ...producer, baseSequence: sequence });
  return produce(cluster.at(via).broker, { topic: TOPIC, partition: 0, acks, batch }, TIMEOUT_MS);
}

async function sent(via: BrokerId, sequence: number) {
  const { baseOffset, isDuplicate } = await cluster.answer(send(via, sequence));
  return [baseOffset, isDuplicate];
}

describe('a batch that is sent again', () => {
  it('is answered by the next leader with the offset and term of the first time, and is there once', async () => {
    const first = await cluster.elected(TOPIC);
    const { term } = await cluster.answer(send(first, 0));
    await sent(first, 1);
    cluster.crash(first);
    const next = await cluster.elected(TOPIC);
    expect(await cluster.answer(send(next, 0))).toEqual({
      baseOffset: 0,
      term,
      recordCount: 1,
      isDuplicate: true,
    });
    expect(await sent(next, 1)).toEqual([1, true]);
    expect(await sent(next, 2)).toEqual([2, false]);
    expect(await cluster.values(next, TOPIC)).toEqual(['0', '1', '2']);
  });

  it('is known to brokers that have all been restarted', async () => {
    await sent(await cluster.elected(TOPIC), 0);
    for (const id of cluster.ids) cluster.crash(id);
    await Promise.all(cluster.ids.map((id) => cluster.boot(id)));
    const leader = await cluster.elected(TOPIC);
    expect(await sent(leader, 0)).toEqual([0, true]);
    expect(await sent(leader, 1)).toEqual([1, false]);
  });

  it('is known to a replica that got a snapshot, though its record is deleted', async () => {
    const leader = await cluster.elected(TOPIC);
    await sent(leader, 0);
    const { broker } = cluster.at(leader);
    const request = { topic: TOPIC, partition: 0, before: undefined } as const;
    await cluster.answer(deleteRecords(broker, request, TIMEOUT_MS));
    const group = cluster.group(TOPIC);
    await cluster.until(() => broker.group(group)?.raft.snapshot !== undefined);
    const newcomer = cluster.ids.find((id) => cluster.at(id).broker.replica(group) === undefined) ?? '';
    const replicas = [newcomer];
    await cluster.answer(reassignPartition(broker, { topic: TOPIC, partition: 0, replicas }, TIMEOUT_MS));
    await cluster.until(() => cluster.leaderOf(TOPIC) === newcomer);
    expect(await sent(newcomer, 0)).toEqual([0, true]);
    expect(await sent(newcomer, 1)).toEqual([1, false]);
  });

  it('is acknowledged when the first one is committed, and no earlier', async () => {
    const leader = await cluster.elected(TOPIC);
    const followers = cluster.ids.filter((id) => id !== leader);
    for (const follower of followers) cluster.network.silence(follower, leader);
    const first = new Watched(send(leader, 0));
    const again = new Watched(send(leader, 0));
    expect((await send(leader, 0, PRODUCER, 'none')).isDuplicate).toBe(true);
    await cluster.run(20);
    expect([first.now.state, again.now.state]).toEqual(['pending', 'pending']);
    cluster.network.heal();
    await cluster.until(() => again.now.state !== 'pending' && first.now.state !== 'pending');
    const next = await cluster.elected(TOPIC);
    expect((await cluster.answer(send(next, 0))).baseOffset).toBe(0);
    expect(await cluster.values(next, TOPIC)).toEqual(['0']);
  });

  it('shares the fate of the first one when another leader has taken over without it', async () => {
    const leader = await cluster.elected(TOPIC);
    cluster.network.isolate(leader);
    const first = rejection(send(leader, 0));
    const again = rejection(send(leader, 0));
    const next = await cluster.elected(TOPIC, 0, [leader]);
    await cluster.answer(send(next, 0, { id: 8, epoch: 0 }));
    cluster.network.heal();
    expect((await cluster.answer(again)).reason).toBe((await cluster.answer(first)).reason);
    await cluster.until(() => cluster.leaderOf(TOPIC) === next);
    expect(await sent(next, 0)).toEqual([1, false]);
  });
});

describe('a batch that does not follow the last one', () => {
  it('is refused for good by a leader that a quorum confirms, with what it expected', async () => {
    const leader = await cluster.elected(TOPIC);
    await sent(leader, 0);
    const ahead = await cluster.answer(rejection(send(leader, 2)));
    expect([ahead.reason, ahead.outcome, ahead.metadata['expected_sequence']]).toEqual([
      'OUT_OF_ORDER_SEQUENCE',
      'NOT_APPLIED',
      '1',
    ]);
    await cluster.answer(send(leader, 0, { id: 7, epoch: 2 }));
    const late = await cluster.answer(rejection(send(leader, 1)));
    expect([late.reason, late.outcome, late.metadata['current_epoch']]).toEqual([
      'FENCED_PRODUCER',
      'NOT_APPLIED',
      '2',
    ]);
  });

  it('is not refused for good by a leader that is deposed and does not know it', async () => {
    const deposed = await cluster.elected(TOPIC);
    await sent(deposed, 0);
    cluster.network.isolate(deposed);
    const refused = rejection(send(deposed, 2));
    const next = await cluster.elected(TOPIC, 0, [deposed]);
    await sent(next, 1);
    expect((await cluster.answer(refused)).reason).not.toBe('OUT_OF_ORDER_SEQUENCE');
    expect(await sent(next, 2)).toEqual([2, false]);
  });
});

describe('InitProducer', () => {
  it('gives each producer another id, at every broker, over restarts of them all', async () => {
    const ids: number[] = [];
    const ask = async (): Promise<void> => {
      const asked = cluster.ids.flatMap((id) =>
        [1, 2].map(() => initProducer(cluster.at(id).broker, TIMEOUT_MS)),
      );
      for (const { producerId, producerEpoch } of await cluster.answer(Promise.all(asked))) {
        expect(producerEpoch).toBe(0);
        ids.push(producerId);
      }
    };
    await ask();
    for (const id of cluster.ids) cluster.crash(id);
    await Promise.all(cluster.ids.map((id) => cluster.boot(id)));
    await cluster.elected(TOPIC);
    await ask();
    expect(new Set(ids).size).toBe(16);
    expect(Math.min(...ids)).toBeGreaterThanOrEqual(1);
  });
});
