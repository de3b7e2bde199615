/** Ports for processes that are told where to listen. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Where such processes listen. */
export const HOST = '127.0.0.1';

/**
 * Below the range from which the kernel takes ports for outgoing connections: else one of those could have
 * the port of a broker that is down for a moment.
 */
const PORT_MIN = 10_000;
const PORT_MAX = 30_000;

/** Ranges that are tried at most. */
const TRIES_MAX = 1_000;

/**
 * Consecutive ports that were free a moment ago.
 *
 * @throws Error when no range of this size was found free.
 */
export async function freePorts(count: number): Promise<number[]> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const first = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN - count));
    const ports = Array.from({ length: count }, (_, i) => first + i);
    const free = await Promise.all(ports.map(isFree));
    if (free.every((each) => each)) return ports;
  }
  throw new Error(`no ${count} ports in a row are free from ${PORT_MIN} to ${PORT_MAX}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
  } catch {
    return false; // Somebody listens there.
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}
