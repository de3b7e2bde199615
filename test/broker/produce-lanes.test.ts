import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/broker/limits.js';
import { ProduceLanes, type ProduceOutcome } from '../../src/broker/produce-lanes.js';
import type { Acks } from '../../src/broker/partition-host.js';
import { BellwetherError } from '../../src/errors.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { MiniCluster } from './mini-cluster.js';

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

class Client {
  readonly answers: { readonly id: number; readonly outcome: ProduceOutcome }[] = [];
  readonly lanes: ProduceLanes;
  #next = 0;

  constructor(id: string) {
    this.lanes = new ProduceLanes(cluster.at(id).broker, (answered, outcome) => {
      this.answers.push({ id: answered, outcome });
    });
  }

  send(options: { acks?: Acks; timeoutMs?: number; partition?: number; bytes?: number } = {}): void {
    const { acks = 'all', timeoutMs = 2_000, partition = 0, bytes = 1 } = options;
    const value = new Uint8Array(bytes);
    const batch = encodeRecordBatch([{ key: undefined, value, headers: [], timestampMs: 1 }]);
    this.lanes.take({ id: this.#next, request: { topic: 'orders', partition, acks, batch }, timeoutMs });
    this.#next += 1;
  }

  async answered(): Promise<readonly (number | string)[]> {
    await cluster.until(() => this.answers.length === this.#next);
    return this.answers.map(({ outcome }) =>
      outcome instanceof BellwetherError ? outcome.reason : (outcome.baseOffset ?? -1),
    );
  }

  get ids(): number[] {
    return this.answers.map(({ id }) => id);
  }
}

async function led(partitions = 1, tuning = {}): Promise<{ leader: string; client: Client }> {
  cluster = await MiniCluster.start(['n1', 'n2', 'n3'], tuning);
  await cluster.createTopic('n1', { topic: 'orders', partitions });
  const leader = await cluster.elected('orders');
  return { leader, client: new Client(leader) };
}

function holdFollowers(leader: string, isHeld: boolean): void {
  for (const id of cluster.ids) {
    const disk = cluster.disk(id);
    disk.holdSyncs = isHeld && id !== leader;
    if (!isHeld) disk.releaseSyncs();
  }
}

describe('ProduceLanes', () => {
  it('answers in the order of the requests, though a later one times out first', async () => {
    const { leader, client } = await led();
    holdFollowers(leader, true);
    client.send({ timeoutMs: 200 });
    client.send({ timeoutMs: 20 });
    client.send({ acks: 'none' });
    await cluster.run(100);
    expect(client.answers).toEqual([]);
    expect(await client.answered()).toEqual(['COMMIT_TIMEOUT', 'COMMIT_TIMEOUT', -1]);
    expect(client.ids).toEqual([0, 1, 2]);
    holdFollowers(leader, false);
  });

  it('does not have one partition wait for another', async () => {
    const { leader, client } = await led(2);
    expect(await cluster.elected('orders', 1)).not.toBe(leader);
    holdFollowers(leader, true);
    client.send({ timeoutMs: 200 });
    client.send({ partition: 1 });
    await cluster.run(20);
    expect(client.ids).toEqual([1]);
    expect(await client.answered()).toEqual(['NOT_LEADER', 'COMMIT_TIMEOUT']);
    holdFollowers(leader, false);
  });

  it('keeps the order of writes that wait for a hand-over to end', async () => {
    const { leader, client } = await led();
    const { broker } = cluster.at(leader);
    const group = broker.group(cluster.group('orders'));
    holdFollowers(leader, true);
    client.send();
    await cluster.run(5);
    // Nobody catches up, so the hand-over ends here, and what waited is taken after all.
    group?.raft.transferLeadership(cluster.clock.monotonicMs(), undefined, 100, 'REQUESTED');
    for (let i = 0; i < 5; i++) client.send();
    await cluster.run(250);
    holdFollowers(leader, false);
    expect(await client.answered()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('holds writes back while the partition has too many uncommitted bytes, and refuses none', async () => {
    const { leader, client } = await led(1, { uncommittedBytesMax: 5_000 });
    holdFollowers(leader, true);
    for (let i = 0; i < 20; i++) client.send({ bytes: 1_000 });
    await cluster.run(50);
    expect(client.answers).toEqual([]);
    holdFollowers(leader, false);
    expect(await client.answered()).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('says so when there was no room in time', async () => {
    const { leader, client } = await led(1, { uncommittedBytesMax: 1_500 });
    holdFollowers(leader, true);
    client.send({ bytes: 1_000, timeoutMs: 100 });
    client.send({ bytes: 1_000, timeoutMs: 50 });
    expect(await client.answered()).toEqual(['COMMIT_TIMEOUT', 'UNCOMMITTED_BYTES_EXCEEDED']);
    holdFollowers(leader, false);
  });

  it('is full from so many requests on, and no more once they are answered', async () => {
    const { leader, client } = await led();
    holdFollowers(leader, true);
    for (let i = 0; i < LIMITS.produceStreamRequestsMax - 1; i++) client.send();
    expect(client.lanes.isFull).toBe(false);
    client.send();
    expect(client.lanes.isFull).toBe(true);
    holdFollowers(leader, false);
    await client.answered();
    expect([client.lanes.isFull, client.lanes.unanswered]).toEqual([false, 0]);
  });

  it('is refused what is more than the whole broker may hold, and counts it no longer than it waits', async () => {
    const { leader, client } = await led();
    const { streams } = cluster.at(leader).broker;
    await streams.whileHeld(LIMITS.unansweredBytesMax, async () => {
      client.send();
      expect(await client.answered()).toEqual(['UNANSWERED_BYTES_EXCEEDED']);
    });
    client.send();
    expect(await client.answered()).toEqual(['UNANSWERED_BYTES_EXCEEDED', 0]);
    expect(streams.unansweredBytes).toBe(0);
  });
});
