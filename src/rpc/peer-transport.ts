/** The gRPC implementation of the broker's peer port: a link to every peer, unary calls beside it. */

import type { ServiceError } from '@grpc/grpc-js';
import { Metadata, type CallOptions, type ClientUnaryCall } from '@grpc/grpc-js';
import type {
  RaftServiceClient,
  ReadOffsetsResponse,
  Sender,
} from '../../gen/bellwether/raft/v1/raft_service.js';
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
import { invariant } from '../invariant.js';
import type { GroupOffset } from '../log/group-offset.js';
import type { Replication, ReplicationReply, TimeoutNow, VoteReply, VoteRequest } from '../raft/messages.js';
import { asLogIndex, type BrokerId, type GroupId } from '../raft/types.js';
import { fromServiceError } from '../wire/status.js';
import { groupOffsetFromWire } from './convert-offsets.js';
import { senderOf, timeoutNowToWire, voteReplyFromWire, voteRequestToWire } from './convert-raft.js';
import { notConnected, PeerLink } from './peer-link.js';
import type { PeerService } from './peer-service.js';

type Call<Res> = (
  client: RaftServiceClient,
  sender: Sender,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Res) => void,
) => ClientUnaryCall;

export class GrpcPeerTransport implements PeerTransport {
  readonly #links = new Map<BrokerId, PeerLink>();
  /** Addresses of the peers whose link is cut. */
  readonly #severed = new Map<BrokerId, readonly string[]>();
  #events: PeerEvents | undefined;
  #service: PeerService | undefined;
  #closed = false;

  /** Whom it tells what it hears; before that nobody is dialled. */
  start(events: PeerEvents, service: PeerService): void {
    this.#events = events;
    this.#service = service;
  }

  connect(peer: BrokerId, addresses: readonly string[]): void {
    if (this.#closed) return;
    if (this.#severed.has(peer)) {
      this.#severed.set(peer, addresses);
      return;
    }
    const known = this.#links.get(peer);
    if (known !== undefined) {
      known.setAddresses(addresses);
      return;
    }
    invariant(this.#events !== undefined, 'the transport has started');
    const link = new PeerLink(peer, addresses, this.#events);
    this.#links.set(peer, link);
    link.start();
  }

  disconnect(peer: BrokerId): void {
    this.#links.get(peer)?.close();
    this.#links.delete(peer);
    this.#service?.endStreams(peer);
  }

  /** Breaks the link to a peer as a broken cable would, for tests of failures; the peer's side is to be cut as well. */
  sever(peer: BrokerId): void {
    const link = this.#links.get(peer);
    if (link === undefined) return;
    this.disconnect(peer);
    this.#severed.set(peer, link.addresses);
  }

  /** Dials again what was severed. */
  mend(peer: BrokerId): void {
    const addresses = this.#severed.get(peer);
    this.#severed.delete(peer);
    if (addresses !== undefined) this.connect(peer, addresses);
  }

  /** Dials a peer at once that was heard while it could not be reached. */
  heard(peer: BrokerId): void {
    this.#links.get(peer)?.kick();
  }

  close(): void {
    this.#closed = true;
    for (const link of this.#links.values()) link.close();
  }

  sendAppends(
    to: BrokerId,
    appends: readonly InGroup<Replication>[],
    announcements: readonly LeaderAnnouncement[],
  ): void {
    this.#links.get(to)?.sendAppends(appends, announcements);
  }

  sendAppendReplies(to: BrokerId, replies: readonly InGroup<ReplicationReply>[]): void {
    this.#service?.sendAppendReplies(to, replies);
  }

  sendHeartbeat(to: BrokerId, sequence: number): void {
    this.#links.get(to)?.sendHeartbeat(sequence);
  }

  async requestVotes(
    to: BrokerId,
    requests: readonly InGroup<VoteRequest>[],
  ): Promise<readonly InGroup<VoteReply>[]> {
    const votes = requests.map(voteRequestToWire);
    const response = await this.#call<{ votes: Parameters<typeof voteReplyFromWire>[2][] }>(
      to,
      2 * LIMITS.voteWaitMs,
      (client, sender, metadata, options, callback) =>
        client.requestVote({ sender, votes }, metadata, options, callback),
    );
    return response.votes.map((vote) => voteReplyFromWire(to, this.#self, vote));
  }

  async orderCampaigns(to: BrokerId, orders: readonly InGroup<TimeoutNow>[]): Promise<void> {
    const groups = orders.map(timeoutNowToWire);
    await this.#call(to, LIMITS.voteWaitMs, (client, sender, metadata, options, callback) =>
      client.timeoutNow({ sender, groups }, metadata, options, callback),
    );
  }

  async transferLeadership(to: BrokerId, request: TransferRequest, timeoutMs: number): Promise<void> {
    const { group, term, target, maxBlockMs } = request;
    await this.#call(to, timeoutMs, (client, sender, metadata, options, callback) =>
      client.transferLeadership(
        { sender, groupId: group, term, target, maxBlockMs },
        metadata,
        options,
        callback,
      ),
    );
  }

  async submit(to: BrokerId, request: SubmitRequest, timeoutMs: number): Promise<SubmitResult> {
    const { group, kind, payload } = request;
    const response = await this.#call<{ index: number; result: Uint8Array }>(
      to,
      timeoutMs,
      (client, sender, metadata, options, callback) =>
        client.submit({ sender, groupId: group, kind, payload }, metadata, options, callback),
    );
    return { index: asLogIndex(response.index), result: response.result };
  }

  async readOffsets(
    to: BrokerId,
    consumerGroup: string,
    groups: readonly GroupId[],
    timeoutMs: number,
  ): Promise<readonly (GroupOffset | undefined)[]> {
    const { offsets } = await this.#call<ReadOffsetsResponse>(
      to,
      timeoutMs,
      (client, sender, metadata, options, callback) =>
        client.readOffsets({ sender, consumerGroup, groupIds: [...groups] }, metadata, options, callback),
    );
    return offsets.map(groupOffsetFromWire);
  }

  get #self(): BrokerId {
    invariant(this.#events !== undefined, 'the transport has started');
    return this.#events.identity.broker;
  }

  async #call<Res>(to: BrokerId, timeoutMs: number, call: Call<Res>): Promise<Res> {
    const link = this.#links.get(to);
    if (link === undefined || this.#events === undefined) throw notConnected(to);
    const { client } = link;
    const sender = senderOf(this.#events.identity, to);
    const options = { deadline: Date.now() + timeoutMs };
    return new Promise((resolve, reject) => {
      call(client, sender, new Metadata(), options, (error, response) => {
        if (error !== null) reject(fromServiceError(error));
        // What a peer answers that was disconnected meanwhile may be the word of a replaced disk (I21).
        else if (this.#links.get(to) !== link) reject(lost(to));
        else resolve(response);
      });
    });
  }
}

function lost(peer: BrokerId): BellwetherError {
  return new BellwetherError('CONNECTION_LOST', `broker ${peer} was disconnected`, {
    metadata: { broker: peer },
  });
}
