/**
 * The wires between simulated brokers: how long a message takes, and which links are cut, stuck or refuse.
 * Links are directed, so a cut may be one-sided.
 */

import type { PeerEvents } from '../broker/peer-port.js';
import type { BrokerId } from '../raft/types.js';
import type { Random } from './random.js';
import { OUTSIDE, type Scheduler } from './scheduler.js';
import { SimTransport } from './transport.js';
import type { Trace } from './trace.js';
import type { Endpoint, Machine, MessageWatcher, Wires } from './wires.js';

export class Network implements Wires {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  readonly watch: MessageWatcher;
  readonly #transports = new Map<BrokerId, SimTransport>();
  readonly #cut = new Set<string>();
  readonly #refusing = new Set<string>();
  readonly #stuckUntilMs = new Map<string, number>();
  readonly #slowness = new Map<string, number>();
  /** Called when links are healed, once each. */
  readonly #onHealed = new Set<() => void>();
  /** Mean one-way delay. */
  delayMs = 0.5;
  /** Share of unary calls that arrive twice. */
  duplicates = 0;
  /** What was sent on a stream, in an earlier life too, arrives after the stream's end as well. */
  deliversStale = false;
  /** Addresses whose machine is off, so that nobody refuses a connection. */
  readonly dark = new Set<BrokerId>();
  messages = 0;

  constructor(scheduler: Scheduler, random: Random, trace: Trace, watch: MessageWatcher) {
    this.scheduler = scheduler;
    this.random = random;
    this.trace = trace;
    this.watch = watch;
  }

  /** Puts a process on the network. */
  attach(process: Machine): SimTransport {
    const transport = new SimTransport(process, this);
    this.#transports.set(process.id, transport);
    return transport;
  }

  /** The process has ended or gives up: its streams end on both sides. */
  detach(process: Machine): void {
    const transport = this.#transports.get(process.id);
    if (transport?.process !== process) return;
    this.#transports.delete(process.id);
    transport.close(!this.dark.has(process.id));
  }

  at(id: BrokerId): SimTransport | undefined {
    return this.#transports.get(id);
  }

  /** Nothing passes from one broker to the other, and nobody is told. */
  cut(from: BrokerId, to: BrokerId): void {
    this.#cut.add(`${from}>${to}`);
  }

  refuse(from: BrokerId, to: BrokerId): void {
    this.#refusing.add(`${from}>${to}`);
  }

  /** What is sent on the link waits until then, and keeps its order. */
  stick(from: BrokerId, to: BrokerId, untilMs: number): void {
    this.#stuckUntilMs.set(`${from}>${to}`, untilMs);
  }

  /** Multiplies the delay of a link. */
  slow(from: BrokerId, to: BrokerId, factor: number): void {
    this.#slowness.set(`${from}>${to}`, factor);
  }

  carries(from: BrokerId, to: BrokerId): boolean {
    return !this.#cut.has(`${from}>${to}`);
  }

  refuses(from: BrokerId, to: BrokerId): boolean {
    return this.#refusing.has(`${from}>${to}`);
  }

  /** All links carry again; what waited at a cut is sent again, as TCP does, or its connection is reset. */
  heal(): void {
    this.#cut.clear();
    this.#refusing.clear();
    this.#stuckUntilMs.clear();
    this.#slowness.clear();
    const waiting = [...this.#onHealed];
    this.#onHealed.clear();
    for (const each of waiting) each();
  }

  whenHealed(run: () => void): void {
    this.#onHealed.add(run);
  }

  /** Connections of a pair are reset: what is on the way is lost. */
  reset(a: BrokerId, b: BrokerId): void {
    this.at(a)?.resetStreams(b);
    this.at(b)?.resetStreams(a);
  }

  /** One draw of how long a message takes now. */
  transitMs(from: BrokerId, to: BrokerId): number {
    this.messages += 1;
    const factor = this.#slowness.get(`${from}>${to}`) ?? 1;
    const ownMs = factor * this.delayMs * (0.2 + this.random.exponential(0.8));
    const stuckMs = (this.#stuckUntilMs.get(`${from}>${to}`) ?? 0) - this.scheduler.nowMs;
    return Math.max(ownMs, stuckMs);
  }

  /** Delivers a message that has no place in an order, unless the link is cut then. */
  deliver(from: BrokerId, to: BrokerId, receive: (far: Endpoint, events: PeerEvents) => void): void {
    this.scheduler.after(this.transitMs(from, to), OUTSIDE, () => {
      const far = this.carries(from, to) ? this.at(to) : undefined;
      if (far === undefined) return;
      this.scheduler.after(0, far.process, () => {
        if (far.events !== undefined) receive(far, far.events);
      });
    });
  }
}
