/** How a broker speaks with its peers: a port, filled by gRPC in production and by the simulator. */

import type { LeadershipReport } from '../cluster/leadership-change.js';
import type { BellwetherError } from '../errors.js';
import type { GroupOffset } from '../log/group-offset.js';
import type { Replication, ReplicationReply, TimeoutNow, VoteReply, VoteRequest } from '../raft/messages.js';
import type { BrokerId, EntryKind, GroupId, LogIndex, ResignationCause, Term } from '../raft/types.js';

/** A message of one group. */
export interface InGroup<M> {
  readonly group: GroupId;
  readonly message: M;
}

/** Who leads a group, told first hand by that leader. */
export interface LeaderAnnouncement {
  readonly group: GroupId;
  readonly term: Term;
  /** Undefined when the sender has just stepped down without a known successor. */
  readonly leader: BrokerId | undefined;
  readonly inSyncReplicas: readonly BrokerId[];
  /** Milliseconds since the Unix epoch, by the leader's clock. */
  readonly leaderSinceMs: number;
  /** How the sender came to lead; in its first announcement only. */
  readonly report?: LeadershipReport | undefined;
  /** Why the sender gave up by itself; undefined while it leads, and when a later term ended it. */
  readonly resigned?: ResignationCause | undefined;
}

export interface TransferRequest {
  readonly group: GroupId;
  readonly term: Term;
  /** Undefined for the best in-sync follower. */
  readonly target: BrokerId | undefined;
  readonly maxBlockMs: number;
}

export interface SubmitRequest {
  readonly group: GroupId;
  readonly kind: EntryKind;
  readonly payload: Uint8Array;
}

export interface SubmitResult {
  readonly index: LogIndex;
  readonly result: Uint8Array;
}

/** Outbound. What is sent without an open stream is dropped: Raft sends it again. */
export interface PeerTransport {
  /**
   * Keeps streams to a peer open from now on. `addresses` are tried in turn, the next one after each failed
   * attempt; a later call takes the new ones over and leaves open streams alone.
   */
  connect(peer: BrokerId, addresses: readonly string[]): void;
  /**
   * Ends all streams with a peer, those that it has opened too, and tells nobody. Nothing that it has sent
   * arrives any more, an answer to a call in flight included (I21).
   */
  disconnect(peer: BrokerId): void;
  sendAppends(
    to: BrokerId,
    appends: readonly InGroup<Replication>[],
    announcements: readonly LeaderAnnouncement[],
  ): void;
  sendAppendReplies(to: BrokerId, replies: readonly InGroup<ReplicationReply>[]): void;
  sendHeartbeat(to: BrokerId, sequence: number): void;
  /** Rejects when the peer cannot be asked; the campaign's own timeout deals with that. */
  requestVotes(
    to: BrokerId,
    requests: readonly InGroup<VoteRequest>[],
  ): Promise<readonly InGroup<VoteReply>[]>;
  orderCampaigns(to: BrokerId, orders: readonly InGroup<TimeoutNow>[]): Promise<void>;
  transferLeadership(to: BrokerId, request: TransferRequest, timeoutMs: number): Promise<void>;
  submit(to: BrokerId, request: SubmitRequest, timeoutMs: number): Promise<SubmitResult>;
  readOffsets(
    to: BrokerId,
    consumerGroup: string,
    groups: readonly GroupId[],
    timeoutMs: number,
  ): Promise<readonly (GroupOffset | undefined)[]>;
}

/** Why a peer refuses a broker with CLUSTER_MISMATCH; the error has it as metadata `refusal`. */
export type Refusal = 'UNKNOWN' | 'REMOVED' | 'OTHER_DISK' | 'OTHER_CLUSTER';

/** What a peer says of itself at the start of every exchange. */
export interface PeerIdentity {
  /** Empty until the peer has learned it. */
  readonly clusterId: string;
  readonly broker: BrokerId;
  readonly incarnation: string;
  /** HOST:PORT at which other brokers reach it. */
  readonly peerAddress: string;
  /** Index up to which it has applied the log of group 0: whose view of the cluster is the newer one. */
  readonly metadataIndex: number;
}

/** Inbound: what the transport tells the broker. */
export interface PeerEvents {
  /** Who this broker is, for the start of every exchange. */
  readonly identity: PeerIdentity;
  /**
   * Refuses a peer of another cluster, one that lost its disk, and one that was removed: throws
   * CLUSTER_MISMATCH. Throws NO_LEADER when this broker cannot tell yet, STORAGE_FAILED or SHUTTING_DOWN when
   * it takes part no more.
   */
  admit(peer: PeerIdentity): void;
  /**
   * True while this broker's own streams to the peer are open. A transport confirms the peer's heartbeats
   * only then: a link that one side cannot use must be down on both, or a leader that can tell nobody
   * that it has stepped down is trusted for ever (B26).
   */
  reaches(peer: BrokerId): boolean;
  /** The stream for entries to the peer is open, or broke. */
  dataStreamOpened(peer: BrokerId): void;
  dataStreamClosed(peer: BrokerId): void;
  /** The stream for heartbeats to the peer is open, or broke. */
  heartbeatStreamOpened(peer: BrokerId): void;
  heartbeatStreamClosed(peer: BrokerId): void;
  /** The peer confirmed heartbeat `sequence`. */
  heartbeatConfirmed(peer: BrokerId, sequence: number): void;
  /** The peer refused this broker as one of another cluster or with another disk. */
  refusedByPeer(peer: BrokerId, error: BellwetherError): void;
  appendsReceived(
    from: BrokerId,
    appends: readonly InGroup<Replication>[],
    announcements: readonly LeaderAnnouncement[],
  ): void;
  /**
   * Undefined while this broker keeps up with the appends it is sent. Otherwise a transport reads no more of them
   * until this resolves, so that flow control holds their senders back.
   */
  caughtUp(): Promise<void> | undefined;
  appendRepliesReceived(from: BrokerId, replies: readonly InGroup<ReplicationReply>[]): void;
  votesRequested(
    from: BrokerId,
    requests: readonly InGroup<VoteRequest>[],
  ): Promise<readonly InGroup<VoteReply>[]>;
  campaignsOrdered(from: BrokerId, orders: readonly InGroup<TimeoutNow>[]): void;
  transferRequested(request: TransferRequest): void;
  submitRequested(request: SubmitRequest, timeoutMs: number): Promise<SubmitResult>;
  offsetsRequested(
    consumerGroup: string,
    groups: readonly GroupId[],
    timeoutMs: number,
  ): Promise<readonly (GroupOffset | undefined)[]>;
}
