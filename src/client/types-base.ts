/** The SDK's public types that the others are made of. */

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

export interface CommittedOffset extends PartitionRef {
  /** Next offset to read. */
  readonly offset: number;
}
