/** The SDK's public types. */

/** Options of `connect`. */
export interface ConnectOptions {
  /** Brokers to ask first, each HOST:PORT; at least one. */
  readonly brokers: readonly string[];
  /** Bound of every call in milliseconds, retries included. Default 10000. */
  readonly timeoutMs?: number;
}

/** Options that every call takes. */
export interface CallOptions {
  /** Bound of this call in milliseconds, retries included. Default: the client's. */
  readonly timeoutMs?: number;
}

export interface PartitionRef {
  readonly topic: string;
  /** Number of the partition, from 0. */
  readonly partition: number;
}

export interface BrokerInfo {
  readonly id: string;
  /** HOST:PORT for clients. */
  readonly address: string;
  readonly rack: string;
  readonly alive: boolean;
}

export interface PartitionInfo {
  readonly partition: number;
  /** Undefined while no leader is known. */
  readonly leader: string | undefined;
  /** 0 while no leader is known. */
  readonly term: number;
  readonly replicas: readonly string[];
  readonly inSyncReplicas: readonly string[];
  readonly offlineReplicas: readonly string[];
}

export interface TopicInfo {
  readonly topic: string;
  readonly partitions: readonly PartitionInfo[];
}

export interface ClusterMetadata {
  readonly clusterId: string;
  readonly controller: string | undefined;
  readonly brokers: readonly BrokerInfo[];
  readonly topics: readonly TopicInfo[];
}

export interface ClusterDescription {
  readonly clusterId: string;
  readonly controller: string | undefined;
  readonly controllerTerm: number;
  readonly brokers: readonly (BrokerInfo & { readonly leaderCount: number; readonly replicaCount: number })[];
}

export interface PartitionLeader {
  readonly leader: string;
  readonly followers: readonly string[];
  readonly term: number;
  readonly leaderAddress: string;
  readonly inSyncReplicas: readonly string[];
  /** Exclusive; undefined when the answering broker holds no replica. */
  readonly highWatermark: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly leaderSinceMs: number;
}

export interface PartitionLeaderOptions extends CallOptions {
  /**
   * Have the leader itself answer, once a quorum has confirmed after the call that it leads. Its high
   * watermark covers all that was acknowledged with acks 'all' before the call. Default false.
   */
  readonly linearizable?: boolean;
}

export interface FailoverRequest extends PartitionRef {
  readonly failedLeader: string;
  readonly expectedTerm?: number | undefined;
  readonly target?: string | undefined;
  readonly maxBlockMs?: number | undefined;
}

export interface FailoverResult {
  readonly newLeader: string;
  readonly newTerm: number;
  readonly failoverMs: number;
  readonly outcome: 'MOVED' | 'ALREADY_MOVED';
}

export interface RecordHeader {
  readonly key: string;
  /** Undefined is null. */
  readonly value: Uint8Array | undefined;
}

/** A record to append. */
export interface ProducerRecord {
  /** Undefined is null. */
  readonly key?: Uint8Array | undefined;
  /** Undefined is null (a tombstone). */
  readonly value: Uint8Array | undefined;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since the Unix epoch. Default: now. */
  readonly timestampMs?: number | undefined;
}

/** A record read back. */
export interface ConsumedRecord {
  readonly offset: number;
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly headers: readonly RecordHeader[];
  readonly timestampMs: number;
}

/** How much must have happened before a produce is acknowledged: none, the leader's disk, a quorum. */
export type Acks = 0 | 1 | 'all';

export interface ProduceOptions extends CallOptions {
  /** Default 'all'. */
  readonly acks?: Acks;
}

export interface ProduceResult {
  readonly partition: number;
  /** -1 with acks 0. */
  readonly baseOffset: number;
  readonly term: number;
  readonly recordCount: number;
}

export interface FetchOptions extends CallOptions {
  /** Default 500. */
  readonly maxRecords?: number;
  /** Default 1 MiB. */
  readonly maxBytes?: number;
  /** Longest wait for a first record. Default 0. */
  readonly maxWaitMs?: number;
  /** Accept what a follower knows to be committed. Default false. */
  readonly allowFollower?: boolean;
}

export interface FetchResult {
  readonly records: readonly ConsumedRecord[];
  /** Exclusive. */
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly nextOffset: number;
}

/** Where to begin to read: at the log start offset, or at the high watermark. */
export type OffsetPosition = 'earliest' | 'latest';

export interface ListedOffset {
  /** Inclusive for 'earliest', exclusive for 'latest'. */
  readonly offset: number;
  /** Term of the leader that answered. */
  readonly term: number;
}

export interface CommittedOffset extends PartitionRef {
  /** Next offset to read. */
  readonly offset: number;
}

export interface TopicSummary {
  readonly topic: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

/** Topic and cluster administration. */
export interface Admin {
  createTopic(
    topic: string,
    options?: CallOptions & { readonly partitions?: number; readonly replicationFactor?: number },
  ): Promise<TopicInfo>;
  deleteTopic(topic: string, options?: CallOptions): Promise<void>;
  listTopics(options?: CallOptions): Promise<TopicSummary[]>;
  describeTopic(topic: string, options?: CallOptions): Promise<TopicInfo>;
  describeCluster(options?: CallOptions): Promise<ClusterDescription>;
}

/**
 * A connection to a cluster. Every method rejects with `BellwetherError`.
 *
 * Requests that were certainly not applied are sent again until the deadline; requests of unknown
 * outcome are not, unless they are idempotent (reads, failover, offset commits).
 */
export interface BellwetherClient {
  readonly admin: Admin;
  metadata(topics?: readonly string[], options?: CallOptions): Promise<ClusterMetadata>;
  partitionLeader(ref: PartitionRef, options?: PartitionLeaderOptions): Promise<PartitionLeader>;
  partitionFailover(request: FailoverRequest, options?: CallOptions): Promise<FailoverResult>;
  /** Appends all records as one batch: all or none, at consecutive offsets. */
  produce(
    ref: PartitionRef,
    records: readonly ProducerRecord[],
    options?: ProduceOptions,
  ): Promise<ProduceResult>;
  fetch(ref: PartitionRef, offset: number, options?: FetchOptions): Promise<FetchResult>;
  /**
   * Where a partition begins or ends. 'latest' covers every record acknowledged with acks 'all' before the
   * call, by whichever leader: a quorum confirms the one that answers (linearizable).
   */
  listOffsets(ref: PartitionRef, at: OffsetPosition, options?: CallOptions): Promise<ListedOffset>;
  commitOffsets(group: string, offsets: readonly CommittedOffset[], options?: CallOptions): Promise<void>;
  fetchOffsets(
    group: string,
    partitions: readonly PartitionRef[],
    options?: CallOptions,
  ): Promise<CommittedOffset[]>;
  /**
   * Closes the connections. Calls in flight reject with CONNECTION_LOST, whose outcome is UNKNOWN;
   * later ones with CONNECTION_FAILED.
   */
  close(): Promise<void>;
}
