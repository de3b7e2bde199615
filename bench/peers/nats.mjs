/** NATS JetStream as a system under measurement: three processes, one stream with three replicas on disk. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, HOST } from '../../dist/src/cli/free-ports.js';
import { until } from '../lib/until.mjs';
import { NatsConnection } from './nats-client.mjs';
import { publishedClient } from './nats-published.mjs';
import { programOf, ServerProcesses } from './server-processes.mjs';
import { floodOfCalls } from './speed.mjs';
import { PATIENCE_MS } from './system.mjs';

const STREAM = 'BENCH';
const SUBJECT = 'bench';

/** @typedef {{ readonly current: boolean, readonly offline?: boolean }} Replica */

/** Bound of a question about the stream, in milliseconds. */
const STATUS_TIMEOUT_MS = 1000;

/** Published and not acknowledged yet, in a flood: an asynchronous publish, as the clients of NATS have it. */
const PUBLISHES_IN_FLIGHT = 1_000;

/** @type {import('./system.mjs').System} */
export const nats = {
  name: 'nats',
  install: 'apt-get install nats-server',
  setting: 'JetStream, file storage, election timeout 4 to 9 s, fsync every 2 min (all defaults)',
  version: () => programOf('nats-server')?.version,
  start,
};

/** @param {string} folder */
async function start(folder) {
  const ids = ['s1', 's2', 's3'];
  const ports = await freePorts(6);
  const routes = ids.map((_, i) => `nats://${HOST}:${ports[3 + i]}`);
  const args = ids.map((id, i) => {
    const file = join(folder, `${id}.conf`);
    writeFileSync(
      file,
      [
        `server_name: ${id}`,
        `listen: "${HOST}:${ports[i]}"`,
        `jetstream: { store_dir: "${join(folder, id)}" }`,
        `cluster: { name: bench, listen: "${HOST}:${ports[3 + i]}", routes: [${routes.join(', ')}] }`,
        '',
      ].join('\n'),
    );
    return ['--config', file];
  });
  const processes = new ServerProcesses(
    programOf('nats-server')?.path ?? 'nats-server',
    new Map(ids.map((id, i) => [id, args[i] ?? []])),
  );
  const published = publishedClient(ports, { stream: STREAM, subject: SUBJECT });
  /** @type {(NatsConnection | undefined)[]} */
  const connections = ids.map(() => undefined);
  const connection = async (/** @type {number} */ endpoint) => {
    const open = connections[endpoint];
    if (open?.closed === false) return open;
    const opened = await NatsConnection.open(HOST, ports[endpoint] ?? 0);
    connections[endpoint] = opened;
    return opened;
  };
  const api = async (/** @type {string} */ name, /** @type {object | undefined} */ request) => {
    const text = request === undefined ? '' : JSON.stringify(request);
    for (const endpoint of ids.keys()) {
      const open = await connection(endpoint).catch(() => undefined);
      if (open === undefined) continue;
      const answer = JSON.parse(await open.request(`$JS.API.${name}`, text, STATUS_TIMEOUT_MS));
      if (answer.error !== undefined) throw new Error(`${name}: ${JSON.stringify(answer.error)}`);
      return answer;
    }
    throw new Error('no NATS server answers');
  };
  const isCreated = async () => {
    const shape = {
      name: STREAM,
      subjects: [SUBJECT],
      num_replicas: 3,
      storage: 'file',
      retention: 'limits',
    };
    const { config } = await api(`STREAM.CREATE.${STREAM}`, shape);
    return config.num_replicas === 3;
  };
  await until('the stream is created', isCreated, PATIENCE_MS);
  /** @param {number} endpoint @param {string} value @param {number} timeoutMs */
  const write = async (endpoint, value, timeoutMs) => {
    const open = await connection(endpoint);
    const answer = JSON.parse(await open.request(SUBJECT, value, timeoutMs));
    if (answer.error !== undefined || answer.stream !== STREAM) throw new Error(JSON.stringify(answer));
  };
  return {
    endpoints: ids.length,
    write,
    clients: [
      {
        name: published.name,
        write: published.write,
        flood: floodOfCalls(published.write, PUBLISHES_IN_FLIGHT),
      },
      { name: 'lean client', write, flood: floodOfCalls(write, PUBLISHES_IN_FLIGHT) },
    ],
    endpointOf: (/** @type {string} */ id) => ids.indexOf(id),
    leader: async () => {
      const { cluster } = await api(`STREAM.INFO.${STREAM}`, undefined);
      if (cluster?.leader === undefined) throw new Error('nobody leads the stream');
      return cluster.leader;
    },
    whole: async () => {
      const takesPart = async () => {
        const { cluster } = await api(`STREAM.INFO.${STREAM}`, undefined);
        /** @type {readonly Replica[]} */
        const replicas = cluster?.replicas ?? [];
        const current = replicas.every((each) => each.current && each.offline !== true);
        return cluster?.leader !== undefined && replicas.length === 2 && current;
      };
      await until('NATS is whole', takesPart, PATIENCE_MS);
    },
    kill: (/** @type {string} */ id) => processes.kill(id),
    launch: (/** @type {string} */ id) => processes.launch(id),
    stop: async () => {
      for (const open of connections) open?.close();
      await published.close();
      await processes.stop();
    },
  };
}
