import { credentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HealthCheckResponse, HealthClient } from '../../gen/grpc/health/v1/health.js';
import { createGrpcServer, type GrpcServer } from '../../src/rpc/grpc-server.js';
import { addHealthService, type HealthService, PUBLIC_SERVICES } from '../../src/rpc/health.js';

let server: GrpcServer;
let health: HealthService;
let client: HealthClient;

beforeEach(async () => {
  server = createGrpcServer({ onWarning: expect.fail });
  health = addHealthService(server.server);
  const port = await server.bind('127.0.0.1:0');
  client = new HealthClient(`127.0.0.1:${String(port)}`, credentials.createInsecure());
});

afterEach(async () => {
  client.close();
  await server.close(0);
});

async function check(service: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.check({ service }, (error, response) => {
      if (error) reject(error);
      else resolve(nameOf(response));
    });
  });
}

function nameOf(response: HealthCheckResponse): string {
  return ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'][response.status] ?? 'UNRECOGNIZED';
}

describe('health service', () => {
  it.each(['', ...PUBLIC_SERVICES])(
    'reports "%s" as serving only between start and stop',
    async (service) => {
      expect(await check(service)).toBe('NOT_SERVING');
      health.setServing(true);
      expect(await check(service)).toBe('SERVING');
      health.setServing(false);
      expect(await check(service)).toBe('NOT_SERVING');
    },
  );

  it('does not know the services that brokers keep to themselves', async () => {
    await expect(check('bellwether.raft.v1.RaftService')).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  it('tells watchers of a change, and ends their streams when it closes', async () => {
    const seen: string[] = [];
    const watch = client.watch({ service: '' });
    watch.on('data', (response: HealthCheckResponse) => {
      if (seen.push(nameOf(response)) === 1) health.setServing(true);
      else health.close();
    });
    const ended = await new Promise<number>((resolve, reject) => {
      watch.on('error', reject);
      watch.on('status', ({ code }) => {
        resolve(code);
      });
    });
    expect(ended).toBe(status.OK);
    expect(seen.slice(0, 3)).toEqual(['NOT_SERVING', 'SERVING', 'NOT_SERVING']);
  });
});
