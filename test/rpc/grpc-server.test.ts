import { once } from 'node:events';
import { createServer, type AddressInfo, connect as connectTcp } from 'node:net';
import { Client, credentials, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { BellwetherError } from '../../src/errors.js';
import { adaptBidi, type BidiStream } from '../../src/rpc/adapt-bidi.js';
import { adaptUnary } from '../../src/rpc/adapt.js';
import { createGrpcServer, type GrpcServer } from '../../src/rpc/grpc-server.js';
import { CHAT, chat, deferred, ECHO, echo } from './test-service.js';

interface TestHandlers extends UntypedServiceImplementation {
  readonly echo: ReturnType<typeof adaptUnary<string, string>>;
  readonly chat: ReturnType<typeof adaptBidi<string, string>>;
}

const LONG_MS = 60_000;

let cleanups: (() => unknown)[] = [];
let warnings: string[] = [];

function newServer(
  handlers: {
    readonly echo?: (request: string) => Promise<string>;
    readonly chat?: (stream: BidiStream<string, string>) => void;
  } = {},
): GrpcServer {
  warnings = [];
  const server = createGrpcServer({ onWarning: (text) => warnings.push(text) });
  const onDefect = (error: unknown): never => expect.fail(String(error));
  server.addService<TestHandlers>(
    { echo: ECHO, chat: CHAT },
    {
      echo: adaptUnary(handlers.echo ?? (async (request) => Promise.resolve(request)), { onDefect }),
      chat: adaptBidi(handlers.chat ?? (() => undefined), { onDefect, sendBufferBytesMax: 1_000 }),
    },
  );
  cleanups.push(async () => server.close(0));
  return server;
}

function newClient(port: number): Client {
  const client = new Client(`127.0.0.1:${String(port)}`, credentials.createInsecure());
  cleanups.push(() => {
    client.close();
  });
  return client;
}

async function refusal(binding: Promise<number>): Promise<BellwetherError> {
  const error: unknown = await binding.then(
    () => expect.fail('the address was bound'),
    (refused: unknown) => refused,
  );
  expect(error).toBeInstanceOf(BellwetherError);
  return error as BellwetherError;
}

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

describe('createGrpcServer', () => {
  it('serves on the port that it returns, without a warning', async () => {
    const port = await newServer().bind('127.0.0.1:0');
    await expect(echo(newClient(port), 'hello').answer).resolves.toBe('hello');
    expect(warnings).toEqual([]);
  });

  it('refuses an address in use with one line that names it', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanups.push(() => taken.close());
    const address = `127.0.0.1:${String((taken.address() as AddressInfo).port)}`;

    const error = await refusal(newServer().bind(address));

    expect(error.reason).toBe('ADDRESS_UNAVAILABLE');
    expect(error.message).toBe(
      `cannot listen on ${address}: listen EADDRINUSE: address already in use ${address}`,
    );
    expect(error.metadata).toEqual({ address });
  });

  it.each(['192.0.2.1:0', 'no such host:0', ''])('refuses the address "%s"', async (address) => {
    expect((await refusal(newServer().bind(address))).reason).toBe('ADDRESS_UNAVAILABLE');
  });
});

describe('close', () => {
  it('lets a call in flight end', async () => {
    const arrived = deferred<undefined>();
    const release = deferred<string>();
    const server = newServer({
      echo: async () => {
        arrived.resolve(undefined);
        return release.promise;
      },
    });
    const call = echo(newClient(await server.bind('127.0.0.1:0')), 'ping');
    await arrived.promise;

    const closed = server.close(LONG_MS);
    release.resolve('pong');

    await expect(call.answer).resolves.toBe('pong');
    await closed;
  });

  it('does not wait for the grace when the closers end the long-lived streams', async () => {
    const opened = deferred<BidiStream<string, string>>();
    const server = newServer({ chat: opened.resolve });
    const call = chat(newClient(await server.bind('127.0.0.1:0')));
    call.resume();
    const ended = new Promise<number>((resolve) =>
      call.on('status', ({ code }) => {
        resolve(code);
      }),
    );
    const stream = await opened.promise;
    server.onClose(() => {
      stream.close(new BellwetherError('SHUTTING_DOWN', 'broker-1 stops'));
    });

    await server.close(LONG_MS);

    await expect(ended).resolves.toBe(status.UNAVAILABLE);
  });

  it('breaks off after the grace what did not end', async () => {
    const opened = deferred<BidiStream<string, string>>();
    const server = newServer({ chat: opened.resolve });
    chat(newClient(await server.bind('127.0.0.1:0'))).resume();
    await opened.promise;

    await expect(server.close(1)).resolves.toBeUndefined();
  });

  it('ends also when a closer fails, and says so', async () => {
    const server = newServer();
    await server.bind('127.0.0.1:0');
    server.onClose(() => {
      throw new Error('stuck');
    });
    await server.close(LONG_MS);
    expect(warnings).toEqual(['a stream did not end in order: Error: stuck']);
  });

  it('does the work once, however often it is called', async () => {
    const server = newServer();
    await server.bind('127.0.0.1:0');
    let closes = 0;
    server.onClose(() => void (closes += 1));
    await Promise.all([server.close(LONG_MS), server.close(0)]);
    await server.close(LONG_MS);
    expect(closes).toBe(1);
  });

  it('frees the port', async () => {
    const server = newServer();
    const port = await server.bind('127.0.0.1:0');
    await server.close(LONG_MS);
    const socket = connectTcp(port, '127.0.0.1');
    await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('ends a server that never listened', async () => {
    await expect(newServer().close(LONG_MS)).resolves.toBeUndefined();
  });
});
