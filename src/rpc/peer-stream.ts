/**
 * One stream to one peer, on a connection of its own, opened again whenever it breaks. The stream is the
 * connection-loss detector: grpc-js ends it within milliseconds of a closed socket.
 *
 * The peer may be at one of several addresses; the next one is tried after each failed attempt, so that
 * neither a stale address in the metadata nor a stale one in the flags locks a broker out.
 */

import type { ClientDuplexStream } from '@grpc/grpc-js';
import { RaftServiceClient } from '../../gen/bellwether/raft/v1/raft_service.js';
import { credentials, type ChannelOptions } from '@grpc/grpc-js';
import type { BellwetherError } from '../errors.js';
import { invariant } from '../invariant.js';
import { fromServiceError } from '../wire/status.js';

/**
 * Pause after an open stream broke: the peer is dead more often than not, and its groups' elections need
 * this process now. A peer that comes back announces itself and is dialled at once. One whose own streams to
 * this broker stand after the first of the two lives, and is dialled then: a leader must not lose its quorum
 * over a connection that was reset (CheckQuorum, raft/config.ts).
 */
const LOST_MS = 100;
const LOST_ALIVE_MS = 20;
/** Pause before the first new attempt otherwise, and the longest one. */
const REDIAL_MS_MIN = 20;
const REDIAL_MS_MAX = 500;
const REDIAL_FACTOR = 1.6;
/** An attempt that has not been answered by then is given up: the address may swallow packets. */
const DIAL_TIMEOUT_MS = 1_000;

export interface PeerStreamOptions<Req, Res> {
  /** HOST:PORT; at least one. */
  readonly addresses: readonly string[];
  readonly channelOptions: ChannelOptions;
  /** Opens the call and says who speaks. */
  readonly open: (client: RaftServiceClient) => ClientDuplexStream<Req, Res>;
  /** The first message: introduces this broker. */
  readonly hello: () => Req;
  /** Whether it is the peer that answers. A stranger at its address is as good as nobody. */
  readonly admits: (first: Res) => boolean;
  /** The peer's first answer: it admitted us. */
  readonly onOpened: (first: Res) => void;
  readonly onMessage: (message: Res) => void;
  /** The open stream broke, or one of the two above threw. */
  readonly onClosed: (error: BellwetherError | undefined) => void;
  /** An attempt failed before the stream was open. */
  readonly onRefused: (error: BellwetherError) => void;
  /** Whether a stream that the peer has opened stands. */
  readonly isHeard: () => boolean;
  /** Bytes that may wait to be sent before the link counts as stuck. */
  readonly bufferBytesMax: number;
}

type Phase = 'idle' | 'dialling' | 'open' | 'waiting' | 'closed';

export class PeerStream<Req, Res> {
  readonly #options: PeerStreamOptions<Req, Res>;
  #addresses: readonly string[];
  /** Which of them is tried, modulo their number. */
  #candidate = 0;
  #phase: Phase = 'idle';
  #client: RaftServiceClient | undefined;
  #call: ClientDuplexStream<Req, Res> | undefined;
  #redialMs = REDIAL_MS_MIN;
  #timer: NodeJS.Timeout | undefined;
  #bufferedBytes = 0;

  constructor(options: PeerStreamOptions<Req, Res>) {
    this.#options = options;
    this.#addresses = options.addresses;
  }

  /** The client of the open connection, for unary calls beside the stream. */
  get client(): RaftServiceClient | undefined {
    return this.#phase === 'open' ? this.#client : undefined;
  }

  start(): void {
    if (this.#phase === 'idle') this.#dial();
  }

  /** Where to dial from now on; an open stream stays. */
  setAddresses(addresses: readonly string[]): void {
    const current = this.#addresses[this.#candidate % this.#addresses.length] ?? '';
    this.#addresses = addresses;
    this.#candidate = Math.max(0, addresses.indexOf(current));
  }

  /** Tries at once instead of at the end of the pause, and again soon: the peer has just been heard. */
  kick(): void {
    this.#redialMs = REDIAL_MS_MIN;
    if (this.#phase === 'waiting') this.#dial();
  }

  /** Sends a message of about `sizeBytes`; false when the stream is not open. */
  send(message: Req, sizeBytes: number): boolean {
    const call = this.#call;
    if (this.#phase !== 'open' || call === undefined) return false;
    if (this.#bufferedBytes + sizeBytes > this.#options.bufferBytesMax) {
      call.cancel();
      return false;
    }
    this.#bufferedBytes += sizeBytes;
    call.write(message, () => {
      if (this.#call === call) this.#bufferedBytes -= sizeBytes;
    });
    return true;
  }

  close(): void {
    this.#phase = 'closed';
    clearTimeout(this.#timer);
    this.#call?.cancel();
    this.#client?.close();
  }

  #dial(): void {
    clearTimeout(this.#timer);
    const { channelOptions, open, hello } = this.#options;
    const address = this.#addresses[this.#candidate % this.#addresses.length];
    invariant(address !== undefined, 'a peer has an address to be dialled');
    this.#phase = 'dialling';
    this.#bufferedBytes = 0;
    // A new client for each attempt: grpc-js would put its own back-off on top of ours.
    const client = new RaftServiceClient(address, credentials.createInsecure(), channelOptions);
    const call = open(client);
    this.#client = client;
    this.#call = call;
    this.#timer = setTimeout(() => {
      call.cancel();
    }, DIAL_TIMEOUT_MS).unref();
    let ended = false;
    const end = (error: BellwetherError | undefined): void => {
      if (ended) return;
      ended = true;
      client.close();
      if (this.#call === call) this.#broke(error);
    };
    call.on('data', (message: Res) => {
      if (this.#call !== call || ended) return;
      try {
        if (this.#phase === 'dialling' && !this.#options.admits(message)) {
          call.cancel();
          end(undefined);
        } else if (this.#phase === 'dialling') this.#opened(message);
        else if (this.#phase === 'open') this.#options.onMessage(message);
      } catch (error) {
        // A peer that makes no sense costs its stream, never this process.
        call.cancel();
        end(fromServiceError(error));
      }
    });
    call.on('error', (error: Error) => {
      end(fromServiceError(error));
    });
    call.on('end', () => {
      end(undefined);
    });
    call.write(hello());
  }

  #opened(first: Res): void {
    clearTimeout(this.#timer);
    this.#phase = 'open';
    this.#redialMs = REDIAL_MS_MIN;
    this.#options.onOpened(first);
  }

  #broke(error: BellwetherError | undefined): void {
    if (this.#phase === 'closed') return;
    const wasOpen = this.#phase === 'open';
    clearTimeout(this.#timer);
    this.#phase = 'waiting';
    this.#call = undefined;
    if (wasOpen) {
      this.#after(LOST_ALIVE_MS, () => {
        if (this.#options.isHeard()) this.#dial();
        else this.#after(LOST_MS - LOST_ALIVE_MS);
      });
      this.#options.onClosed(error);
      return;
    }
    this.#after(this.#redialMs);
    this.#redialMs = Math.min(REDIAL_MS_MAX, this.#redialMs * REDIAL_FACTOR);
    this.#candidate += 1;
    if (error !== undefined) this.#options.onRefused(error);
  }

  /** Waits for about so long. */
  #after(ms: number, run = (): void => this.#dial()): void {
    this.#timer = setTimeout(run, ms * (0.8 + 0.4 * Math.random())).unref();
  }
}
