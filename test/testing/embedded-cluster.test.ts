import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/client/connect.js';
import type { BellwetherClient } from '../../src/client/types.js';
import { BellwetherError } from '../../src/errors.js';
import {
  type EmbeddedCluster,
  type EmbeddedClusterOptions,
  startEmbeddedCluster,
} from '../../src/testing/embedded-cluster.js';

const ORDERS = { topic: 'orders', partition: 0 };
const RECORD = { value: new TextEncoder().encode('hello') };

/** A cluster that ends with the test, unless the test ends it. */
async function start(options: Partial<EmbeddedClusterOptions> = {}): Promise<EmbeddedCluster> {
  const cluster = await startEmbeddedCluster({ brokers: ['n1', 'n2', 'n3'], ...options });
  let closing: Promise<void> | undefined;
  const once = { brokers: cluster.brokers, close: () => (closing ??= cluster.close()) };
  onTestFinished(once.close);
  return once;
}

async function clientOf(cluster: EmbeddedCluster): Promise<BellwetherClient> {
  const client = await connect({ brokers: cluster.brokers.map(({ address }) => address) });
  onTestFinished(() => client.close());
  return client;
}

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'bellwether-embedded-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe('startEmbeddedCluster', () => {
  it('starts the brokers in the given order, and the first leads the first partition', async () => {
    const cluster = await start({ brokers: ['z', 'a', 'm'] });
    expect(cluster.brokers.map(({ id }) => id)).toEqual(['z', 'a', 'm']);
    const client = await clientOf(cluster);
    await client.admin.createTopic('orders');
    expect((await client.partitionLeader(ORDERS)).leader).toBe('z');
    const { brokers } = await client.metadata();
    expect(brokers.map(({ id, alive }) => [id, alive])).toEqual([
      ['a', true],
      ['m', true],
      ['z', true],
    ]);
  });

  it('is a cluster of one as well', async () => {
    const client = await clientOf(await start({ brokers: ['only'] }));
    await client.admin.createTopic('orders');
    expect(await client.produce(ORDERS, [RECORD])).toMatchObject({ baseOffset: 0, recordCount: 1 });
  });

  it('removes its temporary folder when it is closed', async () => {
    const before = await embeddedFolders();
    const cluster = await start();
    const made = (await embeddedFolders()).filter((name) => !before.includes(name));
    expect(made.length).toBeGreaterThanOrEqual(1);
    await cluster.close();
    await expect
      .poll(async () => (await embeddedFolders()).filter((name) => made.includes(name)))
      .not.toEqual(made);
  });

  it('keeps a folder that it was given, and finds everything in it again', async () => {
    const data = await temporaryFolder();
    const first = await start({ data });
    const writer = await clientOf(first);
    await writer.admin.createTopic('orders', { partitions: 2 });
    await writer.produce(ORDERS, [RECORD, RECORD]);
    await writer.commitOffsets('billing', [{ ...ORDERS, offset: 1 }]);
    const { clusterId } = await writer.metadata();
    await first.close();

    const reader = await clientOf(await start({ data }));
    expect((await reader.metadata()).clusterId).toBe(clusterId);
    expect((await reader.fetch(ORDERS, 0, { maxWaitMs: 5_000 })).records).toHaveLength(2);
    expect(await reader.fetchOffsets('billing', [ORDERS])).toMatchObject([{ ...ORDERS, offset: 1 }]);
    expect(await reader.produce(ORDERS, [RECORD])).toMatchObject({ baseOffset: 2 });
  });

  it('rejects when a broker cannot start, and leaves nothing behind', async () => {
    const data = await temporaryFolder();
    const running = await start({ data });
    const error = await refusal({ data });
    expect(error.reason).toBe('DATA_DIRECTORY_IN_USE');
    // Whatever it had opened is free again.
    await running.close();
    await (await start({ data })).close();
  });

  it('rejects when the disk of a broker was replaced by an empty one', async () => {
    const data = await temporaryFolder();
    await (await start({ data })).close();
    await rm(join(data, 'n3'), { recursive: true });
    const error = await refusal({ data });
    expect(error.reason).toBe('CLUSTER_MISMATCH');
    await access(join(data, 'n1'));
  });
});

async function refusal(options: Partial<EmbeddedClusterOptions>): Promise<BellwetherError> {
  const error: unknown = await start(options).then(
    () => new Error('it started'),
    (reason: unknown) => reason,
  );
  if (error instanceof BellwetherError) return error;
  throw error;
}

async function embeddedFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => /^bellwether-\w{6}$/.test(name));
}
