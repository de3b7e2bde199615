/** Owns the choice of ports for processes that are told where to listen. */
import { once } from 'node:events';
import { createServer } from 'node:net';

export const HOST = '127.0.0.1';

/**
 * Below the range from which the kernel takes ports for outgoing connections: else one of those could have
 * the port of a broker that is down for a moment.
 */
const PORT_MIN = 10_000;
const PORT_MAX = 30_000;

/**
 * Consecutive ports that were free a moment ago.
 *
 * @param {number} count
 */
export async function freePorts(count) {
  for (;;) {
    const first = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN - count));
    const ports = Array.from({ length: count }, (_, i) => first + i);
    const free = await Promise.all(ports.map(isFree));
    if (free.every((each) => each)) return ports;
  }
}

/** @param {number} port */
async function isFree(port) {
  const server = createServer();
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
  } catch {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}
