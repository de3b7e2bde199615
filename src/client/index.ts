/** The published door `bellwether/client`. */
export { BellwetherError, isReason } from '../errors.js';
export type { Outcome, RetryClass } from '../error-table.js';
export type { LeaderHint, Reason } from '../errors.js';
export { partitionForKey } from '../records/murmur2.js';
export { connect } from './connect.js';
export type {
  Acks,
  Admin,
  BellwetherClient,
  BrokerDescription,
  BrokerStatus,
  CallOptions,
  ClusterMetadata,
  CommittedOffset,
  ConnectOptions,
  ConsumedRecord,
  FailoverRequest,
  FailoverResult,
  FetchOptions,
  FetchResult,
  ListedOffset,
  OffsetPosition,
  PartitionInfo,
  PartitionLeader,
  PartitionLeaderOptions,
  PartitionRef,
  ProduceOptions,
  ProducerRecord,
  ProduceResult,
  Reassignment,
  RecordHeader,
  Replication,
  ReplicationMember,
  TopicInfo,
  TopicSummary,
} from './types.js';
export type {
  BrokerHealth,
  BrokerInfo,
  BrokerLoad,
  ClusterDescription,
  UnreadyReason,
} from './types-cluster.js';
