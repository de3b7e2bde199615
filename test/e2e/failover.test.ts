/**
 * Leadership on real processes: killed, paused, asked to move. What was acknowledged stays where it was.
 */

import { afterEach, describe, expect, it } from 'vitest';
import type { BellwetherClient } from '../../src/client/index.js';
import { BellwetherError } from '../../src/errors.js';
import { ProcessCluster, until } from './processes.js';

const REF = { topic: 'orders', partition: 0 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);

let cluster: ProcessCluster;

afterEach(async () => {
  await cluster.close();
});

async function readAll(client: BellwetherClient): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (let offset = 0; ;) {
    const { records, nextOffset } = await client.fetch(REF, offset);
    for (const record of records) found.set(record.offset, textOf(record.value));
    if (records.length === 0) return found;
    offset = nextOffset;
  }
}

/** Writes values one after the other until told to stop; keeps what was acknowledged, and where. */
function writer(client: BellwetherClient): {
  readonly acknowledged: Map<number, string>;
  stop(): Promise<void>;
} {
  const acknowledged = new Map<number, string>();
  let stopped = false;
  const loop = (async () => {
    for (let i = 0; !stopped; i++) {
      try {
        const value = `v${String(i)}`;
        const { baseOffset } = await client.produce(REF, [{ value: bytes(value) }], { timeoutMs: 5_000 });
        acknowledged.set(baseOffset, value);
      } catch (error) {
        // In flight at the kill: may or may not be there, and the client says so.
        if (!(error instanceof BellwetherError) || error.outcome === 'APPLIED') throw error;
      }
    }
  })();
  return {
    acknowledged,
    async stop() {
      stopped = true;
      await loop;
    },
  };
}

describe('a cluster of three processes', () => {
  it('elects a follower after kill -9 of the leader, keeps every acknowledged record, and takes the killed broker back', async () => {
    cluster = await ProcessCluster.start();
    const client = await cluster.client();
    await client.admin.createTopic('orders');
    const { leader, term } = await client.partitionLeader(REF);
    const writing = writer(client);
    await until('100 records are acknowledged', () => Promise.resolve(writing.acknowledged.size >= 100));
    await cluster.kill(leader);
    const before = writing.acknowledged.size;
    await until('writes go on', () => Promise.resolve(writing.acknowledged.size >= before + 100));
    await writing.stop();

    const after = await client.partitionLeader(REF);
    expect(after.leader).not.toBe(leader);
    expect(after.term).toBeGreaterThan(term);
    const found = await readAll(client);
    for (const [offset, value] of writing.acknowledged) expect(found.get(offset)).toBe(value);

    cluster.launch(leader);
    await until('the killed broker is in sync again', async () => {
      const { inSyncReplicas } = await client.partitionLeader(REF);
      return inSyncReplicas.length === 3;
    });
    const back = await cluster.client([leader]);
    const caughtUp = await back.fetch(REF, found.size - 1, { allowFollower: true });
    expect(textOf(caughtUp.records[0]?.value)).toBe(found.get(found.size - 1));
    expect((await client.partitionLeader(REF)).leader).toBe(after.leader);
  });

  it('has everything acknowledged after kill -9 of all three brokers and a restart', async () => {
    cluster = await ProcessCluster.start();
    const client = await cluster.client();
    await client.admin.createTopic('orders');
    const writing = writer(client);
    await until('200 records are acknowledged', () => Promise.resolve(writing.acknowledged.size >= 200));
    await client.commitOffsets('group', [{ ...REF, offset: 42 }]);
    await Promise.all(cluster.ids.map((id) => cluster.kill(id)));
    await writing.stop();

    for (const id of cluster.ids) cluster.launch(id);
    await cluster.allAlive();
    const fresh = await cluster.client();
    const found = await readAll(fresh);
    for (const [offset, value] of writing.acknowledged) expect(found.get(offset)).toBe(value);
    expect(await fresh.fetchOffsets('group', [REF])).toMatchObject([{ ...REF, offset: 42 }]);
    const again = await fresh.produce(REF, [{ value: bytes('again') }]);
    expect(again.baseOffset).toBe(found.size);
  });

  it('acknowledges nothing with two of three brokers gone, says so truthfully and in time, and still serves reads', async () => {
    cluster = await ProcessCluster.start();
    const client = await cluster.client();
    await client.admin.createTopic('orders');
    await client.produce(REF, [{ value: bytes('kept') }]);
    const { leader } = await client.partitionLeader(REF);
    const followers = cluster.ids.filter((id) => id !== leader);
    await Promise.all(followers.map((id) => cluster.kill(id)));

    const startedMs = performance.now();
    const error: unknown = await client
      .produce(REF, [{ value: bytes('lost?') }], { timeoutMs: 1_500 })
      .catch((reason: unknown) => reason);
    expect(performance.now() - startedMs).toBeLessThan(2_500);
    expect(error).toBeInstanceOf(BellwetherError);
    expect(['NOT_APPLIED', 'UNKNOWN']).toContain((error as BellwetherError).outcome);
    const survivor = await cluster.client([leader]);
    const { records, highWatermark } = await survivor.fetch(REF, 0);
    expect(records.map((record) => textOf(record.value))).toEqual(['kept']);
    expect(highWatermark).toBe(1);
  });

  it('replaces a leader that hangs (SIGSTOP), which follows when it wakes', async () => {
    cluster = await ProcessCluster.start();
    const client = await cluster.client();
    await client.admin.createTopic('orders');
    const { leader } = await client.partitionLeader(REF);
    const others = cluster.ids.filter((id) => id !== leader);
    const observer = await cluster.client(others);
    cluster.signal(leader, 'SIGSTOP');
    await until('another broker leads', async () => (await observer.partitionLeader(REF)).leader !== leader);
    const { baseOffset } = await observer.produce(REF, [{ value: bytes('meanwhile') }]);
    cluster.signal(leader, 'SIGCONT');
    await until('the paused broker follows', async () => {
      const { inSyncReplicas } = await observer.partitionLeader(REF);
      return inSyncReplicas.includes(leader);
    });
    const found = await readAll(observer);
    expect(found.get(baseOffset)).toBe('meanwhile');
  });

  it('moves the leadership when asked, once for concurrent calls, and does not move it back by itself', async () => {
    cluster = await ProcessCluster.start();
    const client = await cluster.client();
    await client.admin.createTopic('orders');
    const { leader, term } = await client.partitionLeader(REF);
    const request = { ...REF, failedLeader: leader };
    const results = await Promise.all([1, 2, 3].map(() => client.partitionFailover(request)));
    const moved = results[0];
    for (const result of results) {
      expect(result.newLeader).toBe(moved?.newLeader);
      expect(result.newTerm).toBe(moved?.newTerm);
    }
    expect(moved?.newLeader).not.toBe(leader);
    expect(moved?.newTerm).toBeGreaterThan(term);
    const again = await client.partitionFailover(request);
    expect(again).toMatchObject({ outcome: 'ALREADY_MOVED', failoverMs: 0, newLeader: moved?.newLeader });
    for (let i = 0; i < 200; i++) await client.produce(REF, [{ value: bytes('steady') }]);
    expect(await client.partitionLeader(REF)).toMatchObject({
      leader: moved?.newLeader,
      term: moved?.newTerm,
    });
  });

  it('refuses a produce at the wrong broker with a hint that works on the first try', async () => {
    cluster = await ProcessCluster.start();
    const client = await cluster.client();
    await client.admin.createTopic('orders');
    const { leader, leaderAddress, term } = await client.partitionLeader(REF);
    const wrong = cluster.ids.find((id) => id !== leader) ?? '';
    const hint = await hintOf(cluster.address(wrong));
    expect(hint).toEqual({ leader, address: leaderAddress, term });
    const hinted = await cluster.client([leader]);
    expect((await hinted.produce(REF, [{ value: bytes('x') }])).baseOffset).toBe(0);
  });
});

/** What a bare gRPC produce to `address` is told. */
async function hintOf(address: string): Promise<unknown> {
  const [{ LogServiceClient }, { credentials }, { fromServiceError }] = await Promise.all([
    import('../../gen/bellwether/v1/log_service.js'),
    import('@grpc/grpc-js'),
    import('../../src/wire/status.js'),
  ]);
  const bare = new LogServiceClient(address, credentials.createInsecure());
  const records = [{ offset: 0, value: bytes('x'), key: undefined, headers: [], timestampMs: 0 }];
  const error = await new Promise<unknown>((resolve) => {
    bare.produce({ ...REF, acks: 3, records, recordBatch: undefined }, resolve);
  });
  bare.close();
  return fromServiceError(error).leaderHint;
}
