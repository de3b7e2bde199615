/**
 * TCP proxies between brokers: one before each peer listener, which all others dial.
 *
 * A broker is cut off by holding every connection that leads to its proxy, and every one that it has dialled
 * itself to the proxy of another. Who dialled is not to be seen in what is sent, so the proxy asks the system
 * which process owns the socket at the other end (sockets-of.ts, Linux only).
 */
import { once } from 'node:events';
import { connect as dial, createServer, type Server, type Socket } from 'node:net';
import { splitAddress } from '../config.js';
import { invariant } from '../invariant.js';
import { localPortsOf } from './sockets-of.js';

/** A proxy: who dials `listen` speaks with `target`. HOST:PORT each. */
export interface Door {
  readonly id: string;
  readonly listen: string;
  readonly target: string;
}

interface Connection {
  /** The broker that is dialled. */
  readonly to: string;
  /** From the broker that dials. */
  readonly near: Socket;
  /** To the broker that is dialled; none when it was dialled while cut off. */
  readonly far: Socket | undefined;
  held: boolean;
}

export class PeerProxies {
  readonly #pidOf: (id: string) => number | undefined;
  readonly #doors: ReadonlyMap<string, Door>;
  /** Those that are open. */
  readonly #servers = new Map<string, Server>();
  readonly #connections = new Set<Connection>();
  #cutOff: string | undefined;
  #bytes = 0;
  #chunks = 0;

  private constructor(doors: readonly Door[], pidOf: (id: string) => number | undefined) {
    this.#doors = new Map(doors.map((door) => [door.id, door]));
    this.#pidOf = pidOf;
  }

  /** @param pidOf - The process of a broker; undefined while it does not run. */
  static async start(
    doors: readonly Door[],
    pidOf: (id: string) => number | undefined,
  ): Promise<PeerProxies> {
    const proxies = new PeerProxies(doors, pidOf);
    for (const { id } of doors) await proxies.open(id);
    return proxies;
  }

  /** Listens for a broker, from the beginning or again. */
  async open(id: string): Promise<void> {
    const door = this.#doors.get(id);
    invariant(door !== undefined, 'the broker has a proxy', { id });
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      this.#accept(id, near, splitAddress(door.target));
    });
    server.listen(splitAddress(door.listen));
    await once(server, 'listening');
    this.#servers.set(id, server);
  }

  /** Refuses whoever dials a broker, as its host does while its process does not run. */
  shut(id: string): void {
    this.#servers.get(id)?.close();
    this.#servers.delete(id);
  }

  /** What has passed so far, in both directions. A chunk is what one read returned: a packet, if they are few. */
  get passed(): { readonly bytes: number; readonly chunks: number } {
    return { bytes: this.#bytes, chunks: this.#chunks };
  }

  /**
   * Cuts a broker off from all others: from now on every byte to and from it is held. Nothing is closed or
   * reset, and who dials is accepted and hears nothing. One broker at a time.
   */
  cut(id: string): void {
    this.#cutOff = id;
    const dialled = this.#dialledBy(id);
    for (const connection of this.#connections) {
      if (connection.to === id || dialled.has(connection.near.remotePort ?? 0)) hold(connection);
    }
  }

  /** Lets everything go on: what was held is delivered, and what was dialled meanwhile is reset. */
  heal(): void {
    this.#cutOff = undefined;
    for (const connection of this.#connections) {
      connection.held = false;
      if (connection.far === undefined) reset(connection.near);
      connection.near.resume();
      connection.far?.resume();
    }
  }

  async close(): Promise<void> {
    const closed = [...this.#servers.values()].map((server) => new Promise((end) => server.close(end)));
    for (const { near, far } of this.#connections) {
      near.destroy();
      far?.destroy();
    }
    await Promise.all(closed);
  }

  #accept(to: string, near: Socket, target: { readonly host: string; readonly port: number }): void {
    const isCut = this.#isCut(to, near.remotePort ?? 0);
    const far = isCut ? undefined : dial({ ...target, allowHalfOpen: true, noDelay: true });
    const connection: Connection = { to, near, far, held: isCut };
    this.#connections.add(connection);
    // Both ends are kept until both are closed: one that is not read, and that nobody destroys, outlives the proxies.
    const forget = (): void => {
      if (near.destroyed && far?.destroyed !== false) this.#connections.delete(connection);
    };
    near.once('close', () => {
      far?.destroySoon();
      forget();
    });
    far?.once('close', forget);
    // The end of one side is that of the other, but for a cut: held sides are not read, so it shows later.
    this.#forward(connection, near, far);
    if (far !== undefined) this.#forward(connection, far, near);
    if (isCut) near.pause();
  }

  #isCut(to: string, diallersPort: number): boolean {
    if (this.#cutOff === undefined) return false;
    return to === this.#cutOff || this.#dialledBy(this.#cutOff).has(diallersPort);
  }

  #dialledBy(id: string): ReadonlySet<number> {
    const pid = this.#pidOf(id);
    return pid === undefined ? new Set() : localPortsOf(pid);
  }

  #forward(connection: Connection, from: Socket, to: Socket | undefined): void {
    from.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      this.#chunks += 1;
      if (to?.write(chunk) === false) from.pause();
    });
    to?.on('drain', () => {
      if (!connection.held) from.resume();
    });
    from.on('end', () => to?.end());
    from.on('error', () => reset(to));
  }
}

function hold(connection: Connection): void {
  connection.held = true;
  connection.near.pause();
  connection.far?.pause();
}

/**
 * Resets a connection. libuv refuses that while the end of what was sent is on its way (uv_tcp_close_reset), and Node
 * then never lets go of the socket: its process spins for ever when it is to end.
 */
function reset(socket: Socket | undefined): void {
  if (socket?.writableEnded === true) socket.destroy();
  else socket?.resetAndDestroy();
}
