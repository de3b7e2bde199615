/** The producer: takes records, puts them into the batches of their partitions, and keeps the bounds. */
import type { BellwetherError } from '../errors.js';
import type { LogRecord } from '../records/log-record.js';
import { RecycledMemory } from './batch-memory.js';
import { checkList, checkText } from './checked-argument.js';
import { checkedOption, checkNames, isObject } from './checked-option.js';
import { compressorFor } from './compression.js';
import { toWireAcks } from './convert.js';
import { initProducer } from './init-producer.js';
import { LeaderStreams } from './leader-streams.js';
import { closedError } from './lifetime.js';
import type { Lifetime } from './lifetime.js';
import { partitionName } from './metadata-cache.js';
import { checkedPartition, memoryOf, toLogRecord, toLogRecords } from './outgoing.js';
import { PartitionQueue } from './partition-queue.js';
import type { PendingBatch } from './pending-batch.js';
import type { Pumped, QueueContext } from './queue-context.js';
import { SendBuffer } from './send-buffer.js';
import { isNext, place, rangesOf, SentRuns } from './sent-runs.js';
import type { Run } from './sent-runs.js';
import type { Taken } from './send-buffer.js';
import type { Session } from './session.js';
import { TIMEOUT_MAX_MS } from './call-options.js';
import { TopicPartitioners } from './topic-partitioners.js';
import type {
  AppendedRange,
  OutgoingRecord,
  Producer,
  ProducerIdentity,
  ProducerOptions,
  RecordPlace,
  SettledRange,
} from './types-producer.js';
import type { PartitionRef } from './types-base.js';

/** How often deadlines are looked at, in milliseconds, while anything has no outcome. */
const DEADLINE_LOOK_MS = 100;

/** Batches of one partition in flight at most: a broker knows so many of an idempotent producer again. */
const IN_FLIGHT_MAX = 5;

const KIB = 1024;
const MIB = 1024 * KIB;

const OPTIONS = {
  acks: true,
  batchBytes: true,
  lingerMs: true,
  bufferBytes: true,
  deliveryTimeoutMs: true,
  compression: true,
} as const;

/** @throws BellwetherError INVALID_REQUEST when an option is unknown or out of its bounds. */
export function createProducer(session: Session, options: ProducerOptions = {}): Producer {
  checkNames('producer', options, OPTIONS);
  return new BatchingProducer(session, options);
}

class BatchingProducer implements Producer {
  readonly #session: Session;
  readonly #lifetime: Lifetime;
  readonly #streams: LeaderStreams;
  readonly #buffer: SendBuffer;
  readonly #topics: TopicPartitioners;
  readonly #context: QueueContext;
  readonly #lingerMs: number;
  readonly #deliveryTimeoutMs: number;
  readonly #queues = new Map<string, PartitionQueue>();
  /** Queues to be pumped once this turn of the event loop is over, when all of its records are in. */
  readonly #touched = new Set<Pumped>();
  #pumps = false;
  #id: Promise<ProducerIdentity> | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(session: Session, options: ProducerOptions) {
    const { acks = 'all', batchBytes = 512 * KIB, lingerMs = 0, bufferBytes = 32 * MIB } = options;
    this.#lingerMs = checkedOption('lingerMs', lingerMs, 0, 60_000);
    this.#deliveryTimeoutMs = checkedOption(
      'deliveryTimeoutMs',
      options.deliveryTimeoutMs ?? 30_000,
      1,
      TIMEOUT_MAX_MS,
    );
    this.#buffer = new SendBuffer(checkedOption('bufferBytes', bufferBytes, MIB, 1024 * MIB));
    this.#session = session;
    this.#lifetime = session.beginLifetime(undefined);
    this.#streams = new LeaderStreams(this.#lifetime, (address, timeoutMs) =>
      session.dial(address, timeoutMs),
    );
    this.#topics = new TopicPartitioners(
      session,
      (ref) => this.#queues.get(partitionName(ref))?.batchCount ?? 0,
      () => this.#buffer.admit(),
    );
    this.#context = {
      acks: toWireAcks(acks),
      batchBytes: checkedOption('batchBytes', batchBytes, KIB, MIB),
      memory: new RecycledMemory(batchBytes),
      deliveryTimeoutMs: this.#deliveryTimeoutMs,
      lingers: lingerMs > 0,
      inFlightMax: IN_FLIGHT_MAX,
      compressor: compressorFor(options.compression ?? 'none'),
      producerId: acks === 'all' ? (used) => this.#producerId(used) : undefined,
      ...this.#services(),
    };
    this.#lifetime.onClose(() => this.#abandon());
  }

  get bufferedBytes(): number {
    return this.#buffer.bytes;
  }

  async send(topic: string, record: OutgoingRecord): Promise<RecordPlace> {
    this.#checkSend(topic);
    return place(await this.#takeInTurn(topic, toLogRecord(record), record.partition));
  }

  trySend(topic: string, record: OutgoingRecord): Promise<RecordPlace> | undefined {
    this.#checkSend(topic);
    const taken = this.#buffer.isWaitedFor
      ? undefined
      : this.#take(topic, toLogRecord(record), record.partition);
    return taken === undefined ? undefined : place(taken);
  }

  async sendAll(topic: string, records: readonly OutgoingRecord[]): Promise<readonly AppendedRange[]> {
    checkList('records', records);
    checkText('topic', topic);
    const runs: Run[] = [];
    for (const [index, record] of toLogRecords(records).entries()) {
      const named = records[index]?.partition;
      const taken = this.#takeAtOnce(topic, record, named) ?? (await this.#takeInTurn(topic, record, named));
      const run = runs.findLast(({ batch }) => batch === taken.batch);
      if (run !== undefined && isNext(run, taken)) run.count += 1;
      else runs.push({ ...taken, count: 1 });
    }
    return (await Promise.all(runs.map(rangesOf))).flat();
  }

  async sendAllSettled(topic: string, records: readonly OutgoingRecord[]): Promise<readonly SettledRange[]> {
    checkList('records', records);
    checkText('topic', topic);
    const runs = new SentRuns();
    for (const record of records) {
      try {
        const logRecord = toLogRecord(record);
        const { partition } = record;
        runs.taken(
          this.#takeAtOnce(topic, logRecord, partition) ??
            (await this.#takeInTurn(topic, logRecord, partition)),
        );
      } catch (error) {
        runs.refused(isObject(record) ? record.partition : undefined, error);
      }
    }
    return runs.settled();
  }

  async flush(): Promise<void> {
    while (this.#buffer.isWaitedFor || this.#buffer.batches.length > 0) {
      const batches = this.#buffer.batches;
      this.#sealAll();
      await Promise.allSettled(batches.map(({ settled }) => settled));
      if (!this.#buffer.isWaitedFor) return;
      await this.#lifetime.sleep(1); // Those that waited are let in as the buffer empties.
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.flush().finally(() => {
      this.#streams.end();
      this.#lifetime.close();
    });
    return this.#closing;
  }

  /** Puts a record into its batch; undefined when there is no room, or its topic is not known yet. */
  #take(topic: string, record: LogRecord, named: number | undefined): Taken | undefined {
    const bytes = memoryOf(record);
    if (!this.#buffer.hasRoom(bytes)) return undefined;
    const partition =
      named === undefined ? this.#topics.partitionOf(topic, record.key) : checkedPartition(named);
    if (partition === undefined) return undefined;
    const batch = this.#queueOf({ topic, partition }).append(record, performance.now());
    this.#buffer.add(batch, bytes);
    return { partition, batch, index: batch.recordCount - 1 };
  }

  /** As `#take`, unless others wait already. */
  #takeAtOnce(topic: string, record: LogRecord, named: number | undefined): Taken | undefined {
    this.#checkSend(topic);
    return this.#buffer.isWaitedFor ? undefined : this.#take(topic, record, named);
  }

  async #takeInTurn(topic: string, record: LogRecord, named: number | undefined): Promise<Taken> {
    this.#checkSend(topic);
    const take = (): Taken | undefined => this.#take(topic, record, named);
    const taken = this.#buffer.isWaitedFor ? undefined : take();
    if (taken !== undefined) return taken;
    this.#lookAtDeadlines();
    return this.#buffer.wait(take, performance.now() + this.#deliveryTimeoutMs);
  }

  /** One id for all partitions, and another one when one of them has used up the epochs of `used`. */
  async #producerId(used: number | undefined): Promise<number> {
    this.#id ??= initProducer(this.#session, undefined);
    try {
      const { producerId } = await this.#id;
      if (producerId !== used) return producerId;
    } catch (error) {
      this.#id = undefined;
      throw error;
    }
    this.#id = undefined;
    return this.#producerId(used);
  }

  #queueOf(ref: PartitionRef): PartitionQueue {
    const name = partitionName(ref);
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const queue = new PartitionQueue(ref, this.#context);
    this.#queues.set(name, queue);
    return queue;
  }

  #checkSend(topic: string): void {
    checkText('topic', topic);
    if (this.#lifetime.closed && this.#closing === undefined) throw closedError();
    if (this.#closing !== undefined) throw closedError('producer');
  }

  /** What the queues ask of this producer. */
  #services() {
    const session = this.#session;
    const streams = this.#streams;
    const lifetime = this.#lifetime;
    return {
      isClosed: () => lifetime.closed,
      routeTo: (ref: PartitionRef) => session.leaderOf(ref),
      openStream: (address: string, timeoutMs: number) => streams.open(address, timeoutMs),
      beginAttempt: (...[asked, effect]: Parameters<QueueContext['beginAttempt']>) =>
        session.beginAttempt(asked, effect),
      endAttempt: (attempt: Parameters<QueueContext['endAttempt']>[0]) => session.endAttempt(attempt),
      sleep: (pauseMs: number) => lifetime.sleep(pauseMs),
      retried: (error: BellwetherError, oldest: PendingBatch | undefined) => {
        if (oldest !== undefined) session.retried(error, performance.now() - oldest.createdMs);
      },
      whenRoom: (...[stream, queue, canGrow]: Parameters<QueueContext['whenRoom']>) =>
        streams.whenRoom(stream, queue, canGrow),
      began: (queue: Pumped, batch: PendingBatch) => this.#began(queue, batch),
      sealed: (queue: Pumped) => this.#topics.sealed(queue.ref),
      settled: (batch: PendingBatch) => this.#buffer.release(batch),
    };
  }

  #began(queue: Pumped, batch: PendingBatch): void {
    this.#lookAtDeadlines();
    this.#touch(queue);
    if (this.#lingerMs === 0) return;
    setTimeout(() => {
      queue.ripen(batch);
      queue.pump();
    }, this.#lingerMs);
  }

  #touch(queue: Pumped): void {
    this.#touched.add(queue);
    if (this.#pumps) return;
    this.#pumps = true;
    // A record alone leaves once the caller and the promises at hand are done. Those behind it wait for a turn of the
    // event loop, in which more of them may come together.
    if (this.#buffer.bytes === 0) process.nextTick(() => this.#pump());
    else setImmediate(() => this.#pump());
  }

  #pump(): void {
    this.#pumps = false;
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const each of touched) each.pump();
  }

  #sealAll(): void {
    for (const queue of this.#queues.values()) {
      queue.seal();
      queue.pump();
    }
  }

  #lookAtDeadlines(): void {
    this.#deadlineTimer ??= setTimeout(() => {
      this.#deadlineTimer = undefined;
      const nowMs = performance.now();
      this.#buffer.expire(nowMs);
      for (const queue of this.#queues.values()) queue.expire(nowMs);
      if (this.#buffer.bytes > 0 || this.#buffer.isWaitedFor) this.#lookAtDeadlines();
    }, DEADLINE_LOOK_MS);
  }

  /** The client is closed. */
  #abandon(): void {
    clearTimeout(this.#deadlineTimer);
    this.#buffer.refuse(closedError());
    for (const queue of this.#queues.values()) queue.abandon(closedError());
  }
}
