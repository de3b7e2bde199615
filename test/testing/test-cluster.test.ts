/** What the package `bellwether/testing` promises, against real brokers. */
import { expect, it, onTestFinished } from 'vitest';
import { BellwetherError } from '../../src/errors.js';
import { startCluster, type TestCluster } from '../../src/testing/test-cluster.js';

const ORDERS = { topic: 'orders', partition: 0 } as const;

async function start(): Promise<TestCluster> {
  const cluster = await startCluster();
  onTestFinished(() => cluster.stop());
  return cluster;
}

const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => ({ partition: 0, value: String(n + from) }));

it('a producer and a consumer outlive their leader: every record once, in order', async () => {
  const cluster = await start();
  const client = await cluster.client();
  await client.admin.createTopic('orders');
  const producer = client.producer({ batchBytes: 1024 });
  const abort = new AbortController();
  const consumer = client.consumer({ partitions: [ORDERS], signal: abort.signal });
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { value } of consumer)
      if (seen.push(Buffer.from(value!).toString()) === 3000) abort.abort();
  })();
  await producer.sendAll('orders', numbered(1000));
  const sent = producer.sendAll('orders', numbered(1000, 1000));
  const killed = await cluster.killLeader('orders', 0);
  await sent;
  await producer.sendAll('orders', numbered(1000, 2000));
  await reading;
  expect(seen).toEqual(numbered(3000).map(({ value }) => value));
  expect(cluster.brokers).not.toContain(killed);
});

it('a leader that is isolated is replaced, and comes back when the links are mended', async () => {
  const cluster = await start();
  const client = await cluster.client();
  await client.admin.createTopic('orders');
  const { leader } = await client.partitionLeader(ORDERS);
  cluster.isolate(leader);
  await client.producer().send('orders', { value: 'while it is away' });
  expect((await client.partitionLeader(ORDERS)).leader).not.toBe(leader);
  cluster.heal();
  await expect
    .poll(async () => (await client.partitionLeader(ORDERS)).inSyncReplicas, { timeout: 4000 })
    .toContain(leader);
});

it('records come back as they were sent, compressed or not', async () => {
  const cluster = await start();
  const client = await cluster.client();
  await client.admin.createTopic('orders');
  const value = 'a'.repeat(5000);
  const headers = [{ key: 'trace', value: Uint8Array.of(1) }];
  await client.producer({ compression: 'gzip' }).send('orders', { key: 'k', value, headers, timestampMs: 5 });
  await client.producer().send('orders', { value: undefined });
  const records = [];
  for await (const record of client.consumer({ partitions: [ORDERS], untilEnd: true })) records.push(record);
  expect(records[0]).toMatchObject({ offset: 0, timestampMs: 5, headers: [{ key: 'trace' }] });
  expect(Buffer.from(records[0]!.value!).toString()).toBe(value);
  expect(records[1]).toMatchObject({ offset: 1, value: undefined, key: undefined });
  const alsoRead = (await client.fetch(ORDERS, 0)).records.map((record) => ({ ...ORDERS, ...record }));
  expect(alsoRead).toEqual(records);
});

it('a broker that was killed comes back on its data, catches up, and can lead again', async () => {
  const cluster = await start();
  const client = await cluster.client();
  await client.admin.createTopic('orders', { config: { min_insync_replicas: 3 } });
  await client.producer().send('orders', { value: 'before' });
  const killed = await cluster.killLeader('orders', 0);
  await cluster.restart(killed);
  expect(cluster.brokers).toEqual(['n1', 'n2', 'n3']);
  await client.producer().send('orders', { value: 'with all three' });
  const { leader } = await client.partitionLeader(ORDERS);
  await client.partitionFailover({ ...ORDERS, failedLeader: leader, target: killed });
  const { records } = await client.fetch(ORDERS, 0);
  expect(records.map(({ value }) => Buffer.from(value!).toString())).toEqual(['before', 'with all three']);
});

it('says why a broker cannot be started again, or a cluster at all', async () => {
  const cluster = await start();
  const field = async (refused: Promise<unknown>) =>
    refused.then(
      () => undefined,
      (error: unknown) =>
        error instanceof BellwetherError ? `${error.reason} ${error.metadata['field']}` : error,
    );
  expect(await field(cluster.restart('n1'))).toBe('INVALID_REQUEST broker');
  expect(await field(cluster.restart('n4'))).toBe('INVALID_REQUEST broker');
  cluster.isolate('n2');
  await cluster.kill('n2');
  expect(await field(cluster.restart('n2'))).toBe('INVALID_REQUEST broker');
  await cluster.stop();
  expect(await field(cluster.restart('n2'))).toBe('INVALID_REQUEST broker');
  expect(await field(startCluster({ brokers: 8 }))).toBe('INVALID_REQUEST brokers');
  expect(await field(startCluster(JSON.parse('{"replicas":3}') as never))).toBe('INVALID_REQUEST replicas');
});

it('a producer heeds a topic that takes small batches only; one record that is too large fails alone', async () => {
  const cluster = await start();
  const client = await cluster.client();
  await client.admin.createTopic('orders', { config: { max_message_bytes: 700 } });
  const sent = numbered(500).map(({ value }, n) => ({
    partition: 0,
    value: n === 250 ? value.repeat(300) : value,
  }));
  const failed = (await client.producer().sendAllSettled('orders', sent)).filter(({ error }) => error);
  expect(failed).toMatchObject([{ recordCount: 1, error: { reason: 'RECORD_BATCH_TOO_LARGE' } }]);
  const seen: string[] = [];
  for await (const { value } of client.consumer({ partitions: [ORDERS], untilEnd: true }))
    seen.push(Buffer.from(value!).toString());
  expect(seen).toEqual(
    numbered(500)
      .map(({ value }) => value)
      .filter((_, n) => n !== 250),
  );
});

it('of two consumers of a group the one that claimed it last reads on, over a failover; the other is told', async () => {
  const cluster = await start();
  const client = await cluster.client();
  await client.admin.createTopic('orders');
  await client.producer().sendAll('orders', numbered(10));
  const consumer = () =>
    client.consumer({ partitions: [ORDERS], group: 'billing', generation: 'claim', untilEnd: true });
  const first = consumer();
  for await (const { offset } of first) if (offset === 0) break;
  await first.commit([{ ...ORDERS, offset: 4 }]);

  await cluster.killLeader('orders', 0);
  const offsets: number[] = [];
  const second = consumer();
  for await (const { offset } of second) offsets.push(offset);
  await second.commit();
  expect(offsets).toEqual([4, 5, 6, 7, 8, 9]);
  await expect(first.commit([{ ...ORDERS, offset: 5 }])).rejects.toMatchObject({
    reason: 'FENCED_GENERATION',
  });
  expect(await client.fetchOffsets('billing', [ORDERS])).toMatchObject([{ offset: 10, generation: 1 }]);
});
