/** The published door `bellwether/client`. */
export { BellwetherError, isReason } from '../errors.js';
export type { Outcome, RetryClass } from '../error-row.js';
export type { LeaderHint, Reason } from '../errors.js';
export { partitionForKey } from '../records/murmur2.js';
export { connect } from './connect.js';
export type {
  FailoverFilter,
  FailoverResult,
  LeaderExplanation,
  LeadershipCause,
  LeadershipChange,
  LeadershipObstacle,
  LeadershipTimeline,
  PartitionLeader,
  ReplicaStanding,
  TransferResult,
  WatchLeadershipOptions,
} from './leadership-types.js';
export type {
  Acks,
  Admin,
  BellwetherClient,
  CallOptions,
  ClusterMetadata,
  CommittedOffset,
  ConnectOptions,
  ConsumedRecord,
  FailoverRequest,
  FetchOptions,
  FetchResult,
  ListedOffset,
  OffsetPosition,
  OutgoingHeader,
  PartitionInfo,
  PartitionLeaderOptions,
  PartitionRef,
  Payload,
  ProduceOptions,
  ProducerRecord,
  ProduceResult,
  RecordHeader,
  RetryListener,
  TopicInfo,
  TopicSummary,
  TransferOptions,
} from './types.js';
export { TOPIC_CONFIG_NAMES } from './types-topic-config.js';
export type {
  TopicConfig,
  TopicConfigChange,
  TopicConfigEntry,
  TopicConfigName,
  TopicDescription,
} from './types-topic-config.js';
export type { CommitOptions, StoredOffset } from './types-offsets.js';
export type {
  ConsumedBatch,
  ConsumedPartition,
  Consumer,
  ConsumerOptions,
  PartitionRecord,
  StartPosition,
} from './types-consumer.js';
export type {
  AppendedRange,
  Compression,
  OutgoingRecord,
  Producer,
  ProducerIdentity,
  ProducerOptions,
  RecordPlace,
  SettledRange,
} from './types-producer.js';
export type {
  BrokerDescription,
  BrokerHealth,
  BrokerInfo,
  BrokerLoad,
  BrokerStatus,
  ClusterDescription,
  Reassignment,
  Replication,
  ReplicationMember,
  UnreadyReason,
} from './types-cluster.js';
