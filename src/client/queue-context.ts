/** What the queues of one producer share: its settings, and what they ask of it. */
import type { Acks } from '../../gen/bellwether/v1/log_service.js';
import type { BellwetherError } from '../errors.js';
import type { BatchMemory } from '../records/batch-builder.js';
import type { Asked, Attempt } from './attempt.js';
import type { Compressor } from './compression.js';
import type { PendingBatch } from './pending-batch.js';
import type { ProduceStream } from './produce-stream.js';
import type { Effect } from './retry-policy.js';
import type { Route } from './retry.js';
import type { PartitionRef } from './types-base.js';

/** The batches of one partition, as those see them who have it send. */
export interface Pumped {
  readonly ref: PartitionRef;
  /** Sends what may be sent now. */
  pump(): void;
  /** `batch` has lingered for long enough. */
  ripen(batch: PendingBatch): void;
}

/** Settings and services of the producer whose queue it is. */
export interface QueueContext {
  readonly acks: Acks;
  readonly batchBytes: number;
  readonly memory: BatchMemory;
  readonly deliveryTimeoutMs: number;
  readonly lingers: boolean;
  /** Batches of one partition in flight at most; brokers know the last 5 of an idempotent producer again. */
  readonly inFlightMax: number;
  readonly compressor: Compressor | undefined;
  /** Undefined for a producer that is not idempotent. */
  readonly producerId: ((used: number | undefined) => Promise<number>) | undefined;
  isClosed(): boolean;
  routeTo(ref: PartitionRef): Route;
  openStream(address: string, timeoutMs: number): Promise<ProduceStream>;
  beginAttempt(asked: Asked, effect: Effect): Attempt;
  endAttempt(attempt: Attempt): void;
  sleep(pauseMs: number): Promise<void>;
  /** Told before something is sent again why, and for which batch first. */
  retried(error: BellwetherError, oldest: PendingBatch | undefined): void;
  /** The queue is to be pumped once `stream` has room; `canGrow` as there. */
  whenRoom(stream: ProduceStream, queue: Pumped, canGrow: boolean): void;
  /** A batch begins; there is something to do for `queue` soon. */
  began(queue: Pumped, batch: PendingBatch): void;
  /** A batch takes no more records. */
  sealed(queue: Pumped): void;
  settled(batch: PendingBatch): void;
}
