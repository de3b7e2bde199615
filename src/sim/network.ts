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

/** One direction between two brokers. */
interface Link {
  cuts: number;
  refusals: number;
  stuckUntilMs: number;
  slowness: number;
  readonly onMended: Set<() => void>;
}

export class Network implements Wires {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  readonly watch: MessageWatcher;
  readonly #transports = new Map<BrokerId, SimTransport>();
  /** Of each directed link, as "from>to". */
  readonly #links = new Map<string, Link>();
  /** Called when a machine that was off is on again. */
  readonly #onLit = new Map<BrokerId, Set<() => void>>();
  readonly #betterments = new Map<BrokerId, number>();
  /** Mean one-way delay. */
  delayMs = 0.5;
  /** Share of unary calls that arrive twice. */
  duplicates = 0;
  /** Share of unary calls of which the request, or the answer, is lost alone. */
  losses = 0;
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

  /** Nothing passes from one broker to the other, and nobody is told. The returned function mends. */
  cut(from: BrokerId, to: BrokerId): () => void {
    return this.#spoil(from, to, 'cuts');
  }

  /** One broker's dials to the other are refused. */
  refuse(from: BrokerId, to: BrokerId): () => void {
    return this.#spoil(from, to, 'refusals');
  }

  /** What is sent on the link waits until then, and keeps its order. */
  stick(from: BrokerId, to: BrokerId, untilMs: number): void {
    this.#link(from, to).stuckUntilMs = untilMs;
  }

  /** Multiplies the delay of a link. */
  slow(from: BrokerId, to: BrokerId, factor: number): () => void {
    this.#link(from, to).slowness = factor;
    return () => {
      this.#link(from, to).slowness = 1;
    };
  }

  carries(from: BrokerId, to: BrokerId): boolean {
    return this.#link(from, to).cuts === 0;
  }

  refuses(from: BrokerId, to: BrokerId): boolean {
    return this.#link(from, to).refusals > 0;
  }

  /** How often something became possible for a broker again; a quorum may be in reach since. */
  bettermentsOf(id: BrokerId): number {
    return this.#betterments.get(id) ?? 0;
  }

  improved(...ids: readonly BrokerId[]): void {
    for (const id of ids) this.#betterments.set(id, this.bettermentsOf(id) + 1);
  }

  /** All links carry again. */
  heal(): void {
    for (const link of this.#links.values()) {
      link.cuts = 0;
      link.refusals = 0;
      link.stuckUntilMs = 0;
      link.slowness = 1;
      callOnce(link.onMended);
    }
  }

  /** Once the link carries; what waited at a cut is sent again then, as TCP does. */
  whenMended(from: BrokerId, to: BrokerId, run: () => void): void {
    this.#link(from, to).onMended.add(run);
  }

  /** A machine goes off: nobody is told. */
  darken(id: BrokerId): void {
    this.dark.add(id);
  }

  /** A machine is on: it knows no connection of its earlier life, and says so. */
  light(id: BrokerId): void {
    this.dark.delete(id);
    callOnce(this.#onLit.get(id) ?? new Set());
  }

  whenLit(id: BrokerId, run: () => void): void {
    const waiting = this.#onLit.get(id) ?? new Set();
    this.#onLit.set(id, waiting.add(run));
  }

  #link(from: BrokerId, to: BrokerId): Link {
    const key = `${from}>${to}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = { cuts: 0, refusals: 0, stuckUntilMs: 0, slowness: 1, onMended: new Set() };
      this.#links.set(key, link);
    }
    return link;
  }

  /** Faults overlap: a link carries when the last of them is mended. */
  #spoil(from: BrokerId, to: BrokerId, what: 'cuts' | 'refusals'): () => void {
    const link = this.#link(from, to);
    link[what] += 1;
    return () => {
      if (link[what] === 0) return;
      link[what] -= 1;
      this.improved(from, to);
      if (link.cuts === 0) callOnce(link.onMended);
    };
  }

  /** Connections of a pair are reset: what is on the way is lost. */
  reset(a: BrokerId, b: BrokerId): void {
    this.at(a)?.resetStreams(b);
    this.at(b)?.resetStreams(a);
  }

  /** One draw of how long a message takes now. */
  transitMs(from: BrokerId, to: BrokerId): number {
    this.messages += 1;
    const link = this.#link(from, to);
    const ownMs = link.slowness * this.delayMs * (0.2 + this.random.exponential(0.8));
    return Math.max(ownMs, link.stuckUntilMs - this.scheduler.nowMs);
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

function callOnce(waiting: Set<() => void>): void {
  const due = [...waiting];
  waiting.clear();
  for (const run of due) run();
}
