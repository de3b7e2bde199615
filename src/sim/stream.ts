/** One connection that a broker opened to another: in order both ways, and lost as a whole. */

import type { PeerEvents } from '../broker/peer-port.js';
import type { BrokerId } from '../raft/types.js';
import { OUTSIDE } from './scheduler.js';
import type { Connection, Endpoint, StreamKind, Wires } from './wires.js';

/** Mean delay of what arrives behind the end of its connection. */
const LATE_MS = 300;

/** One direction. */
interface Lane {
  readonly from: BrokerId;
  readonly to: BrokerId;
  lastMs: number;
  /** What has arrived at a cut, in order. */
  waiting: (() => void)[];
}

export class Stream implements Connection {
  readonly kind: StreamKind;
  readonly dialler: Endpoint;
  readonly listener: Endpoint;
  readonly #network: Wires;
  readonly #forth: Lane;
  readonly #back: Lane;
  /** Nothing is delivered any more. */
  #broken = false;
  /** Word that one end is gone has reached the other. */
  #ended = false;

  constructor(kind: StreamKind, dialler: Endpoint, listener: Endpoint, network: Wires) {
    this.kind = kind;
    this.dialler = dialler;
    this.listener = listener;
    this.#network = network;
    const [a, b] = [dialler.process.id, listener.process.id];
    this.#forth = { from: a, to: b, lastMs: 0, waiting: [] };
    this.#back = { from: b, to: a, lastMs: 0, waiting: [] };
  }

  get broken(): boolean {
    return this.#broken;
  }

  /**
   * True when there is nothing left to open. The answer to a dial travels beside the stream and may be overtaken
   * by its end, which in gRPC comes behind it: an end that came first must count all the same.
   */
  get isOver(): boolean {
    return this.#broken || this.#ended;
  }

  /** Sends from one end to the other; `receive` runs at the far end, if the stream still is. */
  send(by: Endpoint, receive: (events: PeerEvents) => void): void {
    const far = by === this.dialler ? this.listener : this.dialler;
    this.#transmit(by, () => {
      const { scheduler, dark } = this.#network;
      if (far.events === undefined && !dark.has(far.process.id)) {
        // The machine is there, but knows no such connection.
        scheduler.after(0, by.process, () => by.streamEnded(this));
      }
      scheduler.after(0, far.process, () => {
        if (far.events === undefined || far.isCutOff(this)) return;
        if (this.#isHeldBy(far) || this.#deliversStale) {
          receive(far.events);
        }
      });
    });
  }

  /** One end is gone, after all that it has sent; a machine that is off says nothing. */
  end(by: Endpoint, tells: boolean): void {
    const far = by === this.dialler ? this.listener : this.dialler;
    if (tells) {
      this.#transmit(by, () => {
        this.#network.scheduler.after(0, far.process, () => {
          this.#ended = true;
          far.streamEnded(this);
        });
      });
      return;
    }
    // The far end learns by its heartbeats, or when the machine is on again and knows no such connection.
    this.#network.whenLit(by.process.id, () => {
      this.#network.scheduler.after(0, far.process, () => far.streamEnded(this));
    });
  }

  /** Both ends lose it, each in its own time, with all that is on the way. */
  reset(): void {
    if (this.#broken) return;
    this.#broken = true;
    const { scheduler, random, delayMs } = this.#network;
    for (const end of [this.dialler, this.listener]) {
      scheduler.after(random.exponential(delayMs), end.process, () => end.streamEnded(this));
    }
  }

  /** Heartbeats have no number that outlives their stream; nothing of Raft rides on them. */
  get #deliversStale(): boolean {
    return this.kind === 'data' && this.#network.deliversStale;
  }

  #isHeldBy(end: Endpoint): boolean {
    return !this.#broken && end.holds(this);
  }

  #transmit(by: Endpoint, arrive: () => void): void {
    const lane = by === this.dialler ? this.#forth : this.#back;
    const { scheduler } = this.#network;
    const atMs = Math.max(lane.lastMs, scheduler.nowMs + this.#network.transitMs(lane.from, lane.to));
    lane.lastMs = atMs;
    scheduler.after(atMs - scheduler.nowMs, OUTSIDE, () => this.#arrive(lane, arrive));
  }

  #arrive(lane: Lane, arrive: () => void): void {
    const network = this.#network;
    if (this.#broken) {
      if (this.#deliversStale) this.#deliverLate(lane, arrive);
      return;
    }
    if (lane.waiting.length === 0 && network.carries(lane.from, lane.to)) {
      arrive();
      return;
    }
    lane.waiting.push(arrive);
    if (lane.waiting.length === 1) network.whenMended(lane.from, lane.to, () => this.#flush(lane));
  }

  #flush(lane: Lane): void {
    const { waiting } = lane;
    lane.waiting = [];
    if (this.#network.random.chance(0.5)) this.reset();
    for (const arrive of waiting) this.#arrive(lane, arrive);
  }

  /** What was on the way arrives after all, when newer connections, or lives of the sender, have spoken. */
  #deliverLate(lane: Lane, arrive: () => void): void {
    const network = this.#network;
    network.scheduler.after(network.random.exponential(LATE_MS), OUTSIDE, () => {
      if (network.carries(lane.from, lane.to)) arrive();
    });
  }
}
