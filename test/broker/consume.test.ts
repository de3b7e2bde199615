import { afterEach, describe, expect, it } from 'vitest';
import { consume, type ConsumeRequest, type ConsumeSink } from '../../src/broker/consume.js';
import { LIMITS } from '../../src/broker/limits.js';
import type { Fetched } from '../../src/broker/partition-host.js';
import { isStopping } from '../../src/broker/refusals.js';
import { readBatchHeader } from '../../src/records/batch-header.js';
import { MiniCluster } from './mini-cluster.js';
import { rejection, Watched } from './outcomes.js';

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

/** A client that takes messages only when a test says so. */
class Client implements ConsumeSink {
  isClosed = false;
  isFull = false;
  takesAll = true;
  readonly baseOffsets: number[] = [];
  messages = 0;
  #resume: () => void = () => undefined;

  send({ batches }: Fetched, offset: number): number {
    this.messages += 1;
    this.isFull = !this.takesAll;
    const headers = batches.map(readBatchHeader);
    this.baseOffsets.push(...headers.map(({ baseOffset }) => baseOffset));
    const last = headers.at(-1);
    return last === undefined ? offset : last.baseOffset + last.recordCount;
  }

  onChange(resume: () => void): void {
    this.#resume = resume;
  }

  /** The message is gone, and the next one may come. */
  take(): void {
    this.isFull = false;
    this.#resume();
  }

  leave(): void {
    this.isClosed = true;
    this.#resume();
  }
}

function streamFrom(id: string, client: Client, request: Partial<ConsumeRequest> = {}) {
  const all = { topic: 'orders', partition: 0, start: 0, endOffset: undefined, untilEnd: false };
  const bounds = { bytesMax: 1, allowFollower: false };
  return new Watched(consume(cluster.at(id).broker, { ...all, ...bounds, ...request }, client));
}

async function withRecords(count: number): Promise<string> {
  cluster = await MiniCluster.start();
  await cluster.createTopic('n1', { topic: 'orders' });
  const leader = await cluster.elected('orders');
  for (let i = 0; i < count; i++) await cluster.produced(leader, 'orders', String(i));
  return leader;
}

describe('consume', () => {
  it('reads one message ahead of a slow client, and no more', async () => {
    const leader = await withRecords(5);
    const client = new Client();
    client.takesAll = false;
    streamFrom(leader, client);
    await cluster.run(1_000);
    expect([client.messages, client.baseOffsets]).toEqual([1, []]);
    for (const offset of [0, 1, 2]) {
      client.take();
      await cluster.run(1_000);
      expect(client.baseOffsets.at(-1)).toBe(offset);
    }
  });

  it('waits at the end without a timer', async () => {
    const leader = await withRecords(1);
    await cluster.run(10_000);
    const before = cluster.clock.pendingTimers;
    const client = new Client();
    streamFrom(leader, client);
    await cluster.run(10_000);
    expect([client.baseOffsets, cluster.clock.pendingTimers]).toEqual([[0], before]);
    await cluster.produced(leader, 'orders', 'next');
    expect(client.baseOffsets).toEqual([0, 1]);
  });

  it('sends nothing that is not committed', async () => {
    const leader = await withRecords(1);
    const client = new Client();
    streamFrom(leader, client);
    for (const id of cluster.ids) if (id !== leader) cluster.disk(id).holdSyncs = true;
    const produced = new Watched(cluster.produce(leader, 'orders', 'held'));
    await cluster.run(100);
    expect([client.baseOffsets, produced.now.state]).toEqual([[0], 'pending']);
    for (const id of cluster.ids) {
      cluster.disk(id).holdSyncs = false;
      cluster.disk(id).releaseSyncs();
    }
    await cluster.until(() => produced.now.state === 'resolved');
    await cluster.until(() => client.baseOffsets.length === 2);
  });

  it('ends when its client goes, and is counted no more', async () => {
    const leader = await withRecords(1);
    const client = new Client();
    const stream = streamFrom(leader, client);
    const { streams } = cluster.at(leader).broker;
    await cluster.run(10);
    expect(streams.consume.count).toBe(1);
    client.leave();
    await cluster.until(() => stream.now.state === 'resolved');
    expect(streams.consume.count).toBe(0);
  });

  it('gives up after two seconds in which no leader is known', async () => {
    const leader = await withRecords(1);
    const client = new Client();
    const stream = consume(
      cluster.at(leader).broker,
      {
        ...{ topic: 'orders', partition: 0, start: 0, endOffset: undefined, untilEnd: false },
        ...{ bytesMax: 1, allowFollower: false },
      },
      client,
    );
    const watched = new Watched(stream);
    await cluster.run(10);
    for (const id of cluster.ids) if (id !== leader) cluster.crash(id);
    await cluster.run(LIMITS.leaderWaitMsMax - 200);
    expect(watched.now.state).toBe('pending');
    expect((await rejection(cluster.answer(stream))).reason).toBe('NO_LEADER');
  });

  it('ends with its broker, and lets none begin after that', async () => {
    const leader = await withRecords(1);
    const { streams } = cluster.at(leader).broker;
    const stream = streamFrom(leader, new Client());
    await cluster.run(10);
    streams.stop(isStopping(leader));
    await cluster.until(() => stream.now.state === 'rejected');
    const late = streamFrom(leader, new Client());
    await cluster.until(() => late.now.state === 'rejected');
  });
});
