/** What grpc-js does alone between two processes of this machine: streams in both directions, and unary calls. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import { HOST } from '../../dist/src/cli/free-ports.js';
import { clientChannelOptions } from '../../dist/src/wire/channel-options.js';
import { closedLoop } from '../lib/closed-loop.mjs';
import { KIB, sizeName } from './ceiling.mjs';
import { BYTES_SERVICE, writeWhile } from './grpc-service.mjs';

const SERVER = fileURLToPath(new URL('grpc-server.mjs', import.meta.url));

/** 64 KiB is what one call under moderate load carries, 256 KiB a full batch of the SDK's producer. */
const MESSAGE_SIZES = [64 * KIB, 256 * KIB];

const ECHO_BYTES = 100;

/** @returns {Promise<import('./ceiling.mjs').Group>} */
export async function stream() {
  const { client, close } = await connected();
  const ceilings = MESSAGE_SIZES.flatMap((bytes) => [
    {
      what: `grpc-js stream to a server, ${sizeName(bytes)} a message`,
      bounds: 'produce by one client; the entries to one follower',
      run: (/** @type {number} */ seconds) => push(client, bytes, seconds),
    },
    {
      what: `grpc-js stream from a server, ${sizeName(bytes)} a message`,
      bounds: 'consume by one client',
      run: (/** @type {number} */ seconds) => pull(client, bytes, seconds),
    },
  ]);
  return { ceilings, close };
}

/** @returns {Promise<import('./ceiling.mjs').Group>} */
export async function unary() {
  const { client, close } = await connected();
  const message = Buffer.alloc(ECHO_BYTES, 'v');
  const ceilings = [1, 64].map((inFlight) => ({
    what: `grpc-js unary echo of ${ECHO_BYTES} B, ${inFlight} in flight`,
    bounds: inFlight === 1 ? 'one record alone: the way to the leader and back' : 'records sent one a call',
    run: async (/** @type {number} */ seconds) => {
      const call = () => echo(client, message);
      const { calls_per_second, p50_ms, p99_ms } = await closedLoop({ inFlight, seconds, call });
      return { per_second: calls_per_second, p50_ms, p99_ms };
    },
  }));
  return { ceilings, close };
}

/** A server in a process of its own, and a client of it. */
async function connected() {
  const child = fork(SERVER, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [{ port }] = await once(child, 'message');
  const client = new Client(`${HOST}:${port}`, credentials.createInsecure(), clientChannelOptions());
  return {
    client,
    close: async () => {
      client.close();
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** @param {Client} client @param {Buffer} message */
function echo(client, message) {
  const { path, requestSerialize, responseDeserialize } = BYTES_SERVICE.echo;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(error);
    });
  });
}

/**
 * What counts has arrived: the time is taken when the server has counted all of it.
 *
 * @param {Client} client
 * @param {number} bytes Of a message.
 * @param {number} seconds
 */
async function push(client, bytes, seconds) {
  const { path, requestSerialize, responseDeserialize } = BYTES_SERVICE.push;
  const message = Buffer.alloc(bytes, 'v');
  const startMs = performance.now();
  const counted = await new Promise((resolve, reject) => {
    const call = client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      (error, answer) => {
        if (error === null) resolve(Number(String(answer)));
        else reject(error);
      },
    );
    const endMs = startMs + seconds * 1000;
    writeWhile(call, message, () => performance.now() < endMs).then(() => call.end(), reject);
  });
  return { mb_per_second: counted / 1000 / (performance.now() - startMs) };
}

/**
 * @param {Client} client
 * @param {number} bytes Of a message.
 * @param {number} seconds
 */
async function pull(client, bytes, seconds) {
  const { path, requestSerialize, responseDeserialize } = BYTES_SERVICE.pull;
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const call = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    Buffer.from(String(bytes)),
  );
  call.on('error', () => undefined); // It ends by being cancelled.
  let received = 0;
  for await (const message of call) {
    received += message.length;
    if (performance.now() >= endMs) break;
  }
  const tookMs = performance.now() - startMs;
  call.cancel();
  return { mb_per_second: received / 1000 / tookMs };
}
