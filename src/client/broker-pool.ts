/** The connections of one client: one gRPC channel for each broker address, made when first used. */
import { connectivityState, credentials, Client } from '@grpc/grpc-js';
import { BellwetherError } from '../errors.js';
import { clientChannelOptions } from '../wire/channel-options.js';
import type { Attempt } from './attempt.js';

/** Channels that one client keeps at most. Beyond it the one unused for longest is closed. */
export const CHANNELS_MAX = 256;

/** Longest wait for a connection in milliseconds; no answer within it counts as "cannot connect". */
export const CONNECT_TIMEOUT_MS = 2000;

/** One channel. */
export interface Connection {
  readonly address: string;
  readonly client: Client;
  /** Calls under way; a busy channel is never evicted. */
  callsInFlight: number;
}

/** The channels, least recently used first. */
export class BrokerPool {
  readonly #connections = new Map<string, Connection>();

  get size(): number {
    return this.#connections.size;
  }

  /** The channel to `address`. Does not wait for it to connect. */
  connection(address: string): Connection {
    const known = this.#connections.get(address);
    const connection = known ?? this.#open(address);
    this.#connections.delete(address);
    this.#connections.set(address, connection);
    return connection;
  }

  /**
   * Forgets a channel that could not connect, so that the next call dials afresh: a broker that was
   * restarted is found at once, and not only when gRPC's back-off ends.
   */
  discard(connection: Connection): void {
    const { address, client, callsInFlight } = connection;
    if (callsInFlight > 0 || this.#connections.get(address) !== connection) return;
    this.#connections.delete(address);
    client.close();
  }

  /** Closes every channel. */
  close(): void {
    for (const { client } of this.#connections.values()) client.close();
    this.#connections.clear();
  }

  #open(address: string): Connection {
    if (this.#connections.size >= CHANNELS_MAX) this.#evict();
    const client = new Client(address, credentials.createInsecure(), clientChannelOptions());
    return { address, client, callsInFlight: 0 };
  }

  #evict(): void {
    for (const [address, { client, callsInFlight }] of this.#connections) {
      if (callsInFlight > 0) continue;
      client.close();
      this.#connections.delete(address);
      return;
    }
    throw new BellwetherError('CONNECTION_FAILED', `all ${CHANNELS_MAX} connections are busy`, {
      metadata: { connections_max: String(CHANNELS_MAX) },
    });
  }
}

/**
 * Waits until a request can be sent, or will be refused at once.
 *
 * A request handed to a channel that is still dialling waits inside gRPC up to its whole deadline, and
 * how it ended is then unknown. Waiting here instead keeps an unreachable broker NOT_APPLIED, so even a
 * produce goes on to the next broker.
 *
 * @throws BellwetherError CONNECTION_FAILED when no connection is made within `timeoutMs`, or before `attempt`
 * was given up.
 */
export async function dialled(connection: Connection, timeoutMs: number, attempt?: Attempt): Promise<void> {
  const { address, client } = connection;
  const waitMs = Math.min(timeoutMs, CONNECT_TIMEOUT_MS);
  const deadlineMs = Date.now() + waitMs;
  for (;;) {
    const channel = client.getChannel();
    const state = channel.getConnectivityState(false);
    if (state === connectivityState.IDLE) channel.getConnectivityState(true);
    else if (state === connectivityState.READY) return;
    // In TRANSIENT_FAILURE gRPC refuses the request at once, with the reason of the last dial. Without any time
    // left it would time out instead, and leave a request in doubt that was never sent.
    else if (state !== connectivityState.CONNECTING && Date.now() < deadlineMs) return;
    const changed = await stateChanged(client, state, deadlineMs, attempt);
    const lost = attempt?.lost(false);
    if (lost !== undefined) throw lost;
    if (changed) continue;
    throw new BellwetherError('CONNECTION_FAILED', `no connection to ${address} within ${waitMs} ms`, {
      metadata: { address, timeout_ms: String(waitMs) },
    });
  }
}

/** Resolves with whether the state changed by the deadline; early when `attempt` is given up. */
function stateChanged(
  client: Client,
  from: connectivityState,
  deadlineMs: number,
  attempt: Attempt | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    attempt?.onGivenUp(() => resolve(false));
    client.getChannel().watchConnectivityState(from, deadlineMs, (error) => resolve(error === undefined));
  });
}
