/**
 * Reflection as a person meets it: `buf curl`, which resolves types as grpcurl does, against a real
 * server, and a @grpc/proto-loader client made from the .proto files.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  PartitionServiceService,
  type PartitionLeaderRequest,
  type PartitionLeaderResponse,
  type PartitionServiceServer,
} from '../../gen/bellwether/v1/partition_service.js';
import { BellwetherError } from '../../src/errors.js';
import { adaptUnary } from '../../src/rpc/adapt.js';
import { createGrpcServer, type GrpcServer } from '../../src/rpc/grpc-server.js';
import { addHealthService, PUBLIC_SERVICES } from '../../src/rpc/health.js';
import { addReflectionService, publicDescriptors } from '../../src/rpc/reflection.js';

const LEADER: PartitionLeaderResponse = {
  leader: 'broker-1',
  followers: ['broker-2', 'broker-3'],
  term: 7,
  leaderAddress: '127.0.0.1:9092',
  inSyncReplicas: ['broker-1', 'broker-2'],
  highWatermark: 9_007_199_254_740_991,
  leaderSinceMs: 1_700_000_000_000,
};

const run = promisify(execFile);
const cache = mkdtempSync(join(tmpdir(), 'bellwether-buf-'));
let server: GrpcServer;
let address: string;

beforeAll(async () => {
  server = createGrpcServer({ onWarning: expect.fail });
  const options = { onDefect: (error: unknown) => expect.fail(String(error)) };
  server.addService<PartitionServiceServer>(PartitionServiceService, {
    partitionLeader: adaptUnary(async (request: PartitionLeaderRequest) => {
      if (request.topic === 'orders') return Promise.resolve(LEADER);
      throw new BellwetherError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${request.topic}`);
    }, options),
    partitionFailover: adaptUnary(async () => Promise.reject(new Error('not called')), options),
    watchLeadership: () => expect.fail('not called'),
    listFailovers: adaptUnary(async () => Promise.reject(new Error('not called')), options),
    explainLeader: adaptUnary(async () => Promise.reject(new Error('not called')), options),
  });
  addHealthService(server.server).setServing(true);
  addReflectionService(server.server);
  address = `127.0.0.1:${String(await server.bind('127.0.0.1:0'))}`;
});

afterAll(async () => {
  await server.close(0);
  rmSync(cache, { recursive: true, force: true });
});

async function bufCurl(path: string, ...options: string[]): Promise<string> {
  const { stdout } = await run(
    'node_modules/.bin/buf',
    ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...options, `http://${address}${path}`],
    { env: { PATH: process.env['PATH'], BUF_CACHE_DIR: cache } },
  );
  return stdout;
}

const lines = (text: string): string[] => text.trim().split('\n');

describe.each(['grpc-v1', 'grpc-v1alpha'])('reflection with %s', (protocol) => {
  const reflect = ['--reflect-protocol', protocol] as const;

  it('lists the services for clients, and not those between brokers', async () => {
    expect(lines(await bufCurl('', ...reflect, '--list-services')).sort()).toEqual(
      [
        ...PUBLIC_SERVICES,
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
      ].sort(),
    );
  });

  it('describes every method of a service', async () => {
    const methods = lines(await bufCurl('', ...reflect, '--list-methods'));
    expect(methods).toContain('bellwether.v1.PartitionService/PartitionLeader');
    expect(methods).toContain('bellwether.v1.PartitionService/PartitionFailover');
    expect(methods).toContain('grpc.health.v1.Health/Check');
  });

  it('lets a person call a method with JSON', async () => {
    const reply = await bufCurl(
      '/bellwether.v1.PartitionService/PartitionLeader',
      ...reflect,
      '--data',
      '{"topic": "orders", "partition": 0}',
    );
    expect(JSON.parse(reply)).toEqual({
      ...LEADER,
      highWatermark: '9007199254740991',
      leaderSinceMs: '1700000000000',
    });
  });
});

describe('buf curl', () => {
  it('shows what happened, whether it was applied and what to do, and with -v the reason', async () => {
    const call = bufCurl(
      '/bellwether.v1.PartitionService/PartitionLeader',
      '-v',
      '--data',
      '{"topic": "nope"}',
    );
    const error: unknown = await call.catch((failure: unknown) => failure);
    expect(error).toHaveProperty(
      'stderr',
      expect.stringContaining('there is no topic nope. Not applied. Create the topic'),
    );
    expect(error).toHaveProperty(
      'stderr',
      expect.stringMatching(/bellwether-reason: UNKNOWN_TOPIC_OR_PARTITION/i),
    );
  });

  it('calls the health service', async () => {
    const reply = await bufCurl('/grpc.health.v1.Health/Check', '--data', '{"service": ""}');
    expect(JSON.parse(reply)).toEqual({ status: 'SERVING' });
  });
});

describe('publicDescriptors', () => {
  it('holds no file of the protocol between brokers', () => {
    const files = publicDescriptors(readFileSync('gen/descriptors.binpb'));
    expect(files.length).toBeGreaterThan(8);
    for (const file of files) expect(file.toString('latin1')).not.toContain('bellwether.raft');
  });
});

describe('a client of another code generator', () => {
  it('understands what the ts-proto server says (contract)', async () => {
    const definition = loadSync('bellwether/v1/partition_service.proto', {
      includeDirs: ['proto', 'third_party'],
      keepCase: true,
      longs: String,
      defaults: true,
    });
    const service = definition['bellwether.v1.PartitionService'];
    const { PartitionService } = loadPackageDefinition({ PartitionService: service ?? {} });
    const client = new (PartitionService as ServiceClientConstructor)(address, credentials.createInsecure());

    const reply = await new Promise((resolve, reject) => {
      client['PartitionLeader']?.(
        { topic: 'orders', partition: 0 },
        (error: Error | null, response: unknown) => {
          if (error) reject(error);
          else resolve(response);
        },
      );
    });
    client.close();

    expect(reply).toMatchObject({
      leader: 'broker-1',
      followers: ['broker-2', 'broker-3'],
      term: 7,
      leader_address: '127.0.0.1:9092',
      in_sync_replicas: ['broker-1', 'broker-2'],
      high_watermark: '9007199254740991',
      leader_since_ms: '1700000000000',
    });
  });
});
