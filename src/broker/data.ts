/** Produce, fetch and where a partition begins and ends, as the broker answers them. */

import { BellwetherError } from '../errors.js';
import { validateRecordBatch } from '../records/batch-validate.js';
import type { Offset } from '../records/offset.js';
import type { Broker } from './broker.js';
import { LIMITS } from './limits.js';
import type { Acks, Fetched, PartitionHost, Produced } from './partition-host.js';
import type { ProducerIdentity } from './producer-ids.js';
import { notEnoughInSync } from './refusals.js';
import { configOf } from './topics.js';

export interface ProduceRequest {
  readonly topic: string;
  readonly partition: number;
  readonly acks: Acks;
  /** One Kafka v2 record batch; the leader stamps offset and term into these bytes. */
  readonly batch: Uint8Array;
}

/**
 * Appends one record batch to a partition that this broker leads; a batch of an idempotent producer once,
 * however often it comes. `appended` is called, perhaps before this returns, once the batch has its place in the
 * log: what is produced after that comes behind it.
 *
 * @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER, NO_LEADER, NOT_ENOUGH_REPLICAS,
 * UNCOMMITTED_BYTES_EXCEEDED, DISK_FULL, BROKER_WRITE_BUFFER_FULL, UNANSWERED_BYTES_EXCEEDED, OUT_OF_ORDER_SEQUENCE,
 * FENCED_PRODUCER (and as `confirmed` of reads.ts before these two), CORRUPT_RECORD_BATCH,
 * UNSUPPORTED_RECORD_BATCH, RECORD_BATCH_TOO_LARGE, COMMIT_TIMEOUT, LEADERSHIP_LOST.
 */
export async function produce(
  broker: Broker,
  request: ProduceRequest,
  timeoutMs: number,
  appended?: () => void,
): Promise<Produced> {
  broker.checkServing();
  broker.disk.checkRoom(broker.id);
  const assignment = broker.assignment(request.topic, request.partition);
  const config = configOf(broker, request.topic);
  const verdict = validateRecordBatch(request.batch, {
    batchBytesMax: Math.min(LIMITS.batchBytesMax, config.max_message_bytes),
    recordsMax: LIMITS.batchRecordsMax,
  });
  if (!verdict.ok) throw new BellwetherError(verdict.reason, verdict.message, { metadata: verdict.metadata });
  const deadlineMs = broker.clock.monotonicMs() + timeoutMs;
  return broker.streams.whileHeld(request.batch.length, async () => {
    const held = broker.heldWrites.hold(assignment.group, request.batch.length, timeoutMs);
    if (held !== undefined) {
      await held;
      broker.checkServing();
    }
    const partition = leaderReplica(broker, request.topic, request.partition);
    if (request.acks === 'all') checkInSync(broker, partition, config.min_insync_replicas);
    const leftMs = deadlineMs - broker.clock.monotonicMs();
    const produced = await partition.produce(request.batch, verdict.header, request.acks, leftMs, () => {
      broker.wake(partition.group);
      appended?.();
    });
    if (request.acks !== 'none') broker.leadership.acknowledged(partition.group.id, produced.term);
    return produced;
  });
}

/** Names a producer that may send its batches again. @throws BellwetherError NO_LEADER, COMMIT_TIMEOUT. */
export function initProducer(broker: Broker, timeoutMs: number): Promise<ProducerIdentity> {
  broker.checkServing();
  return broker.producerIds.take(timeoutMs);
}

/**
 * A produce with acks all is refused before it is appended while fewer replicas are in sync than the topic
 * asks for, as in Kafka. Of a partition with fewer replicas it asks for all of them.
 */
function checkInSync(broker: Broker, { assignment, group }: PartitionHost, asked: number): void {
  if (asked <= 1) return;
  const inSync = broker.table.leaderOf(group.id)?.inSyncReplicas.length ?? 0;
  const needed = Math.min(asked, group.raft.voters.length);
  if (inSync < needed) throw notEnoughInSync(assignment, inSync, needed);
}

export interface FetchRequest {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly bytesMax: number;
  readonly waitMs: number;
  readonly allowFollower: boolean;
}

/**
 * Reads committed record batches. A replica that does not lead serves what it knows to be committed when
 * the caller allows it, or when no leader is known: committed records never change.
 *
 * @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER, NO_LEADER, OFFSET_OUT_OF_RANGE.
 */
export async function fetch(broker: Broker, request: FetchRequest): Promise<Fetched> {
  broker.checkServing();
  const assignment = broker.assignment(request.topic, request.partition);
  const partition = broker.replica(assignment.group);
  const leader = broker.table.leaderOf(assignment.group);
  const elsewhereLed = leader !== undefined && leader.leader !== broker.id;
  if (partition === undefined || (elsewhereLed && !request.allowFollower)) {
    throw broker.elsewhere(assignment.group, assignment);
  }
  return partition.fetch(request.offset, request.bytesMax, request.waitMs);
}

/** Which offset of a partition is wanted: the log start offset, the high watermark, or that of a time. */
export type OffsetPosition = 'earliest' | 'latest' | { readonly timestampMs: number };

export interface ListedOffset {
  readonly offset: Offset;
  /** Term of the leader that answers. */
  readonly term: number;
  /** Of the record found by its time; undefined when there is none as young, or none was asked for. */
  readonly timestampMs?: number | undefined;
}

/**
 * Tells where a partition that this broker leads can be read from. All but the earliest offset is linearizable.
 *
 * @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER, NO_LEADER, NOT_ENOUGH_REPLICAS,
 * TOO_MANY_READS, REQUEST_TIMEOUT.
 */
export async function listOffset(
  broker: Broker,
  request: { readonly topic: string; readonly partition: number; readonly at: OffsetPosition },
  timeoutMs: number,
): Promise<ListedOffset> {
  broker.checkServing();
  const { topic, partition, at } = request;
  if (at === 'earliest') {
    const replica = leaderReplica(broker, topic, partition);
    return { offset: replica.log.logStartOffset, term: replica.group.raft.term };
  }
  const replica = await confirmLeadership(broker, topic, partition, timeoutMs);
  const { term } = replica.group.raft;
  const found = at === 'latest' ? undefined : await replica.firstAtTime(at.timestampMs);
  return { offset: found?.offset ?? replica.log.highWatermark, term, timestampMs: found?.timestampMs };
}

/** The replica of a partition that this broker leads, once a quorum has confirmed that it does. */
export async function confirmLeadership(
  broker: Broker,
  topic: string,
  partition: number,
  timeoutMs: number,
): Promise<PartitionHost> {
  const replica = leaderReplica(broker, topic, partition);
  await replica.confirmLeadership(timeoutMs, () => {
    broker.wake(replica.group);
  });
  return replica;
}

/** The replica of a partition that this broker leads. @throws BellwetherError NOT_LEADER or NO_LEADER */
export function leaderReplica(broker: Broker, topic: string, partition: number): PartitionHost {
  const assignment = broker.assignment(topic, partition);
  const replica = broker.replica(assignment.group);
  if (replica?.leads !== true) throw broker.elsewhere(assignment.group, assignment);
  return replica;
}
