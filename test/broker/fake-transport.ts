/** A peer transport that goes nowhere: it keeps what was sent, and answers as it is told. */

import type {
  InGroup,
  LeaderAnnouncement,
  PeerTransport,
  SubmitRequest,
  SubmitResult,
  TransferRequest,
} from '../../src/broker/peer-port.js';
import type {
  Replication,
  ReplicationReply,
  TimeoutNow,
  VoteReply,
  VoteRequest,
} from '../../src/raft/messages.js';
import type { BrokerId, GroupId } from '../../src/raft/types.js';
import type { GroupOffset } from '../../src/log/group-offset.js';

export interface SentAppends {
  readonly to: BrokerId;
  readonly appends: readonly InGroup<Replication>[];
  readonly announcements: readonly LeaderAnnouncement[];
}

export class FakeTransport implements PeerTransport {
  readonly appends: SentAppends[] = [];
  readonly replies: { readonly to: BrokerId; readonly replies: readonly InGroup<ReplicationReply>[] }[] = [];
  readonly votes: { readonly to: BrokerId; readonly requests: readonly InGroup<VoteRequest>[] }[] = [];
  readonly campaigns: { readonly to: BrokerId; readonly orders: readonly InGroup<TimeoutNow>[] }[] = [];
  readonly transfers: { to: BrokerId; request: TransferRequest; timeoutMs: number }[] = [];
  readonly heartbeats: { readonly to: BrokerId; readonly sequence: number }[] = [];
  readonly submits: { readonly to: BrokerId; readonly timeoutMs: number }[] = [];
  readonly connections = new Map<BrokerId, readonly string[]>();
  /** What the calls answer; a test replaces them. */
  onTransfer: () => Promise<void> = () => Promise.resolve();
  onSubmit: (request: SubmitRequest) => Promise<SubmitResult> = never;
  onReadOffsets: (groups: readonly GroupId[]) => Promise<readonly (GroupOffset | undefined)[]> = never;

  connect(peer: BrokerId, addresses: readonly string[]): void {
    this.connections.set(peer, addresses);
  }

  disconnect(peer: BrokerId): void {
    this.connections.delete(peer);
  }

  sendAppends(
    to: BrokerId,
    appends: readonly InGroup<Replication>[],
    announcements: readonly LeaderAnnouncement[],
  ): void {
    this.appends.push({ to, appends, announcements });
  }

  sendAppendReplies(to: BrokerId, replies: readonly InGroup<ReplicationReply>[]): void {
    this.replies.push({ to, replies });
  }

  sendHeartbeat(to: BrokerId, sequence: number): void {
    this.heartbeats.push({ to, sequence });
  }

  requestVotes(
    to: BrokerId,
    requests: readonly InGroup<VoteRequest>[],
  ): Promise<readonly InGroup<VoteReply>[]> {
    this.votes.push({ to, requests });
    return never();
  }

  orderCampaigns(to: BrokerId, orders: readonly InGroup<TimeoutNow>[]): Promise<void> {
    this.campaigns.push({ to, orders });
    return Promise.resolve();
  }

  transferLeadership(to: BrokerId, request: TransferRequest, timeoutMs: number): Promise<void> {
    this.transfers.push({ to, request, timeoutMs });
    return this.onTransfer();
  }

  submit(to: BrokerId, request: SubmitRequest, timeoutMs: number): Promise<SubmitResult> {
    this.submits.push({ to, timeoutMs });
    return this.onSubmit(request);
  }

  readOffsets(
    _to: BrokerId,
    _consumerGroup: string,
    groups: readonly GroupId[],
  ): Promise<readonly (GroupOffset | undefined)[]> {
    return this.onReadOffsets(groups);
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
