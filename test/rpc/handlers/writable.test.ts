/** What health checks and DescribeHealth say while brokers come and go, over real gRPC. */

import { type ClientReadableStream, credentials } from '@grpc/grpc-js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnreadyReason } from '../../../gen/bellwether/v1/admin_service.js';
import { type HealthCheckResponse, HealthClient } from '../../../gen/grpc/health/v1/health.js';
import { EXIT_CODE } from '../../../src/cli/main.js';
import { connect } from '../../../src/client/connect.js';
import { bindBroker, type BoundBroker, type RunningBroker } from '../../../src/rpc/start-broker.js';
import { run } from '../../cli/run.js';
import { BROKERS, Endpoint } from './wire.js';

const NAMES = ['UNKNOWN', 'SERVING', 'NOT_SERVING'];
/** Losing the quorum counts after a second. */
const PATIENCE = { timeout: 4_000 };

let folder: string;
let bound: Map<string, BoundBroker>;
let running: Map<string, RunningBroker>;
let closers: (() => void)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bellwether-writable-'));
  bound = new Map();
  running = new Map();
  closers = [];
  for (const id of BROKERS) bound.set(id, await bind(id));
  for (const id of BROKERS) start(id);
  await Promise.all([...running.values()].map(({ ready }) => ready));
});

afterEach(async () => {
  for (const close of closers) close();
  await Promise.all([...bound.values()].map((broker) => broker.close()));
  await rm(folder, { recursive: true, force: true });
});

function bind(id: string, listen = '127.0.0.1:0', peerListen = '127.0.0.1:0'): Promise<BoundBroker> {
  const config = { cluster: 'test', listen, peerListen, advertise: undefined, rack: '' };
  return bindBroker({
    config: { ...config, id, data: join(folder, id) },
    bootstrap: BROKERS,
    log: () => undefined,
    onFatal: () => undefined,
    journalPreallocateBytes: 65_536,
  });
}

function start(id: string): void {
  const addresses = new Map([...bound].map(([peer, { peerAddress }]) => [peer, peerAddress]));
  running.set(id, at(id).start(addresses));
}

function at(id: string): BoundBroker {
  const broker = bound.get(id);
  if (broker === undefined) throw new Error(`there is no ${id}`);
  return broker;
}

/** All that a Watch of the broker as a whole is told, from now on. */
function watched(id: string): string[] {
  const client = new HealthClient(at(id).address, credentials.createInsecure());
  const seen: string[] = [];
  const watch: ClientReadableStream<HealthCheckResponse> = client.watch({ service: '' });
  watch.on('data', ({ status }: HealthCheckResponse) => seen.push(NAMES[status] ?? ''));
  watch.on('error', () => undefined);
  closers.push(() => {
    watch.cancel();
    client.close();
  });
  return seen;
}

async function reasons(id: string): Promise<UnreadyReason[]> {
  const endpoint = new Endpoint(at(id).address);
  closers.push(() => {
    endpoint.close();
  });
  const { broker, serving, causes } = await endpoint.describeHealth();
  expect([broker, serving]).toEqual([id, causes.length === 0]);
  return causes.map(({ reason }) => reason);
}

describe('health', () => {
  it('is SERVING while writes can be committed, and says why it is not; a restart of the others mends it', async () => {
    const seen = watched('n1');
    await expect.poll(() => seen).toEqual(['SERVING']);
    expect(await reasons('n1')).toEqual([]);
    await Promise.all(['n2', 'n3'].map((id) => at(id).close()));
    await expect.poll(() => seen, PATIENCE).toEqual(['SERVING', 'NOT_SERVING']);
    expect(await reasons('n1')).toContain(UnreadyReason.NO_QUORUM);
    for (const id of ['n2', 'n3']) {
      const { address, peerAddress } = at(id);
      bound.set(id, await bind(id, address, peerAddress));
      start(id);
    }
    await expect.poll(() => seen, PATIENCE).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
  });

  it('does not flap while the controller is moved and its successor is elected', async () => {
    const seen = [watched('n2'), watched('n3')];
    await expect.poll(() => seen).toEqual([['SERVING'], ['SERVING']]);
    await running.get('n1')?.drain();
    await at('n1').close();
    await expect
      .poll(
        () => running.get('n2')?.broker.table.leaderOf(running.get('n2')!.broker.cluster.group.id)?.leader,
      )
      .not.toBe('n1');
    expect(await reasons('n2')).toEqual([]);
    expect(seen).toEqual([['SERVING'], ['SERVING']]);
  });

  it('of a broker that is told to stop ends before it hands anything over', async () => {
    const seen = watched('n1');
    await expect.poll(() => seen).toEqual(['SERVING']);
    const drained = running.get('n1')?.drain();
    expect(await reasons('n1')).toEqual([UnreadyReason.DRAINING]);
    await drained;
    await expect.poll(() => seen).toEqual(['SERVING', 'NOT_SERVING']);
  });
});

describe('bellwether health', () => {
  it('has a line for each broker, and ends with 1 when one does not serve or is not reached', async () => {
    const bootstrap = at('n1').address;
    const healthy = await run(['health', '--output', 'json', '--bootstrap', bootstrap]);
    expect([healthy.exitCode, healthy.stderr]).toEqual([EXIT_CODE.done, '']);
    expect(JSON.parse(healthy.stdout)).toEqual({
      brokers: BROKERS.map((broker) => ({
        ...{ broker, address: at(broker).address, serving: true },
        ...{ reasons: [], message: null },
      })),
    });
    await running.get('n2')?.drain();
    await at('n3').close();
    const ill = await run(['health', '--bootstrap', bootstrap]);
    expect(ill.exitCode).toBe(EXIT_CODE.failed);
    expect(ill.stderr).toBe('bellwether: 2 of 3 brokers not serving: n2, n3\n');
    expect(ill.stdout.split('\n').map((line) => line.split('\t').slice(2, 4))).toEqual([
      ['true', ''],
      ['false', 'DRAINING'],
      ['false', 'UNREACHABLE'],
      [],
    ]);
  });

  it('is the same in the SDK', async () => {
    const client = await connect({ brokers: [at('n2').address] });
    closers.push(() => void client.close());
    const all = await client.admin.describeHealth();
    expect(all.map(({ broker, serving, causes }) => [broker, serving, causes])).toEqual(
      BROKERS.map((id) => [id, true, []]),
    );
  });
});
