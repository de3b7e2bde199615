/**
 * A network in memory, with the manners of the gRPC transport: between each two brokers two streams, each
 * way one pair, that break, are dialled again, and lose nothing while they are open. A wire can go silent
 * one way, and a dialler can be kept from dialling.
 */

import type {
  InGroup,
  LeaderAnnouncement,
  PeerEvents,
  PeerTransport,
  SubmitRequest,
  SubmitResult,
  TransferRequest,
} from '../../src/broker/peer-port.js';
import { BellwetherError } from '../../src/errors.js';
import type {
  Replication,
  ReplicationReply,
  TimeoutNow,
  VoteReply,
  VoteRequest,
} from '../../src/raft/messages.js';
import type { BrokerId, GroupId } from '../../src/raft/types.js';
import type { GroupOffset } from '../../src/log/group-offset.js';
import type { ManualClock } from './manual-clock.js';

const LATENCY_MS = 0.2;
const REDIAL_MS = 20;
const VOTE_TIMEOUT_MS = 2_000;

export class MemoryNetwork {
  readonly clock: ManualClock;
  readonly #endpoints = new Map<BrokerId, MemoryTransport>();
  /** Wires that carry nothing, as "from>to". */
  readonly #silent = new Set<string>();
  /** Diallers that get no connection, as "from>to"; what is open stays open. */
  readonly #undialable = new Set<string>();

  /** Until when the processes of brokers are held up. */
  readonly #heldUpUntilMs = new Map<BrokerId, number>();

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  /** A broker's process takes nothing in for so long. */
  holdUp(id: BrokerId, ms: number): void {
    this.#heldUpUntilMs.set(id, this.clock.monotonicMs() + ms);
  }

  /** Calls back at once, or when the broker's process is held up no more. */
  whenFree(id: BrokerId, callback: () => void): void {
    const leftMs = (this.#heldUpUntilMs.get(id) ?? 0) - this.clock.monotonicMs();
    if (leftMs > 0) this.clock.schedule(leftMs, callback);
    else callback();
  }

  /** Puts a broker on the network. `events` is called once the transport has started. */
  attach(id: BrokerId): MemoryTransport {
    const endpoint = new MemoryTransport(id, this);
    this.#endpoints.set(id, endpoint);
    return endpoint;
  }

  /** The process is gone: every stream of it ends at once, on both sides. */
  detach(id: BrokerId): void {
    const endpoint = this.#endpoints.get(id);
    this.#endpoints.delete(id);
    endpoint?.close();
    for (const other of this.#endpoints.values()) other.breakStreams(id);
  }

  at(id: BrokerId): MemoryTransport | undefined {
    return this.#endpoints.get(id);
  }

  get ids(): readonly BrokerId[] {
    return [...this.#endpoints.keys()];
  }

  /** From now on nothing gets from one broker to the other; nobody is told. */
  silence(from: BrokerId, to: BrokerId): void {
    this.#silent.add(`${from}>${to}`);
  }

  /** Cuts a broker off from all others, both ways: connections are reset. */
  isolate(id: BrokerId): void {
    for (const other of this.ids) {
      if (other === id) continue;
      this.silence(id, other);
      this.silence(other, id);
      this.#endpoints.get(id)?.breakStreams(other);
      this.#endpoints.get(other)?.breakStreams(id);
    }
  }

  /** The dialler's streams to the other end break, and it gets no new ones. */
  refuseDials(from: BrokerId, to: BrokerId): void {
    this.#undialable.add(`${from}>${to}`);
    this.#endpoints.get(from)?.breakStreams(to);
  }

  /** All wires carry again. What was lost on an open stream breaks it, as in TCP. */
  heal(): void {
    this.#undialable.clear();
    for (const wire of this.#silent) {
      const [from = '', to = ''] = wire.split('>');
      this.#endpoints.get(from)?.breakStreams(to);
      this.#endpoints.get(to)?.breakStreams(from);
    }
    this.#silent.clear();
  }

  carries(from: BrokerId, to: BrokerId): boolean {
    return !this.#silent.has(`${from}>${to}`);
  }

  dials(from: BrokerId, to: BrokerId): boolean {
    return !this.#undialable.has(`${from}>${to}`) && this.carries(from, to) && this.carries(to, from);
  }

  /** Delivers after the latency, if the wire carries then. */
  send(from: BrokerId, to: BrokerId, deliver: (events: PeerEvents) => void): void {
    this.clock.schedule(LATENCY_MS, () => {
      this.whenFree(to, () => {
        const events = this.carries(from, to) ? this.#endpoints.get(to)?.events : undefined;
        if (events !== undefined) deliver(events);
      });
    });
  }
}

interface Streams {
  open: boolean;
  /** Counts the streams; what was sent on an earlier one is lost with it. */
  number: number;
}

export class MemoryTransport implements PeerTransport {
  readonly id: BrokerId;
  events: PeerEvents | undefined;
  readonly #network: MemoryNetwork;
  /** Where each connected peer is said to be. */
  readonly addresses = new Map<BrokerId, readonly string[]>();
  readonly #streams = new Map<BrokerId, Streams>();
  #streamsMade = 0;
  #closed = false;

  constructor(id: BrokerId, network: MemoryNetwork) {
    this.id = id;
    this.#network = network;
  }

  start(events: PeerEvents): void {
    this.events = events;
  }

  connect(peer: BrokerId, addresses: readonly string[]): void {
    this.addresses.set(peer, addresses);
    if (this.#streams.has(peer)) return;
    const streams = { open: false, number: 0 };
    this.#streams.set(peer, streams);
    this.#dial(peer, streams);
  }

  disconnect(peer: BrokerId): void {
    this.addresses.delete(peer);
    this.#streams.delete(peer);
    this.#network.at(peer)?.breakStreams(this.id);
  }

  /** Ends every stream, those that peers have opened too. */
  close(): void {
    this.#closed = true;
    this.events = undefined;
    for (const peer of this.#streams.keys()) this.#network.at(peer)?.breakStreams(this.id);
    for (const streams of this.#streams.values()) streams.open = false;
  }

  /** The streams to the peer end; they are dialled again. */
  breakStreams(peer: BrokerId): void {
    const streams = this.#streams.get(peer);
    if (streams?.open !== true) return;
    streams.open = false;
    this.events?.dataStreamClosed(peer);
    this.events?.heartbeatStreamClosed(peer);
  }

  sendAppends(
    to: BrokerId,
    appends: readonly InGroup<Replication>[],
    announcements: readonly LeaderAnnouncement[],
  ): void {
    this.#onStream(to, (events) => events.appendsReceived(this.id, appends, announcements));
  }

  /** Rides on the stream that the peer has opened. */
  sendAppendReplies(to: BrokerId, replies: readonly InGroup<ReplicationReply>[]): void {
    const number = this.#network.at(to)?.streamNumber(this.id);
    if (number === undefined) return;
    this.#network.send(this.id, to, (events) => {
      if (this.#network.at(to)?.streamNumber(this.id) === number) {
        events.appendRepliesReceived(this.id, replies);
      }
    });
  }

  sendHeartbeat(to: BrokerId, sequence: number): void {
    const number = this.streamNumber(to);
    this.#onStream(to, (far) => {
      if (!far.reaches(this.id)) return;
      this.#network.send(to, this.id, (events) => {
        if (this.streamNumber(to) === number) events.heartbeatConfirmed(to, sequence);
      });
    });
  }

  requestVotes(to: BrokerId, requests: readonly InGroup<VoteRequest>[]) {
    return this.#call<readonly InGroup<VoteReply>[]>(to, VOTE_TIMEOUT_MS, (events) =>
      events.votesRequested(this.id, requests),
    );
  }

  orderCampaigns(to: BrokerId, orders: readonly InGroup<TimeoutNow>[]): Promise<void> {
    return this.#call(to, VOTE_TIMEOUT_MS, (events) => events.campaignsOrdered(this.id, orders));
  }

  transferLeadership(to: BrokerId, request: TransferRequest, timeoutMs: number): Promise<void> {
    return this.#call(to, timeoutMs, (events) => events.transferRequested(request));
  }

  submit(to: BrokerId, request: SubmitRequest, timeoutMs: number): Promise<SubmitResult> {
    return this.#call(to, timeoutMs, (events) => events.submitRequested(request, timeoutMs));
  }

  readOffsets(to: BrokerId, consumerGroup: string, groups: readonly GroupId[], timeoutMs: number) {
    return this.#call<readonly (GroupOffset | undefined)[]>(to, timeoutMs, (events) =>
      events.offsetsRequested(consumerGroup, groups, timeoutMs),
    );
  }

  /** Number of the open stream to a peer; undefined for none. */
  streamNumber(peer: BrokerId): number | undefined {
    const streams = this.#streams.get(peer);
    return streams?.open === true ? streams.number : undefined;
  }

  #onStream(to: BrokerId, deliver: (events: PeerEvents) => void): void {
    const number = this.streamNumber(to);
    if (number === undefined) return;
    this.#network.send(this.id, to, (events) => {
      if (this.streamNumber(to) === number) deliver(events);
    });
  }

  #call<T>(to: BrokerId, timeoutMs: number, serve: (events: PeerEvents) => T | Promise<T>): Promise<T> {
    const streams = this.#streams.get(to);
    if (streams?.open !== true) {
      return Promise.reject(new BellwetherError('CONNECTION_FAILED', `${to} is not connected`));
    }
    return new Promise((resolve, reject) => {
      const cancel = this.#network.clock.schedule(timeoutMs, () => {
        reject(new BellwetherError('REQUEST_TIMEOUT', `${to} has not answered`));
      });
      const answer = (settle: () => void): void => {
        this.#network.send(to, this.id, () => {
          cancel();
          if (this.#streams.get(to) === streams) settle();
          else reject(new BellwetherError('CONNECTION_LOST', `${to} was disconnected`));
        });
      };
      this.#onStream(to, (events) => {
        const serving = new Promise<T>((served) => {
          served(serve(events));
        });
        serving.then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(error instanceof Error ? error : new Error(String(error)))),
        );
      });
    });
  }

  #dial(peer: BrokerId, streams: Streams): void {
    this.#network.clock.schedule(REDIAL_MS, () => {
      if (this.#closed || this.#streams.get(peer) !== streams) return;
      this.#tryOpen(peer, streams);
      this.#dial(peer, streams);
    });
  }

  #tryOpen(peer: BrokerId, streams: Streams): void {
    const far = this.#network.at(peer)?.events;
    const { events } = this;
    if (streams.open || far === undefined || events === undefined) return;
    if (!this.#network.dials(this.id, peer)) return;
    try {
      far.admit(events.identity);
    } catch (error) {
      const refusal = error as BellwetherError;
      if (refusal.reason === 'CLUSTER_MISMATCH') events.refusedByPeer(peer, refusal);
      return;
    }
    streams.open = true;
    this.#streamsMade += 1;
    streams.number = this.#streamsMade;
    events.dataStreamOpened(peer);
    events.heartbeatStreamOpened(peer);
  }
}
