/** The SDK's public types; those about leadership are in leadership-types.ts. */
import type { BellwetherError } from '../errors.js';
import type {
  FailoverFilter,
  FailoverResult,
  LeaderExplanation,
  LeadershipChange,
  PartitionLeader,
  TransferResult,
  WatchLeadershipOptions,
} from './leadership-types.js';
import type { CallOptions, CommittedOffset, PartitionRef, TopicInfo } from './types-base.js';
import type {
  BrokerDescription,
  BrokerHealth,
  BrokerInfo,
  ClusterDescription,
  Reassignment,
  Replication,
} from './types-cluster.js';
import type { Consumer, ConsumerOptions } from './types-consumer.js';
import type { CommitOptions, StoredOffset } from './types-offsets.js';
import type { Producer, ProducerIdentity, ProducerOptions } from './types-producer.js';
import type { Acks, ConsumedRecord, ProducerRecord } from './types-records.js';
import type {
  TopicConfig,
  TopicConfigChange,
  TopicConfigEntry,
  TopicDescription,
} from './types-topic-config.js';

export type { CallOptions, CommittedOffset, PartitionInfo, PartitionRef, TopicInfo } from './types-base.js';
export type {
  Acks,
  ConsumedRecord,
  OutgoingHeader,
  Payload,
  ProducerRecord,
  RecordHeader,
} from './types-records.js';

/** Options of `connect`. */
export interface ConnectOptions {
  /** Brokers to ask first, each HOST:PORT; at least one. */
  readonly brokers: readonly string[];
  /** Bound of every call in milliseconds, retries included. Default 10000. */
  readonly timeoutMs?: number;
  /**
   * Told that something failed and is tried again, in silence otherwise: why, and for how many milliseconds the
   * call, the oldest record of a producer's batches or the stream has been at it, without the time that a healthy
   * broker may take by right, such as a long poll. Once for each attempt after the first, so often within seconds. It
   * runs beside the attempt and holds nothing up; what it throws is uncaught.
   */
  readonly onRetry?: RetryListener;
}

/** See `ConnectOptions.onRetry`. */
export type RetryListener = (error: BellwetherError, elapsedMs: number) => void;

export interface ClusterMetadata {
  readonly clusterId: string;
  readonly controller: string | undefined;
  readonly brokers: readonly BrokerInfo[];
  readonly topics: readonly TopicInfo[];
}

export interface PartitionLeaderOptions extends CallOptions {
  /**
   * Have the leader itself answer, once a quorum has confirmed after the call that it leads. Its high
   * watermark covers all that was acknowledged with acks 'all' before the call. Default false.
   */
  readonly linearizable?: boolean;
}

export interface FailoverRequest extends PartitionRef {
  /** Broker that shall not lead. When another one leads already, that is said, and nothing is moved. */
  readonly failedLeader: string;
  readonly expectedTerm?: number | undefined;
  readonly target?: string | undefined;
  readonly maxBlockMs?: number | undefined;
  /** Check everything and say who would lead, but move nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

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
  /** 1 to 10000. Default 500. */
  readonly maxRecords?: number;
  /**
   * Give the last batch whole, though it may go beyond `maxRecords` by up to 9999: who reads on from `nextOffset` gets
   * every batch once, where it would come again for the rest of it. Default false.
   */
  readonly wholeBatches?: boolean;
  /** Of what comes over the network, before it is decompressed: 1 to 2 MiB, soft. Default 1 MiB. */
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

/**
 * Where to begin to read: at the log start offset, at the high watermark, or at the first record with at least a
 * timestamp, in milliseconds since the Unix epoch.
 */
export type OffsetPosition = 'earliest' | 'latest' | { readonly timestampMs: number };

export interface ListedOffset {
  /** Inclusive for 'earliest', exclusive for 'latest'; of a timestamp that of the record found, or as 'latest'. */
  readonly offset: number;
  /** Of a timestamp: that of the record found; undefined when no committed record is as young. */
  readonly timestampMs?: number | undefined;
  /** Term of the leader that answered. */
  readonly term: number;
}

export interface TopicSummary {
  readonly topic: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

export interface TransferOptions extends CallOptions {
  readonly target?: string | undefined;
  readonly expectedTerm?: number | undefined;
  readonly maxBlockMs?: number | undefined;
}

/** Topic and cluster administration. */
export interface Admin {
  /**
   * Resolves once the broker that was asked knows the topic, and a leader of each of its partitions; after 2 s, or half of
   * the call's time, also without leaders, which later calls wait for.
   *
   * @throws BellwetherError TOPIC_ALREADY_EXISTS, INVALID_REPLICATION_FACTOR, INVALID_REQUEST: NOT_APPLIED. Not sent
   * again in doubt: after an outcome of UNKNOWN the topic may be there.
   */
  createTopic(
    topic: string,
    options?: CallOptions & {
      /** 1 to 10000. Default 1. */
      readonly partitions?: number;
      /** 1 to 7, at most as many as there are brokers. Default 3, or as many as there are brokers. */
      readonly replicationFactor?: number;
      /** What is not at its default, by its name in snake_case: see `TopicConfigName`. */
      readonly config?: TopicConfig;
    },
  ): Promise<TopicInfo>;
  /** Deletes a topic with all of its records. @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION */
  deleteTopic(topic: string, options?: CallOptions): Promise<void>;
  listTopics(options?: CallOptions): Promise<TopicSummary[]>;
  describeTopic(topic: string, options?: CallOptions): Promise<TopicDescription>;
  /**
   * Sets entries of a topic's configuration and gives others back to their defaults; resolves with all entries as
   * they are then. Idempotent.
   *
   * @throws BellwetherError INVALID_REQUEST for an unknown name or a value out of its bounds, or
   * UNKNOWN_TOPIC_OR_PARTITION: NOT_APPLIED.
   */
  alterTopicConfig(
    topic: string,
    change: TopicConfigChange,
    options?: CallOptions,
  ): Promise<TopicConfigEntry[]>;
  describeCluster(options?: CallOptions): Promise<ClusterDescription>;
  /** Asks every broker of the cluster for its health; by id. One that does not answer within 2 s is UNREACHABLE. */
  describeHealth(options?: CallOptions): Promise<BrokerHealth[]>;
  /** All brokers with their status, ordered by id. */
  listBrokers(options?: CallOptions): Promise<BrokerDescription[]>;
  /** Admits a broker, which other brokers reach at `peerAddress`. It is JOINING until it has started. */
  addBroker(broker: string, peerAddress: string, options?: CallOptions): Promise<void>;
  /**
   * Has every replica moved off a broker, and lets it go then. Resolves once that is decided; it is done when
   * `listBrokers` does not have it any more.
   */
  removeBroker(broker: string, options?: CallOptions): Promise<void>;
  /**
   * Declares the disk of a broker lost. Resolves once that is decided; when `listBrokers` has it as JOINING it
   * may be started with an empty one.
   */
  replaceBroker(broker: string, options?: CallOptions): Promise<void>;
  /**
   * Moves the replicas of a partition, the preferred leader first, while it is written and read. Resolves once
   * that is decided; it is done when `listReassignments` does not have the partition any more.
   */
  reassignPartition(ref: PartitionRef, replicas: readonly string[], options?: CallOptions): Promise<void>;
  /** Moves the replicas back to where they were before the reassignment. */
  cancelReassignment(ref: PartitionRef, options?: CallOptions): Promise<void>;
  /** The partitions whose replicas are not where they belong, by topic and number. */
  listReassignments(options?: CallOptions): Promise<Reassignment[]>;
  /** Has the leader hand over, to `target` or the best follower; resolves when that one has committed. */
  transferLeadership(ref: PartitionRef, options?: TransferOptions): Promise<TransferResult>;
  /** An id that no other producer has, and its first epoch, for record batches that may be sent again. */
  initProducer(options?: CallOptions): Promise<ProducerIdentity>;
  /** How far each member of a partition's group is, as its leader knows. */
  describeReplication(ref: PartitionRef, options?: CallOptions): Promise<Replication>;
  /**
   * Deletes the records below `beforeOffset`, or with 'latest' all that are committed, on all replicas. There
   * is no way back. Resolves with the log start offset once a quorum has it on disk.
   */
  deleteRecords(
    ref: PartitionRef,
    beforeOffset: number | 'latest',
    options?: CallOptions,
  ): Promise<{ readonly logStartOffset: number }>;
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
  /** The recent changes of leadership away from a broker, the newest first; the oldest are forgotten. */
  listFailovers(filter?: FailoverFilter, options?: CallOptions): Promise<LeadershipChange[]>;
  /**
   * Why this broker leads and not the preferred one, or why nobody does. Waits for no election. Topic `__cluster`,
   * partition 0 is the cluster metadata, of which any broker answers; lags are known only where its leader was asked.
   */
  explainLeader(ref: PartitionRef, options?: CallOptions): Promise<LeaderExplanation>;
  /** Every change of leadership as it comes, over any failure of brokers; see watch-leadership.ts. */
  watchLeadership(options?: WatchLeadershipOptions): AsyncIterable<LeadershipChange>;
  /**
   * Appends all records as one batch: all or none, at consecutive offsets. Sent again until the deadline while it
   * certainly was not applied, and never otherwise.
   *
   * A leader that has not answered for 100 ms is doubted: others are asked who leads, until it answers or another
   * one leads. The call ends then, long before its deadline, as LEADERSHIP_LOST with outcome UNKNOWN: the records may
   * or may not be in the log. Read back, or produce them again if a duplicate does no harm; that goes to the new leader.
   *
   * @throws BellwetherError LEADERSHIP_LOST, COMMIT_TIMEOUT, CONNECTION_LOST, REQUEST_TIMEOUT: outcome UNKNOWN.
   * @throws BellwetherError INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION, or as the leader refuses: NOT_APPLIED.
   */
  produce(
    ref: PartitionRef,
    records: readonly ProducerRecord[],
    options?: ProduceOptions,
  ): Promise<ProduceResult>;
  /**
   * Committed records from `offset` on, compressed batches among them; none when there are none yet. Keys and
   * values may be views of a whole batch: to keep one of them for long, copy it.
   *
   * @throws BellwetherError OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST.
   * @throws BellwetherError UNSUPPORTED_RECORD_BATCH for a codec that this Node has not: zstd before 22.15.
   */
  fetch(ref: PartitionRef, offset: number, options?: FetchOptions): Promise<FetchResult>;
  /**
   * Sends records in batches: for many records, where `produce` is for a few. End it with its `close()`.
   *
   * @throws BellwetherError INVALID_REQUEST when an option is unknown or out of its bounds.
   */
  producer(options?: ProducerOptions): Producer;
  /**
   * Reads partitions on and on, over failovers, from each place on. It reads nothing before it is iterated.
   *
   * @throws BellwetherError INVALID_REQUEST when an option is unknown or out of its bounds.
   */
  consumer(options: ConsumerOptions): Consumer;
  /**
   * Where a partition begins or ends, or has records of a time on. 'latest' and a timestamp cover every record
   * acknowledged with acks 'all' before the call, by whichever leader: a quorum confirms the one that answers
   * (linearizable).
   *
   * @throws BellwetherError INVALID_REQUEST unless a timestamp is a whole number from 0.
   */
  listOffsets(ref: PartitionRef, at: OffsetPosition, options?: CallOptions): Promise<ListedOffset>;
  /**
   * Stores offsets of a consumer group, each in its partition.
   *
   * @throws BellwetherError FENCED_GENERATION when a partition refused the generation; the others may have been stored.
   * @throws BellwetherError COMMIT_TIMEOUT, LEADERSHIP_LOST, CONNECTION_LOST, REQUEST_TIMEOUT: outcome UNKNOWN.
   */
  commitOffsets(group: string, offsets: readonly CommittedOffset[], options?: CommitOptions): Promise<void>;
  /** Linearizable: what was stored before the call is in the answer. Partitions without an offset are left out. */
  fetchOffsets(
    group: string,
    partitions: readonly PartitionRef[],
    options?: CallOptions,
  ): Promise<StoredOffset[]>;
  /**
   * Closes the connections. Calls in flight reject with CONNECTION_LOST, whose outcome is UNKNOWN;
   * those that were not sent yet, and later ones, with CLIENT_CLOSED.
   */
  close(): Promise<void>;
}
