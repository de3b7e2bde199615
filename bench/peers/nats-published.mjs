/** Owns the connections that the published client of NATS (the package `nats`) has to the servers, one to each. */
import { createRequire } from 'node:module';
import { connect } from 'nats';
import { HOST } from '../../dist/src/cli/free-ports.js';

const { version } = createRequire(import.meta.url)('nats/package.json');

/**
 * Asynchronous publish to a stream, as programs do it: `jetstream().publish`, whose promise is the acknowledgement.
 *
 * @param {readonly number[]} ports Of the servers; a connection is opened when it is needed.
 * @param {{ stream: string, subject: string }} to
 */
export function publishedClient(ports, { stream, subject }) {
  /** @type {Map<number, Promise<Opened>>} */
  const connections = new Map();
  const opened = (/** @type {number} */ endpoint) => {
    const open = connections.get(endpoint) ?? openTo(`${HOST}:${ports[endpoint]}`);
    connections.set(endpoint, open);
    return open;
  };
  return {
    name: `npm nats ${version}`,
    /** @type {import('./system.mjs').Write} */
    write: async (endpoint, value, timeoutMs) => {
      const { jetstream } = await opened(endpoint);
      const acknowledgement = await jetstream.publish(subject, Buffer.from(value), { timeout: timeoutMs });
      if (acknowledgement.stream !== stream) throw new Error(`stored in ${acknowledgement.stream}`);
    },
    close: async () => {
      for (const open of connections.values()) await (await open).connection.close();
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof openTo>>} Opened */

/** @param {string} servers */
async function openTo(servers) {
  // It does not learn the others' addresses: what is measured goes to the server that was named.
  const connection = await connect({ servers, ignoreClusterUpdates: true, reconnect: false });
  return { connection, jetstream: connection.jetstream() };
}
