/**
 * A broker's end of the simulated network: the peer port, with the manners of the gRPC transport
 * (rpc/peer-stream.ts, rpc/peer-service.ts). Two streams to each peer, opened again whenever they break.
 */

import type {
  InGroup,
  LeaderAnnouncement,
  PeerEvents,
  PeerTransport,
  SubmitRequest,
  SubmitResult,
  TransferRequest,
} from '../broker/peer-port.js';
import { LIMITS } from '../broker/limits.js';
import { BellwetherError } from '../errors.js';
import type {
  Message,
  Replication,
  ReplicationReply,
  TimeoutNow,
  VoteReply,
  VoteRequest,
} from '../raft/messages.js';
import type { GroupOffset } from '../log/group-offset.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import { Dial } from './dial.js';
import { describeMessage } from './trace.js';
import type { Connection, Endpoint, Machine, StreamKind, Wires } from './wires.js';

/** A call under way. */
interface Call {
  readonly to: BrokerId;
  fail(error: BellwetherError): void;
}

export class SimTransport implements PeerTransport, Endpoint {
  readonly process: Machine;
  events: PeerEvents | undefined;
  readonly #network: Wires;
  readonly #dials = new Map<BrokerId, Readonly<Record<StreamKind, Dial>>>();
  /** Streams that peers have opened, as "kind peer". */
  readonly #accepted = new Map<string, Connection>();
  readonly #calls = new Set<Call>();
  /** How often each peer was disconnected, and what that number was when a stream was taken. */
  readonly #disconnects = new Map<BrokerId, number>();
  readonly #takenAfter = new WeakMap<Connection, number>();

  constructor(process: Machine, network: Wires) {
    this.process = process;
    this.#network = network;
  }

  start(events: PeerEvents): void {
    this.events = events;
  }

  /** A machine is found by its name, wherever it is said to be. */
  connect(peer: BrokerId): void {
    if (this.#dials.has(peer)) return;
    const dial = (kind: StreamKind): Dial => new Dial(kind, peer, this, this.#network);
    const dials = { data: dial('data'), heartbeat: dial('heartbeat') };
    this.#dials.set(peer, dials);
    dials.data.start();
    dials.heartbeat.start();
  }

  disconnect(peer: BrokerId): void {
    this.#disconnects.set(peer, this.#disconnectsOf(peer) + 1);
    const dials = this.#dials.get(peer);
    this.#dials.delete(peer);
    dials?.data.close(true);
    dials?.heartbeat.close(true);
    for (const [key, stream] of this.#accepted) {
      if (stream.dialler.process.id !== peer) continue;
      this.#accepted.delete(key);
      stream.end(this, true);
    }
    for (const call of [...this.#calls]) {
      if (call.to === peer) call.fail(new BellwetherError('CONNECTION_LOST', `${peer} was disconnected`));
    }
  }

  taken(stream: Connection): void {
    this.#takenAfter.set(stream, this.#disconnectsOf(farEnd(stream, this)));
  }

  isCutOff(stream: Connection): boolean {
    return this.#takenAfter.get(stream) !== this.#disconnectsOf(farEnd(stream, this));
  }

  #disconnectsOf(peer: BrokerId): number {
    return this.#disconnects.get(peer) ?? 0;
  }

  /** Ends everything. @param tells False when the machine goes dark without a word. */
  close(tells: boolean): void {
    this.events = undefined;
    for (const dials of this.#dials.values()) {
      dials.data.close(tells);
      dials.heartbeat.close(tells);
    }
    for (const stream of this.#accepted.values()) stream.end(this, tells);
    this.#accepted.clear();
  }

  /** All streams that this end has opened to the peer break. */
  resetStreams(peer: BrokerId): void {
    const dials = this.#dials.get(peer);
    dials?.data.stream?.reset();
    dials?.heartbeat.stream?.reset();
  }

  holds(stream: Connection): boolean {
    if (stream.dialler === this)
      return this.#dials.get(stream.listener.process.id)?.[stream.kind].stream === stream;
    return this.#accepted.get(`${stream.kind} ${stream.dialler.process.id}`) === stream;
  }

  /** Learns that a stream is no more. */
  streamEnded(stream: Connection): void {
    if (!this.holds(stream)) return;
    if (stream.dialler !== this) {
      this.#accepted.delete(`${stream.kind} ${stream.dialler.process.id}`);
      return;
    }
    const peer = stream.listener.process.id;
    if (stream.kind === 'heartbeat') {
      for (const call of [...this.#calls]) {
        if (call.to === peer) call.fail(new BellwetherError('CONNECTION_LOST', `${peer} is lost`));
      }
    }
    this.#dials.get(peer)?.[stream.kind].lost();
  }

  /** Takes a peer's new stream, in place of an earlier one. @throws what `admit` throws. */
  accept(stream: Connection): void {
    const dialler = stream.dialler;
    if (dialler.events === undefined) return;
    this.events?.admit(dialler.events.identity);
    const key = `${stream.kind} ${dialler.process.id}`;
    this.#accepted.get(key)?.end(this, true);
    this.#accepted.set(key, stream);
    this.taken(stream);
    this.heard(dialler.process.id);
  }

  heard(peer: BrokerId): void {
    const dials = this.#dials.get(peer);
    dials?.data.kick();
    dials?.heartbeat.kick();
  }

  sendAppends(
    to: BrokerId,
    appends: readonly InGroup<Replication>[],
    announcements: readonly LeaderAnnouncement[],
  ): void {
    this.note(to, appends);
    const from = this.process.id;
    this.#dials.get(to)?.data.stream?.send(this, (far) => far.appendsReceived(from, appends, announcements));
  }

  sendAppendReplies(to: BrokerId, replies: readonly InGroup<ReplicationReply>[]): void {
    this.note(to, replies);
    this.#accepted
      .get(`data ${to}`)
      ?.send(this, (far) => far.appendRepliesReceived(this.process.id, replies));
  }

  sendHeartbeat(to: BrokerId, sequence: number): void {
    const stream = this.#dials.get(to)?.heartbeat.stream;
    stream?.send(this, (far) => {
      const confirmed = far.reaches(this.process.id) ? sequence : 0;
      stream.send(stream.listener, (events) => events.heartbeatConfirmed(to, confirmed));
    });
  }

  async requestVotes(
    to: BrokerId,
    requests: readonly InGroup<VoteRequest>[],
  ): Promise<readonly InGroup<VoteReply>[]> {
    this.note(to, requests);
    return this.#call(to, 2 * LIMITS.voteWaitMs, async (events, far) => {
      const replies = await events.votesRequested(this.process.id, requests);
      far.note(this.process.id, replies);
      return replies;
    });
  }

  orderCampaigns(to: BrokerId, orders: readonly InGroup<TimeoutNow>[]): Promise<void> {
    this.note(to, orders);
    return this.#call(to, LIMITS.voteWaitMs, (events) => events.campaignsOrdered(this.process.id, orders));
  }

  transferLeadership(to: BrokerId, request: TransferRequest, timeoutMs: number): Promise<void> {
    return this.#call(to, timeoutMs, (events) => events.transferRequested(request));
  }

  submit(to: BrokerId, request: SubmitRequest, timeoutMs: number): Promise<SubmitResult> {
    // The last offset that is stored wins, so a submission must not arrive a second time.
    return this.#call(to, timeoutMs, (events) => events.submitRequested(request, timeoutMs), 0);
  }

  readOffsets(to: BrokerId, consumerGroup: string, groups: readonly GroupId[], timeoutMs: number) {
    return this.#call<readonly (GroupOffset | undefined)[]>(to, timeoutMs, (events) =>
      events.offsetsRequested(consumerGroup, groups, timeoutMs),
    );
  }

  note(to: BrokerId, messages: readonly InGroup<Message>[]): void {
    for (const { group, message } of messages) {
      this.#network.watch(this.process, to, group, message);
      this.#network.trace.line(
        () => `${this.process.id} -> ${to}  g${String(group)} ${describeMessage(message)}`,
      );
    }
  }

  /** A unary call: beside the streams in no order, and now and then twice. */
  #call<T>(
    to: BrokerId,
    timeoutMs: number,
    serve: (events: PeerEvents, far: Endpoint) => T | Promise<T>,
    duplicates = this.#network.duplicates,
  ): Promise<T> {
    const stream = this.#dials.get(to)?.heartbeat.stream;
    const identity = this.events?.identity;
    if (stream === undefined || identity === undefined) {
      return Promise.reject(new BellwetherError('CONNECTION_FAILED', `${to} is not connected`));
    }
    const { random, losses, scheduler } = this.#network;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        if (!this.#calls.delete(call)) return;
        cancel();
        settle();
      };
      const call: Call = { to, fail: (error) => finish(() => reject(error)) };
      this.#calls.add(call);
      const cancel = scheduler.after(timeoutMs, this.process, () =>
        call.fail(new BellwetherError('REQUEST_TIMEOUT', `${to} has not answered`)),
      );
      const answer = (settle: () => void): void => {
        if (random.chance(losses / 2)) return;
        this.#network.deliver(to, this.process.id, (near) => {
          if (near === this) finish(settle);
        });
      };
      const request = (): void => {
        this.#network.deliver(this.process.id, to, (far, events) => {
          if (stream.broken || stream.listener !== far) return;
          const served = new Promise<T>((done) => {
            events.admit(identity);
            far.heard(identity.broker);
            done(serve(events, far));
          });
          served.then(
            (value) => answer(() => resolve(value)),
            (error: unknown) =>
              answer(() => reject(error instanceof Error ? error : new Error(String(error)))),
          );
        });
      };
      if (!random.chance(losses / 2)) request();
      if (random.chance(duplicates)) request();
    });
  }
}

function farEnd(stream: Connection, near: Endpoint): BrokerId {
  return (stream.dialler === near ? stream.listener : stream.dialler).process.id;
}
