/** Keeps one stream to one peer open: dials, and dials again after a pause (as rpc/peer-stream.ts). */

import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import { OUTSIDE } from './scheduler.js';
import { Stream } from './stream.js';
import type { Endpoint, StreamKind, Wires } from './wires.js';

const GRACE_MS = 30;
const GRACE_SPACING_MS = 1_000;
const LOST_MS = 100;
const REDIAL_MS_MIN = 20;
const REDIAL_MS_MAX = 500;
const REDIAL_FACTOR = 1.6;
const DIAL_TIMEOUT_MS = 1_000;

export class Dial {
  /** The open stream. */
  stream: Stream | undefined;
  readonly #kind: StreamKind;
  readonly #peer: BrokerId;
  readonly #self: Endpoint;
  readonly #network: Wires;
  #phase: 'dialling' | 'open' | 'waiting' | 'closed' = 'waiting';
  /** Counts the attempts; what comes of an earlier one is void. */
  #attempt = 0;
  #redialMs = REDIAL_MS_MIN;
  #cancelTimer: () => void = () => undefined;
  /** Ends the grace of a stream that broke and may stand again; undefined while there is none. */
  #endGrace: (() => void) | undefined;
  #graceMs = -Infinity;

  constructor(kind: StreamKind, peer: BrokerId, self: Endpoint, network: Wires) {
    this.#kind = kind;
    this.#peer = peer;
    this.#self = self;
    this.#network = network;
  }

  start(): void {
    this.#dial();
  }

  /** Tries at once instead of at the end of the pause. */
  kick(): void {
    if (this.#phase === 'waiting') this.#dial();
  }

  close(tells: boolean): void {
    this.#phase = 'closed';
    this.#cancelTimer();
    this.#endGrace?.();
    this.stream?.end(this.#self, tells);
    this.stream = undefined;
  }

  /** The open stream broke: it is lost once the peer refuses another one, or is silent. */
  lost(): void {
    if (this.#phase !== 'open') return;
    this.stream = undefined;
    const { scheduler } = this.#network;
    if (scheduler.nowMs < this.#graceMs + GRACE_SPACING_MS) {
      this.#pause(LOST_MS);
      this.#tellLost();
      return;
    }
    this.#graceMs = scheduler.nowMs;
    this.#endGrace = scheduler.after(GRACE_MS, this.#self.process, () => this.#tellLost());
    this.#dial();
  }

  #tellLost(): void {
    this.#endGrace?.();
    this.#endGrace = undefined;
    const { events } = this.#self;
    if (this.#kind === 'data') events?.dataStreamClosed(this.#peer);
    else events?.heartbeatStreamClosed(this.#peer);
  }

  #pause(ms: number): void {
    this.#phase = 'waiting';
    this.#timer(ms * this.#network.random.between(0.8, 1.2), () => this.#dial());
  }

  #timer(ms: number, run: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#network.scheduler.after(ms, this.#self.process, run);
  }

  #failed(): void {
    this.#attempt += 1;
    if (this.#endGrace !== undefined) {
      this.#pause(LOST_MS);
      this.#tellLost();
      return;
    }
    this.#pause(this.#redialMs);
    this.#redialMs = Math.min(REDIAL_MS_MAX, this.#redialMs * REDIAL_FACTOR);
  }

  #dial(): void {
    this.#attempt += 1;
    this.#phase = 'dialling';
    this.#timer(DIAL_TIMEOUT_MS, () => this.#failed());
    const { scheduler } = this.#network;
    const self = this.#self.process.id;
    const attempt = this.#attempt;
    scheduler.after(this.#network.transitMs(self, this.#peer), OUTSIDE, () => this.#knock(attempt));
  }

  /** The attempt is at the peer's door. */
  #knock(attempt: number): void {
    const network = this.#network;
    const self = this.#self.process.id;
    if (!network.carries(self, this.#peer)) return;
    const far = network.at(this.#peer);
    if (far === undefined || network.refuses(self, this.#peer)) {
      if (!network.dark.has(this.#peer)) this.#answer(attempt, () => this.#failed());
      return;
    }
    network.scheduler.after(0, far.process, () => {
      if (far.events === undefined || this.#self.events === undefined) return;
      const stream = new Stream(this.#kind, this.#self, far, network);
      try {
        far.accept(stream);
      } catch (error) {
        if (!(error instanceof BellwetherError)) throw error;
        this.#answer(attempt, () => this.#refused(error));
        return;
      }
      this.#answer(attempt, () => this.#opened(stream));
    });
  }

  #answer(attempt: number, run: () => void): void {
    const network = this.#network;
    const self = this.#self.process;
    network.scheduler.after(network.transitMs(this.#peer, self.id), OUTSIDE, () => {
      if (!network.carries(this.#peer, self.id)) return;
      network.scheduler.after(0, self, () => {
        if (this.#phase === 'dialling' && this.#attempt === attempt) run();
      });
    });
  }

  #refused(error: BellwetherError): void {
    this.#failed();
    if (error.reason === 'CLUSTER_MISMATCH') this.#self.events?.refusedByPeer(this.#peer, error);
  }

  #opened(stream: Stream): void {
    const { events } = this.#self;
    const far = stream.listener.events;
    if (stream.isOver || far === undefined || events === undefined) {
      this.#failed();
      return;
    }
    try {
      events.admit(far.identity);
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      // A stranger behind the peer's address is as good as no peer; the peer itself may be there later.
      stream.end(this.#self, true);
      this.#failed();
      return;
    }
    this.#cancelTimer();
    this.#endGrace?.();
    this.#endGrace = undefined;
    this.#phase = 'open';
    this.#redialMs = REDIAL_MS_MIN;
    this.stream = stream;
    this.#self.taken(stream);
    if (this.#kind === 'data') events.dataStreamOpened(this.#peer);
    else events.heartbeatStreamOpened(this.#peer);
  }
}
