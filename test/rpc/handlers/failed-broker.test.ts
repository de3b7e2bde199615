import { credentials } from '@grpc/grpc-js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HealthClient, type HealthCheckResponse } from '../../../gen/grpc/health/v1/health.js';
import { BellwetherError } from '../../../src/errors.js';
import { bindBroker, type BoundBroker, type RunningBroker } from '../../../src/rpc/start-broker.js';
import { batchOf, BROKERS, Endpoint, failure, unary } from './wire.js';

const SERVING = 1;
const NOT_SERVING = 2;

let folder: string;
let fatal: Map<string, BellwetherError>;
let bound: Map<string, BoundBroker>;
let running: Map<string, RunningBroker>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bellwether-failed-'));
  fatal = new Map();
  bound = new Map();
  running = new Map();
  for (const id of BROKERS) bound.set(id, await bind(id, '127.0.0.1:0'));
  for (const id of BROKERS) start(id);
  await Promise.all([...running.values()].map(({ ready }) => ready));
});

afterEach(async () => {
  await Promise.all([...bound.values()].map((broker) => broker.close()));
  await rm(folder, { recursive: true, force: true });
});

function bind(id: string, peerListen: string): Promise<BoundBroker> {
  return bindBroker({
    config: {
      id,
      cluster: 'test',
      listen: '127.0.0.1:0',
      peerListen,
      advertise: undefined,
      data: join(folder, id),
      rack: '',
    },
    bootstrap: BROKERS,
    log: () => undefined,
    onFatal: (error) => fatal.set(id, error),
    journalPreallocateBytes: 65_536,
  });
}

function start(id: string): void {
  const addresses = new Map([...bound].map(([peer, { peerAddress }]) => [peer, peerAddress]));
  running.set(id, bound.get(id)!.start(addresses));
}

async function health(address: string): Promise<number> {
  const client = new HealthClient(address, credentials.createInsecure());
  try {
    return (await unary<HealthCheckResponse>((done) => client.check({ service: '' }, done))).status;
  } finally {
    client.close();
  }
}

describe('a broker that cannot go on', () => {
  it('says so to clients and to health checks while its process lives, and closes in order', async () => {
    const { peerAddress } = bound.get('n3')!;
    await bound.get('n3')!.close();
    await rm(join(folder, 'n3'), { recursive: true });
    bound.set('n3', await bind('n3', peerAddress));
    start('n3');
    await expect.poll(() => fatal.get('n3')?.reason).toBe('CLUSTER_MISMATCH');

    const { address } = bound.get('n3')!;
    expect(await health(address)).toBe(NOT_SERVING);
    const endpoint = new Endpoint(address);
    const error = await failure(endpoint.createTopic({ topic: 'orders' }));
    endpoint.close();
    expect([error.reason, error.metadata['cause']]).toEqual(['SHUTTING_DOWN', 'CLUSTER_MISMATCH']);

    // The others go on without it.
    const other = new Endpoint(bound.get('n1')!.address);
    expect(await health(other.address)).toBe(SERVING);
    await other.createTopic({ topic: 'orders', replicationFactor: 2 });
    const { leader } = await other.partitionLeader({ topic: 'orders' });
    const at = new Endpoint(bound.get(leader)!.address);
    expect(await at.produce({ topic: 'orders', recordBatch: batchOf('a') })).toMatchObject({ baseOffset: 0 });
    at.close();
    other.close();
  });

  it('is not taken for ready by a health check once it has failed', async () => {
    const { broker, address, ready } = running.get('n2')!;
    await ready;
    expect(await health(address)).toBe(SERVING);
    broker.fail(new BellwetherError('STORAGE_FAILED', 'fdatasync failed: EIO'));
    expect(await health(address)).toBe(NOT_SERVING);
    await expect.poll(() => running.get('n1')?.broker.isAlive('n2')).toBe(false);
  });
});
