/**
 * The rows of the error table: what each reason means, and what a caller may do about it.
 *
 * Pure. The error class and what reads the table are in errors.ts; a test holds the rows and the page for
 * people, docs/ERRORS.md, together.
 */

/** Whether the write was applied: the question that every error must answer. */
export type Outcome = 'NOT_APPLIED' | 'UNKNOWN' | 'APPLIED';

/**
 * What a caller may do with the same request.
 * - `never`: it will fail again until somebody changes something.
 * - `same_broker`: send it again to the same broker after a pause.
 * - `refresh_metadata`: find the leader first, then send it again.
 * - `unknown_outcome`: it may have been applied; only an idempotent request may be sent again.
 */
export type RetryClass = 'never' | 'same_broker' | 'refresh_metadata' | 'unknown_outcome';

/** One row of the table. */
export interface ErrorRow {
  /** gRPC status code (google.rpc.Code). */
  readonly code: number;
  readonly outcome: Outcome;
  readonly retry: RetryClass;
  /** What happened, as a sentence. */
  readonly meaning: string;
  /** What to do next, as a sentence. */
  readonly action: string;
}

/** gRPC status codes by name (google.rpc.Code), so that this pure file needs no gRPC. */
export const GRPC_CODE = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
} as const;

/** The table. The key is the reason: what programs switch on, never on the text. */
export const ERROR_TABLE = {
  INVALID_REQUEST: {
    code: GRPC_CODE.INVALID_ARGUMENT,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'A field of the request is missing or out of its bounds; metadata.field names it.',
    action: 'Correct the field.',
  },
  RECORD_BATCH_TOO_LARGE: {
    code: GRPC_CODE.INVALID_ARGUMENT,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The batch is larger than a broker accepts; metadata has the size and the limit.',
    action: 'Send the records in smaller batches.',
  },
  CORRUPT_RECORD_BATCH: {
    code: GRPC_CODE.INVALID_ARGUMENT,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The bytes are not a valid Kafka v2 record batch: a length, count or checksum is wrong.',
    action: 'Encode the batch again; look for damage on the way.',
  },
  UNSUPPORTED_RECORD_BATCH: {
    code: GRPC_CODE.INVALID_ARGUMENT,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The batch is valid but uses a feature that this version does not serve.',
    action: 'Send an uncompressed batch without producer id, transaction or control records.',
  },
  UNKNOWN_TOPIC_OR_PARTITION: {
    code: GRPC_CODE.NOT_FOUND,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'There is no such topic, or it has no such partition.',
    action: 'Create the topic, or ask Metadata for its partitions.',
  },
  TOPIC_ALREADY_EXISTS: {
    code: GRPC_CODE.ALREADY_EXISTS,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'A topic of this name exists.',
    action: 'Use it, or choose another name.',
  },
  INVALID_REPLICATION_FACTOR: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'There are fewer brokers than replicas asked for.',
    action: 'Ask for fewer replicas, or start more brokers.',
  },
  BROKER_NOT_FOUND: {
    code: GRPC_CODE.NOT_FOUND,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The cluster has no broker of this name.',
    action: 'Ask ListBrokers (`bellwether broker list`) for the names.',
  },
  BROKER_ALREADY_EXISTS: {
    code: GRPC_CODE.ALREADY_EXISTS,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The cluster has a broker of this name.',
    action: 'Use it, or choose another name.',
  },
  BROKER_CHANGE_REFUSED: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The broker cannot be added, removed or replaced as the cluster is; the message says why.',
    action: 'Do first what the message names, such as adding another broker.',
  },
  REASSIGNMENT_REFUSED: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'A broker among the replicas asked for cannot hold one: it is unknown, or joins or leaves.',
    action: 'Name active brokers; ListBrokers shows the status of each.',
  },
  NO_REASSIGNMENT: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The partition is not being reassigned, so there is nothing to cancel.',
    action: 'Ask ListReassignments what is under way.',
  },
  NOT_LEADER: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'refresh_metadata',
    meaning: 'This broker does not lead the partition; the hint names the one that does.',
    action: 'Send the request to the broker in the hint, if its term is newer than the one you know.',
  },
  NO_LEADER: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'NOT_APPLIED',
    retry: 'refresh_metadata',
    meaning: 'No leader is known: an election runs, or a quorum of the replicas is unreachable.',
    action: 'Try again; if it lasts, start the brokers that are down.',
  },
  NOT_ENOUGH_REPLICAS: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'NOT_APPLIED',
    retry: 'same_broker',
    meaning: 'The leader hears from no quorum of the replicas, so it takes no writes and confirms no reads.',
    action: 'Try again; if it lasts, start the brokers that are down.',
  },
  LEADERSHIP_LOST: {
    code: GRPC_CODE.ABORTED,
    outcome: 'UNKNOWN',
    retry: 'unknown_outcome',
    meaning: 'The broker lost the leadership after it had appended the write, or before it answered.',
    action: 'Read back, or send again if a duplicate does no harm.',
  },
  COMMIT_TIMEOUT: {
    code: GRPC_CODE.DEADLINE_EXCEEDED,
    outcome: 'UNKNOWN',
    retry: 'unknown_outcome',
    meaning: 'The write was appended, but no quorum had it on disk before the deadline.',
    action: 'Read back, or send again if a duplicate does no harm.',
  },
  UNCOMMITTED_BYTES_EXCEEDED: {
    code: GRPC_CODE.RESOURCE_EXHAUSTED,
    outcome: 'NOT_APPLIED',
    retry: 'same_broker',
    meaning: 'The partition holds as many uncommitted bytes as it may.',
    action: 'Send again after a pause; send slower.',
  },
  TOO_MANY_READS: {
    code: GRPC_CODE.RESOURCE_EXHAUSTED,
    outcome: 'NOT_APPLIED',
    retry: 'same_broker',
    meaning: 'As many linearizable reads of the partition wait for a quorum as may.',
    action: 'Send again after a pause; send slower.',
  },
  OFFSET_OUT_OF_RANGE: {
    code: GRPC_CODE.OUT_OF_RANGE,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The offset is below the log start or beyond the log end; metadata has both.',
    action: 'Ask for an offset between the two.',
  },
  FENCED_TERM: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'refresh_metadata',
    meaning: 'The term that the caller expected is not the current one; metadata has the current one.',
    action: 'Look who leads now, and decide again.',
  },
  TARGET_NOT_ELIGIBLE: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The broker that should lead cannot: it has no replica, is unreachable, or is the failed one.',
    action: 'Name another target, or none.',
  },
  HISTORY_TRIMMED: {
    code: GRPC_CODE.OUT_OF_RANGE,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'Changes behind the position asked for are not kept any more; metadata says which are.',
    action: 'Watch on behind the position that the message names; ListFailovers has what is left of before.',
  },
  WATCH_TOO_SLOW: {
    code: GRPC_CODE.RESOURCE_EXHAUSTED,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The caller of a watch did not read, and changes that it missed are not kept any more.',
    action: 'Read faster; watch on behind the position that the message names.',
  },
  TOO_MANY_WATCHES: {
    code: GRPC_CODE.RESOURCE_EXHAUSTED,
    outcome: 'NOT_APPLIED',
    retry: 'refresh_metadata',
    meaning: 'The broker serves as many watches as it may.',
    action: 'Watch at another broker; end watches that nobody reads.',
  },
  TRANSFER_ABORTED: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'NOT_APPLIED',
    retry: 'same_broker',
    meaning: 'No follower caught up in the time allowed; the old leader goes on.',
    action: 'Try again, allow more time, or name another target.',
  },
  SHUTTING_DOWN: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'NOT_APPLIED',
    retry: 'refresh_metadata',
    meaning: 'The broker is stopping.',
    action: 'Ask another broker.',
  },
  STORAGE_FAILED: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'UNKNOWN',
    retry: 'unknown_outcome',
    meaning: 'The disk of the broker failed; it stops voting and leading until it is restarted.',
    action: 'Ask another broker; look at the disk before restarting this one.',
  },
  STORAGE_CORRUPT: {
    code: GRPC_CODE.DATA_LOSS,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The journal is damaged before its end; the message names the file and the position.',
    action: 'Keep the folder and replace the broker; never use an older copy, which has forgotten promises.',
  },
  DATA_DIRECTORY_UNUSABLE: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The data folder cannot be created, read or written.',
    action: 'Check the path, its permissions and the free space.',
  },
  DATA_DIRECTORY_IN_USE: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'Another running broker uses the data folder.',
    action: 'Stop that broker, or choose another folder.',
  },
  DATA_DIRECTORY_MISMATCH: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The data folder belongs to another broker or another cluster.',
    action: 'Choose the folder of this broker, or an empty one.',
  },
  ADDRESS_UNAVAILABLE: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The broker cannot listen on the address: it is in use, or not of this machine.',
    action: 'Stop what uses the port, or choose another.',
  },
  CLUSTER_MISMATCH: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The other broker is of another cluster, is not the one meant, lost its disk, or was removed.',
    action:
      'Check --peers and --data of both brokers; after a lost disk, run `bellwether broker replace ID`.',
  },
  CONNECTION_FAILED: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'NOT_APPLIED',
    retry: 'refresh_metadata',
    meaning: 'No connection to the broker could be made, or it refused the request unread: it was not run.',
    action: 'Check that the broker runs, and --bootstrap.',
  },
  CONNECTION_LOST: {
    code: GRPC_CODE.UNAVAILABLE,
    outcome: 'UNKNOWN',
    retry: 'unknown_outcome',
    meaning: 'The connection broke while the request was under way.',
    action: 'Read back, or send again if a duplicate does no harm.',
  },
  REQUEST_TIMEOUT: {
    code: GRPC_CODE.DEADLINE_EXCEEDED,
    outcome: 'UNKNOWN',
    retry: 'unknown_outcome',
    meaning: 'No answer came before the deadline of the request.',
    action: 'Read back, or send again if a duplicate does no harm.',
  },
  INTERNAL: {
    code: GRPC_CODE.INTERNAL,
    outcome: 'UNKNOWN',
    retry: 'unknown_outcome',
    meaning: 'A defect in Bellwether.',
    action: 'Report it with the log of the broker.',
  },
} as const satisfies Record<string, ErrorRow>;
