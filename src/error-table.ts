/**
 * The rows of the error table: what each reason means, and what a caller may do about it.
 *
 * Pure. Those of brokers, disks and connections stand in error-table-broker.ts, the error class in errors.ts; a
 * test holds the rows and the page for people, docs/ERRORS.md, together.
 */

import { type ErrorRow, GRPC_CODE } from './error-row.js';
import { BROKER_ERRORS } from './error-table-broker.js';

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
    meaning: 'The batch is larger than the topic or a broker accepts; metadata has the size and the limit.',
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
    action:
      'Send plain, gzip or zstd batches, without transactions; read compressed ones as RECORD_BATCHES, as the SDK does.',
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
    meaning:
      'Fewer replicas are in sync than the topic asks for, or the leader hears from no quorum of them.',
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
  BROKER_WRITE_BUFFER_FULL: {
    code: GRPC_CODE.RESOURCE_EXHAUSTED,
    outcome: 'NOT_APPLIED',
    retry: 'same_broker',
    meaning: 'As many bytes of all partitions wait for the disk of the broker as may.',
    action: 'Send again after a pause; send slower.',
  },
  UNANSWERED_BYTES_EXCEEDED: {
    code: GRPC_CODE.RESOURCE_EXHAUSTED,
    outcome: 'NOT_APPLIED',
    retry: 'same_broker',
    meaning: 'The broker holds as many bytes of unanswered writes as it may.',
    action: 'Send again after a pause; send slower.',
  },
  TOO_MANY_STREAMS: {
    code: GRPC_CODE.RESOURCE_EXHAUSTED,
    outcome: 'NOT_APPLIED',
    retry: 'same_broker',
    meaning: 'The broker serves as many streams of this kind as it may.',
    action: 'End streams that nobody uses; open it again after a pause.',
  },
  SEND_BUFFER_FULL: {
    code: GRPC_CODE.RESOURCE_EXHAUSTED,
    outcome: 'NOT_APPLIED',
    retry: 'same_broker',
    meaning: 'The buffer of the producer is full, and as many sends wait for room as may.',
    action: 'Await sends before further ones; see bufferBytes.',
  },
  SEND_TIMEOUT: {
    code: GRPC_CODE.DEADLINE_EXCEEDED,
    outcome: 'NOT_APPLIED',
    retry: 'same_broker',
    meaning: 'The record waited in the producer until its deadline and was not sent.',
    action: 'Send it again; if it lasts, send slower, or look whether the partition has a leader.',
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
    meaning:
      'The offset is below the log start or beyond the log end; metadata has both and the high watermark.',
    action: 'Ask for an offset between the two.',
  },
  OUT_OF_ORDER_SEQUENCE: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The batch does not follow the last one of its producer; metadata has the sequence expected.',
    action:
      'Send the batches before it first; after one whose fate is unknown go on in the next epoch, from 0.',
  },
  FENCED_PRODUCER: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The producer has written in a later epoch than that of the batch; metadata has it.',
    action: 'Go on in the epoch after that, from sequence 0, or call InitProducer for a new producer id.',
  },
  FENCED_TERM: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'refresh_metadata',
    meaning: 'The term that the caller expected is not the current one; metadata has the current one.',
    action: 'Look who leads now, and decide again.',
  },
  FENCED_GENERATION: {
    code: GRPC_CODE.FAILED_PRECONDITION,
    outcome: 'NOT_APPLIED',
    retry: 'never',
    meaning: 'The consumer group has a later generation in the partition; metadata has the stored one.',
    action:
      'Stop reading: another member has taken over, or an operator has reset the offset. Then join anew.',
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
  ...BROKER_ERRORS,
} as const satisfies Record<string, ErrorRow>;
