/** etcd as a system under measurement: three processes, one key, KV.Put over gRPC. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { freePorts, HOST } from '../../dist/src/cli/free-ports.js';
import { until } from '../lib/until.mjs';
import { programOf, ServerProcesses } from './server-processes.mjs';
import { floodOfCalls } from './speed.mjs';
import { PATIENCE_MS } from './system.mjs';

const PROTO = fileURLToPath(new URL('etcd.proto', import.meta.url));

/** @typedef {{ header: { member_id: string }, leader: string, raft_applied_index: string }} Status */

/**
 * @template Request, Response
 * @typedef {(request: Request, options: import('@grpc/grpc-js').CallOptions,
 *   callback: (error: Error | null, response: Response) => void) => void} Unary
 */

/**
 * @template T
 * @typedef {new (...of: ConstructorParameters<typeof import('@grpc/grpc-js').Client>) => T} ClientClass
 */

/**
 * What proto-loader makes of etcd.proto.
 *
 * @typedef {object} Definitions
 * @property {{ KV: ClientClass<{ Put: Unary<object, object>, close(): void }>,
 *   Maintenance: ClientClass<{ Status: Unary<object, Status>, close(): void }> }} etcdserverpb
 */

/** Entries by which a server may be behind and counts as one that takes part. */
const LAG_MAX = 100;

/** Bound of a question about the state of a server, in milliseconds. */
const STATUS_TIMEOUT_MS = 1000;

/** Pauses between two attempts of grpc-js to connect, in milliseconds: as short as Bellwether's own client has them. */
const CHANNEL_OPTIONS = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 2000 };

/** Puts in flight in a flood. */
const PUTS_IN_FLIGHT = 256;

/** @type {import('./system.mjs').System} */
export const etcd = {
  name: 'etcd',
  install: 'apt-get install etcd-server etcd-client',
  setting: 'election timeout 1 s, heartbeat 100 ms, fsync on (all defaults)',
  version: () => programOf('etcd')?.version,
  start,
};

/** @param {string} folder */
async function start(folder) {
  const ids = ['e1', 'e2', 'e3'];
  const ports = await freePorts(6);
  const clientUrl = (/** @type {number} */ i) => `http://${HOST}:${ports[i]}`;
  const peerUrl = (/** @type {number} */ i) => `http://${HOST}:${ports[3 + i]}`;
  const cluster = ids.map((id, i) => `${id}=${peerUrl(i)}`).join(',');
  const args = ids.map((id, i) => [
    ...['--name', id, '--data-dir', join(folder, id), '--log-level', 'error'],
    ...['--listen-client-urls', clientUrl(i), '--advertise-client-urls', clientUrl(i)],
    ...['--listen-peer-urls', peerUrl(i), '--initial-advertise-peer-urls', peerUrl(i)],
    ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
  ]);
  const processes = new ServerProcesses(
    programOf('etcd')?.path ?? 'etcd',
    new Map(ids.map((id, i) => [id, args[i] ?? []])),
  );
  const clients = ids.map((_, i) => clientOf(`${HOST}:${ports[i]}`));
  const status = async (/** @type {number} */ i) => clients[i]?.status(STATUS_TIMEOUT_MS);
  /** @param {number} endpoint @param {string} value @param {number} timeoutMs */
  const write = async (endpoint, value, timeoutMs) => {
    await clients[endpoint]?.put({ key: Buffer.from('bench'), value: Buffer.from(value) }, timeoutMs);
  };
  return {
    endpoints: ids.length,
    write,
    clients: [{ name: '@grpc/grpc-js', write, flood: floodOfCalls(write, PUTS_IN_FLIGHT) }],
    endpointOf: (/** @type {string} */ id) => ids.indexOf(id),
    leader: async () => {
      for (const [i, id] of ids.entries()) {
        const { header, leader } = await status(i);
        if (leader === header.member_id) return id;
      }
      throw new Error('nobody leads etcd');
    },
    whole: async () => {
      const takesPart = async () => {
        const all = await Promise.all(ids.map((_, i) => status(i)));
        const applied = all.map(({ raft_applied_index }) => Number(raft_applied_index));
        const leaders = new Set(all.map(({ leader }) => leader));
        const known = leaders.size === 1 && !leaders.has('0');
        return known && Math.max(...applied) - Math.min(...applied) < LAG_MAX;
      };
      await until('etcd is whole', takesPart, PATIENCE_MS);
    },
    kill: (/** @type {string} */ id) => processes.kill(id),
    launch: (/** @type {string} */ id) => processes.launch(id),
    stop: async () => {
      for (const client of clients) client.close();
      await processes.stop();
    },
  };
}

/** @param {string} address */
function clientOf(address) {
  const definition = loadSync(PROTO, { keepCase: true, longs: String, defaults: true });
  const { etcdserverpb } = /** @type {Definitions} */ (
    /** @type {unknown} */ (loadPackageDefinition(definition))
  );
  const kv = new etcdserverpb.KV(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  const maintenance = new etcdserverpb.Maintenance(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  return {
    /** @param {{ key: Buffer, value: Buffer }} request @param {number} timeoutMs */
    put: (request, timeoutMs) => {
      const options = { deadline: Date.now() + timeoutMs };
      return promised((callback) => kv.Put(request, options, callback));
    },
    /** @param {number} timeoutMs @returns {Promise<Status>} */
    status: (timeoutMs) => {
      const options = { deadline: Date.now() + timeoutMs };
      return promised((callback) => maintenance.Status({}, options, callback));
    },
    close: () => {
      kv.close();
      maintenance.close();
    },
  };
}

/**
 * @template T
 * @param {(callback: (error: Error | null, response: T) => void) => void} call
 * @returns {Promise<T>}
 */
function promised(call) {
  return new Promise((resolve, reject) => {
    call((error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}
