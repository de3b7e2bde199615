/** Errors over a real gRPC connection: what a broker says arrives, and nothing is said NOT_APPLIED in doubt. */
import { Client, credentials, Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import type { ChannelOptions, sendUnaryData, ServerErrorResponse, ServiceError } from '@grpc/grpc-js';
import { constants, createServer as createHttp2Server } from 'node:http2';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RetryInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import { GRPC_CODE } from '../../src/error-row.js';
import { ERROR_TABLE } from '../../src/error-table.js';
import { BellwetherError } from '../../src/errors.js';
import type { Reason } from '../../src/errors.js';
import { clientChannelOptions } from '../../src/wire/channel-options.js';
import { fromServiceError, toServiceError } from '../../src/wire/status.js';

const REASONS = Object.keys(ERROR_TABLE) as Reason[]; // The keys are the reasons.
const PATH = '/test.Test/Call';
const same = (bytes: Buffer): Buffer => bytes;

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** What the server does with a call: fails it, or nothing. */
type Behaviour = (server: Server) => Partial<ServerErrorResponse> | undefined;

/** Port of a server with one method. */
async function serve(behaviour: Behaviour, answer?: Buffer): Promise<number> {
  const server = new Server({ 'grpc.max_receive_message_length': 1000 });
  cleanups.push(() => server.forceShutdown());
  const method = {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  server.addService(
    { call: method },
    {
      call: (_call: unknown, reply: sendUnaryData<Buffer>) => {
        const error = behaviour(server);
        if (answer !== undefined) reply(null, answer);
        else if (error !== undefined) reply(error);
      },
    },
  );
  return new Promise((resolve, reject) => {
    const bound = (error: Error | null, port: number) => (error === null ? resolve(port) : reject(error));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound);
  });
}

function open(port: number, options: ChannelOptions = {}): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    ...clientChannelOptions(),
    ...options,
  });
  cleanups.push(() => client.close());
  return client;
}

/** The error of one call. */
function callError(client: Client, request = 'x', timeoutMs = 5000, serialize = same): Promise<ServiceError> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + timeoutMs;
    const answered = (error: ServiceError | null) =>
      error === null ? reject(new Error('the call succeeded')) : resolve(error);
    const bytes = Buffer.from(request);
    client.makeUnaryRequest(PATH, serialize, same, bytes, new Metadata(), { deadline }, answered);
  });
}

async function overTheWire(error: BellwetherError): Promise<ServiceError> {
  return callError(open(await serve(() => toServiceError(error))));
}

describe('errors of a broker', () => {
  it.each(REASONS)('%s arrives with message, metadata and hint', async (reason) => {
    const sent = new BellwetherError(reason, 'broker "n2" said: 100% no, größer', {
      metadata: { topic: 'orders', field: 'ü' },
      leaderHint: { leader: 'n1', address: '127.0.0.1:7001', term: 3 },
    });
    const received = await overTheWire(sent);
    const error = fromServiceError(received);

    expect(received.code).toBe(sent.row.code);
    expect(error).toBeInstanceOf(BellwetherError);
    expect(error.reason).toBe(reason);
    expect(error.outcome).toBe(sent.outcome);
    expect(error.message).toBe(sent.message);
    expect(error.metadata).toEqual(sent.metadata);
    expect(error.leaderHint).toEqual(sent.leaderHint);
    expect(error.cause).toBe(received);
  });

  it('people with grpcurl read the outcome, the next step and the hint', async () => {
    const received = await overTheWire(
      new BellwetherError(
        'NOT_LEADER',
        'broker n2 does not lead orders/0; n1 at 127.0.0.1:7001 does (term 3).',
        {
          leaderHint: { leader: 'n1', address: '127.0.0.1:7001', term: 3 },
        },
      ),
    );
    const text =
      'broker n2 does not lead orders/0; n1 at 127.0.0.1:7001 does (term 3). Not applied. ' +
      ERROR_TABLE.NOT_LEADER.action;
    expect(received.details).toBe(text);
    expect(received.metadata.getMap()).toMatchObject({
      'bellwether-reason': 'NOT_LEADER',
      'bellwether-outcome': 'NOT_APPLIED',
      'bellwether-leader': 'n1',
      'bellwether-leader-address': '127.0.0.1:7001',
      'bellwether-leader-term': '3',
    });
  });

  it('RetryInfo is sent where a pause helps, and only there', () => {
    const retried = REASONS.filter((reason) => {
      const [bytes] = toServiceError(new BellwetherError(reason, 'x')).metadata.get(
        'grpc-status-details-bin',
      );
      const { details } = Status.decode(bytes as Buffer); // A -bin key holds bytes.
      const info = details.find(({ typeUrl }) => typeUrl.endsWith('google.rpc.RetryInfo'));
      if (info !== undefined) expect(RetryInfo.decode(info.value).retryDelay?.nanos).toBeGreaterThan(0);
      return info !== undefined;
    });
    const expected = REASONS.filter((reason) => {
      const { code, retry } = ERROR_TABLE[reason];
      const passing = code === GRPC_CODE.UNAVAILABLE || code === GRPC_CODE.RESOURCE_EXHAUSTED;
      return passing && (retry === 'same_broker' || retry === 'refresh_metadata');
    });
    expect(retried).toEqual(expected);
  });

  it('a message that headers cannot hold still arrives', async () => {
    const long = new BellwetherError('INTERNAL', `\ud800\n${'x'.repeat(100_000)}`, {
      metadata: Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`key${n}`, 'y'.repeat(10_000)])),
      leaderHint: { leader: 'größe\n', address: 'h:1', term: 1 },
    });
    const error = fromServiceError(await overTheWire(long));
    expect(error.reason).toBe('INTERNAL');
    expect(error.message.startsWith('\ufffd\nxxx')).toBe(true);
    expect(error.leaderHint?.leader).toBe('größe\n');
  });
});

describe('errors without details of ours', () => {
  it('a refused dial is CONNECTION_FAILED, at first and during the backoff of the channel', async () => {
    const client = open(1);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const error = fromServiceError(await callError(client));
      expect(error.reason).toBe('CONNECTION_FAILED');
      expect(error.message).toMatch(/ECONNREFUSED 127\.0\.0\.1:1$/);
    }
  });

  it('a connection that is dropped before HTTP/2 begins is CONNECTION_FAILED', async () => {
    const rude = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    cleanups.push(() => rude.close());
    await new Promise((resolve) => rude.once('listening', resolve));
    const { port } = rude.address() as AddressInfo; // A TCP server has this form of address.
    expect(fromServiceError(await callError(open(port))).reason).toBe('CONNECTION_FAILED');
  });

  it('a request that is refused unread, as by a broker that stops, is CONNECTION_FAILED (RFC 9113, 8.7)', async () => {
    const stopping = createHttp2Server((_request, { stream }) => {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
    });
    stopping.listen(0, '127.0.0.1');
    cleanups.push(() => stopping.close());
    await new Promise((resolve) => stopping.once('listening', resolve));
    const { port } = stopping.address() as AddressInfo; // A TCP server has this form of address.
    const error = fromServiceError(await callError(open(port)));
    expect([error.reason, error.outcome]).toEqual(['CONNECTION_FAILED', 'NOT_APPLIED']);
  });

  it('a server that dies with the request is CONNECTION_LOST', async () => {
    const port = await serve((server) => {
      server.forceShutdown();
      return undefined;
    });
    expect(fromServiceError(await callError(open(port))).reason).toBe('CONNECTION_LOST');
  });

  it('a cancelled call is CONNECTION_LOST: the broker may have it', async () => {
    const client = open(await serve(() => undefined));
    const error = await new Promise<unknown>((resolve) => {
      const call = client.makeUnaryRequest(PATH, same, same, Buffer.from('x'), resolve);
      call.cancel();
    });
    expect(fromServiceError(error).reason).toBe('CONNECTION_LOST');
  });

  it('a passed deadline is REQUEST_TIMEOUT', async () => {
    const client = open(await serve(() => undefined));
    expect(fromServiceError(await callError(client, 'x', 100)).reason).toBe('REQUEST_TIMEOUT');
  });

  it('a request beyond the limit of the server is RECORD_BATCH_TOO_LARGE, NOT_APPLIED', async () => {
    const client = open(await serve(() => undefined));
    const error = fromServiceError(await callError(client, 'x'.repeat(2000)));
    expect([error.reason, error.outcome]).toEqual(['RECORD_BATCH_TOO_LARGE', 'NOT_APPLIED']);
  });

  it('an answer beyond the limit of the client is not NOT_APPLIED: the request has run', async () => {
    const port = await serve(() => undefined, Buffer.alloc(2000));
    const client = open(port, { 'grpc.max_receive_message_length': 1000 });
    expect(fromServiceError(await callError(client)).outcome).toBe('UNKNOWN');
  });

  it('a request that cannot be encoded is INVALID_REQUEST', async () => {
    const client = open(await serve(() => undefined));
    const refuse = (): Buffer => {
      throw new Error('invalid int32');
    };
    expect(fromServiceError(await callError(client, 'x', 5000, refuse)).reason).toBe('INVALID_REQUEST');
  });

  it.each([
    [GRPC_CODE.UNAVAILABLE, 'No connection established', 'CONNECTION_LOST'],
    [GRPC_CODE.UNAVAILABLE, 'Stream refused by server', 'CONNECTION_LOST'],
    [GRPC_CODE.UNAVAILABLE, 'no healthy upstream', 'CONNECTION_LOST'],
    [GRPC_CODE.INTERNAL, 'Received RST_STREAM with code 2', 'CONNECTION_LOST'],
    [GRPC_CODE.INTERNAL, 'Request message serialization failure: x', 'INTERNAL'],
    [GRPC_CODE.RESOURCE_EXHAUSTED, 'quota', 'CONNECTION_LOST'],
    [GRPC_CODE.INVALID_ARGUMENT, 'no', 'INVALID_REQUEST'],
    [GRPC_CODE.DEADLINE_EXCEEDED, '', 'REQUEST_TIMEOUT'],
    [2, 'unknown', 'INTERNAL'],
    [GRPC_CODE.UNIMPLEMENTED, 'unimplemented', 'INVALID_REQUEST'],
  ])('status %i "%s" from the other end is %s', async (code, details, reason) => {
    const client = open(await serve(() => ({ code, details })));
    expect(fromServiceError(await callError(client)).reason).toBe(reason);
  });

  it('damaged details and those of others fall back to the code', async () => {
    for (const bytes of [Buffer.from([0xff, 0xff]), Buffer.from(Status.encode(Status.create()).finish())]) {
      const metadata = new Metadata();
      metadata.set('grpc-status-details-bin', bytes);
      const client = open(await serve(() => ({ code: GRPC_CODE.DEADLINE_EXCEEDED, details: 'x', metadata })));
      expect(fromServiceError(await callError(client)).reason).toBe('REQUEST_TIMEOUT');
    }
  });

  it('what is no gRPC error at all is INTERNAL, and a BellwetherError stays itself', () => {
    const own = new BellwetherError('NO_LEADER', 'x');
    expect(fromServiceError(own)).toBe(own);
    for (const thrown of [new TypeError('boo'), 'boo', undefined, null, { code: 'ECONNRESET' }]) {
      expect(fromServiceError(thrown).reason).toBe('INTERNAL');
    }
  });
});
