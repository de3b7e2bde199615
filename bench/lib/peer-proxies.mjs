/**
 * Owns the TCP proxies between brokers: one before each peer listener, which all others dial.
 *
 * A broker is cut off by holding every connection that leads to its proxy, and every one that it has dialled
 * itself to the proxy of another. Who dialled is not to be seen in what is sent, so the proxy asks the system
 * which process owns the socket at the other end (/proc, Linux only).
 */
import { once } from 'node:events';
import { connect as dial, createServer } from 'node:net';
import { localPortsOf } from './proc.mjs';

/**
 * @typedef {object} Connection
 * @property {string} to The broker that is dialled.
 * @property {import('node:net').Socket} near From the broker that dials.
 * @property {import('node:net').Socket | undefined} far To the broker that is dialled; none while it is cut off.
 * @property {boolean} held
 */

export class PeerProxies {
  #pidOf;
  /** @type {import('node:net').Server[]} */
  #servers = [];
  /** @type {Set<Connection>} */
  #connections = new Set();
  /** @type {string | undefined} */
  #cutOff;
  #bytes = 0;
  #chunks = 0;

  /** @param {(id: string) => number} pidOf */
  constructor(pidOf) {
    this.#pidOf = pidOf;
  }

  /**
   * @param {readonly { id: string, listen: string, target: string }[]} doors HOST:PORT each.
   * @param {(id: string) => number} pidOf
   */
  static async start(doors, pidOf) {
    const proxies = new PeerProxies(pidOf);
    for (const { id, listen, target } of doors) {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
        proxies.#accept(id, near, endpoint(target));
      });
      server.listen(endpoint(listen));
      await once(server, 'listening');
      proxies.#servers.push(server);
    }
    return proxies;
  }

  /** What has passed so far, in both directions. A chunk is what one read returned: a packet, if they are few. */
  get passed() {
    return { bytes: this.#bytes, chunks: this.#chunks };
  }

  /**
   * Cuts a broker off from all others: from now on every byte to and from it is held. Nothing is closed or
   * reset, and who dials is accepted and hears nothing.
   *
   * @param {string} id
   */
  cut(id) {
    this.#cutOff = id;
    const dialled = localPortsOf(this.#pidOf(id));
    for (const connection of this.#connections) {
      if (connection.to === id || dialled.has(connection.near.remotePort ?? 0)) hold(connection);
    }
  }

  /** Lets everything go on: what was held is delivered, and what was dialled meanwhile is reset. */
  heal() {
    this.#cutOff = undefined;
    for (const connection of this.#connections) {
      connection.held = false;
      if (connection.far === undefined) connection.near.resetAndDestroy();
      connection.near.resume();
      connection.far?.resume();
    }
  }

  async close() {
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const { near, far } of this.#connections) {
      near.destroy();
      far?.destroy();
    }
    await Promise.all(closed);
  }

  /**
   * @param {string} to
   * @param {import('node:net').Socket} near
   * @param {{ host: string, port: number }} target
   */
  #accept(to, near, target) {
    const isCut = this.#isCut(to, near.remotePort ?? 0);
    const far = isCut ? undefined : dial({ ...target, allowHalfOpen: true, noDelay: true });
    /** @type {Connection} */
    const connection = { to, near, far, held: isCut };
    this.#connections.add(connection);
    near.once('close', () => this.#connections.delete(connection));
    // The end of one side is that of the other, but for a cut: held sides are not read, so it shows later.
    this.#forward(connection, near, far);
    if (far !== undefined) this.#forward(connection, far, near);
    if (isCut) near.pause();
  }

  /**
   * @param {string} to
   * @param {number} diallersPort
   */
  #isCut(to, diallersPort) {
    if (this.#cutOff === undefined) return false;
    return to === this.#cutOff || localPortsOf(this.#pidOf(this.#cutOff)).has(diallersPort);
  }

  /**
   * @param {Connection} connection
   * @param {import('node:net').Socket} from
   * @param {import('node:net').Socket | undefined} to
   */
  #forward(connection, from, to) {
    from.on('data', (chunk) => {
      this.#bytes += chunk.length;
      this.#chunks += 1;
      if (to?.write(chunk) === false) from.pause();
    });
    to?.on('drain', () => {
      if (!connection.held) from.resume();
    });
    from.on('end', () => to?.end());
    from.on('error', () => to?.resetAndDestroy());
  }
}

/** @param {Connection} connection */
function hold(connection) {
  connection.held = true;
  connection.near.pause();
  connection.far?.pause();
}

/** @param {string} address */
function endpoint(address) {
  const [host = '', port] = address.split(':');
  return { host, port: Number(port) };
}
