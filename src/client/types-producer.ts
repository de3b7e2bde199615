/** The SDK's public types of the producer. */
import type { BellwetherError } from '../errors.js';
import type { Acks, ProducerRecord } from './types-records.js';

/** How the records of a batch are compressed, by this process: brokers never look inside. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** Options of `client.producer`. */
export interface ProducerOptions {
  /** How much must have happened before a record is acknowledged. Default 'all'. */
  readonly acks?: Acks;
  /**
   * A batch is full at this size in bytes, before compression: 1024 to 1048576. Default 524288. One that is larger
   * than the `max_message_bytes` of its topic is divided, and those after it are made smaller for
   * five minutes; then this size is tried again.
   */
  readonly batchBytes?: number;
  /**
   * How long a batch that is not full waits for more records, in milliseconds: 0 to 60000. Default 0: it leaves
   * as soon as its leader is free to take it, so batches grow by themselves under load.
   */
  readonly lingerMs?: number;
  /** Bytes of records that wait or are under way at most: 1 MiB to 1 GiB. Default 32 MiB. */
  readonly bufferBytes?: number;
  /** From `send` to its outcome at most, in milliseconds, retries included: 1 to an hour. Default 30000. */
  readonly deliveryTimeoutMs?: number;
  /** Default 'none'. zstd needs a Node that has it (22.15 and later). */
  readonly compression?: Compression;
}

/** A record to send. */
export interface OutgoingRecord extends ProducerRecord {
  /** Default: by the key as Kafka does it (murmur2); without a key, the same partition for a whole batch. */
  readonly partition?: number | undefined;
}

/** Where a record stands. */
export interface RecordPlace {
  readonly partition: number;
  /** -1 with acks 0. */
  readonly offset: number;
  /** Term of the leader that appended it. */
  readonly term: number;
}

/** Where records stand that were sent together and came into one batch: at consecutive offsets. */
export interface AppendedRange {
  readonly partition: number;
  /** Offset of the first; -1 with acks 0. */
  readonly baseOffset: number;
  readonly recordCount: number;
  readonly term: number;
}

/** What became of records that were sent one behind the other, and have the same fate. */
export interface SettledRange {
  /** Undefined when no partition could be found for them. */
  readonly partition: number | undefined;
  /** Offset of the first, the others follow; -1 with acks 0 and with an error. */
  readonly baseOffset: number;
  readonly recordCount: number;
  /** 0 with an error. */
  readonly term: number;
  /** Why they were not acknowledged; its outcome says whether they may be in the log. Undefined when they were. */
  readonly error: BellwetherError | undefined;
}

/**
 * Sends records in batches, one stream to each leader, several batches of a partition in flight.
 *
 * The records of a partition come into the log in the order of the calls, over retries and failovers too, but for
 * those that are rejected. What certainly was not applied is sent again until `deliveryTimeoutMs`.
 */
export interface Producer {
  /**
   * Sends one record. Resolves once it is acknowledged. While the buffer is full it waits first, in turn.
   *
   * @throws BellwetherError SEND_BUFFER_FULL when too many calls wait already: await some of them.
   * @throws BellwetherError SEND_TIMEOUT, NO_LEADER, ...: NOT_APPLIED; see `error.outcome`.
   * @throws BellwetherError RECORD_BATCH_TOO_LARGE when the record alone is more than the topic takes: NOT_APPLIED.
   * @throws BellwetherError CONNECTION_LOST, LEADERSHIP_LOST, COMMIT_TIMEOUT, REQUEST_TIMEOUT: outcome UNKNOWN.
   */
  send(topic: string, record: OutgoingRecord): Promise<RecordPlace>;
  /** As `send`, but undefined instead of a wait when the record cannot be taken at once. */
  trySend(topic: string, record: OutgoingRecord): Promise<RecordPlace> | undefined;
  /**
   * Sends records with one promise for all of them: the fast way. Resolves with where they stand, once all are
   * acknowledged.
   *
   * @throws BellwetherError INVALID_REQUEST or RECORD_BATCH_TOO_LARGE, with `metadata.record`, for a record that no topic
   *   takes: none was sent.
   * @throws BellwetherError as `send`, of the first that failed: its outcome is that record's, and others may have been
   *   applied all the same. Use `sendAllSettled` to send again only what was not.
   */
  sendAll(topic: string, records: readonly OutgoingRecord[]): Promise<readonly AppendedRange[]>;
  /**
   * As `sendAll`, for who has to know what became of each record: resolves once all have their outcome, good or bad,
   * with a range for each stretch of them, in the order in which they were given. A record that cannot be sent does not
   * hold up those behind it.
   */
  sendAllSettled(topic: string, records: readonly OutgoingRecord[]): Promise<readonly SettledRange[]>;
  /** Sends what waits without lingering. Resolves once everything sent so far has its outcome, good or bad. */
  flush(): Promise<void>;
  /** Flushes, then ends the streams; later sends are refused. Idempotent. */
  close(): Promise<void>;
  /** Bytes of records that wait or are under way. */
  readonly bufferedBytes: number;
}

/** Who the batches of an idempotent producer are of. */
export interface ProducerIdentity {
  readonly producerId: number;
  /** The first epoch. The producer counts it up when it begins anew at sequence 0. */
  readonly producerEpoch: number;
}
