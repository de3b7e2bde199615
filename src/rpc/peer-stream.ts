/**
 * One stream to one peer, on a connection of its own, opened again whenever it breaks. The stream is the
 * connection-loss detector: grpc-js ends it within milliseconds of a closed socket. A connection that breaks
 * is no word of the process behind it: whoever was told of every reset would elect for nothing. So the loss
 * is told once a new connection is refused, which takes less than a millisecond where the process is gone;
 * a stream that stands again within its grace was never lost.
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
import { knock } from './knock.js';

/** An address that says nothing for so long to a knock after a stream broke is as good as one that refuses. */
const KNOCK_MS = 10;
/**
 * A stream that broke stands again within so long, or it is lost. Below checkQuorumMs (raft/config.ts): a leader
 * must not lose its quorum over a connection that was reset, nor go on without one.
 */
const GRACE_MS = 30;
/** A stream gets its next grace no sooner: one that breaks again and again carries nothing. */
const GRACE_SPACING_MS = 1_000;
/**
 * Pause after a stream was lost: the peer is dead more often than not, and its groups' elections need this
 * process now. A peer that comes back announces itself and is dialled at once.
 */
const LOST_MS = 100;
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
  /** The peer's first answer: it admitted us. Also when a stream broke and was opened again in its grace. */
  readonly onOpened: (first: Res) => void;
  readonly onMessage: (message: Res) => void;
  /** The open stream broke, or one of the two above threw, and it could not be opened again at once. */
  readonly onClosed: (error: BellwetherError | undefined) => void;
  /** An attempt failed before the stream was open. */
  readonly onRefused: (error: BellwetherError) => void;
  /** Bytes that may wait to be sent before the link counts as stuck. */
  readonly bufferBytesMax: number;
}

type Phase = 'idle' | 'dialling' | 'open' | 'knocking' | 'waiting' | 'closed';

/** A stream that broke and may stand again soon. */
interface Doubt {
  readonly error: BellwetherError | undefined;
  readonly grace: NodeJS.Timeout;
}

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
  #doubt: Doubt | undefined;
  /** When the last grace began. */
  #graceMs = -Infinity;
  #endKnock = (): void => undefined;

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
    if (this.#phase === 'waiting' || this.#phase === 'knocking') this.#dial();
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
    clearTimeout(this.#doubt?.grace);
    this.#endKnock();
    this.#call?.cancel();
    this.#client?.close();
  }

  #dial(): void {
    clearTimeout(this.#timer);
    this.#endKnock();
    const { channelOptions, open, hello } = this.#options;
    const address = this.#address;
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
    const end = (error: BellwetherError | undefined, madeNoSense = false): void => {
      if (ended) return;
      ended = true;
      client.close();
      if (this.#call === call) this.#broke(error, madeNoSense);
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
        end(fromServiceError(error), true);
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
    clearTimeout(this.#doubt?.grace);
    this.#doubt = undefined;
    this.#phase = 'open';
    this.#redialMs = REDIAL_MS_MIN;
    this.#options.onOpened(first);
  }

  #broke(error: BellwetherError | undefined, madeNoSense: boolean): void {
    if (this.#phase === 'closed') return;
    const wasOpen = this.#phase === 'open';
    clearTimeout(this.#timer);
    this.#call = undefined;
    this.#phase = 'waiting';
    if (wasOpen) {
      const mayStandAgain = !madeNoSense && performance.now() >= this.#graceMs + GRACE_SPACING_MS;
      if (mayStandAgain) this.#knock(error);
      else this.#tellLost(error);
      return;
    }
    if (this.#doubt === undefined) {
      this.#after(this.#redialMs);
      this.#redialMs = Math.min(REDIAL_MS_MAX, this.#redialMs * REDIAL_FACTOR);
    } else this.#lost();
    this.#candidate += 1;
    if (error !== undefined) this.#options.onRefused(error);
  }

  /** The open stream broke: whether the peer lives shows at its door. */
  #knock(error: BellwetherError | undefined): void {
    this.#phase = 'knocking';
    this.#graceMs = performance.now();
    const grace = setTimeout(() => {
      this.#lost();
    }, GRACE_MS).unref();
    this.#doubt = { error, grace };
    this.#endKnock = knock(this.#address, KNOCK_MS, (result) => {
      if (result === 'answered') this.#dial();
      else this.#lost();
    });
  }

  /** The stream that broke does not stand again: tells of it, once. An attempt on its way may yet succeed. */
  #lost(): void {
    const doubt = this.#doubt;
    if (doubt === undefined) return;
    clearTimeout(doubt.grace);
    this.#endKnock();
    this.#doubt = undefined;
    this.#tellLost(doubt.error);
  }

  #tellLost(error: BellwetherError | undefined): void {
    if (this.#phase !== 'dialling') {
      this.#phase = 'waiting';
      this.#after(LOST_MS);
    }
    this.#options.onClosed(error);
  }

  get #address(): string {
    const address = this.#addresses[this.#candidate % this.#addresses.length];
    invariant(address !== undefined, 'a peer has an address to be dialled');
    return address;
  }

  /** Dials after about so long. */
  #after(ms: number): void {
    this.#timer = setTimeout(
      () => {
        this.#dial();
      },
      ms * (0.8 + 0.4 * Math.random()),
    ).unref();
  }
}
