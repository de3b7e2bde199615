/** Concurrent clients of a simulated cluster: they produce unique values, consume, commit, and move leaders. */

import type { Broker } from '../broker/broker.js';
import { fetch, type FetchRequest } from '../broker/data.js';
import { commitOffsets } from '../broker/offsets.js';
import { LIMITS } from '../broker/limits.js';
import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import { decodeRecordBatch } from '../records/batch-decode.js';
import type { ClientSafety } from './checkers/client-safety.js';
import { CONSUMER_GROUP, valueOf } from './checkers/log-matching.js';
import type { ClientPort } from './client-port.js';
import type { Operation, ReadRecord } from '../history/types.js';
import { Producers, TOPIC } from './producers.js';
import type { Random } from './random.js';
import { Reader } from './reader.js';
import { TopicChurn } from './topic-churn.js';

const COMMIT_TIMEOUT_MS = 1_000;
const FETCH_WAIT_MS = 200;
/** Clients that ask for the ends of partitions, and their mean pause. */
const READERS = 3;
const READ_PAUSE_MS = 30;
/** One of so many producers is not idempotent. */
const PRODUCERS_TO_PLAIN_ONE = 3;
const POLL_BYTES = 16_384;
const READ_BYTES = 1_000_000;

export interface ClientOptions {
  readonly producers: number;
  readonly consumers: number;
  readonly partitions: number;
  /** Mean pause between two operations of one client. */
  readonly pauseMs: number;
  /** Mean pause between two PartitionFailover calls; Infinity for none. */
  readonly failoverPauseMs: number;
  /** Mean pause between two creations, deletions of topics, or writes to them; Infinity for none. */
  readonly topicPauseMs: number;
  /** Largest padding of a record's value. */
  readonly paddingBytesMax: number;
}

export class Clients {
  readonly history: Operation[] = [];
  /** Calls of PartitionFailover that moved a leader. */
  moves = 0;
  readonly #options: ClientOptions;
  readonly #port: ClientPort;
  readonly #random: Random;
  readonly #brokers: readonly BrokerId[];
  readonly #safety: ClientSafety;
  readonly #reader: Reader;
  readonly #producers: Producers;
  readonly #churn: TopicChurn;
  readonly #onDefect: (error: unknown) => void;
  #stopped = false;

  constructor(
    options: ClientOptions,
    port: ClientPort,
    random: Random,
    brokers: readonly BrokerId[],
    safety: ClientSafety,
    onDefect: (error: unknown) => void,
  ) {
    this.#options = options;
    this.#port = port;
    this.#random = random;
    this.#brokers = brokers;
    this.#safety = safety;
    this.#reader = new Reader(port, safety, TOPIC);
    this.#churn = new TopicChurn(port, random.fork(), brokers);
    this.#producers = new Producers(port, random, safety, this.history, options.paddingBytesMax, onDefect);
    this.#onDefect = onDefect;
  }

  start(): void {
    const { producers, consumers } = this.#options;
    for (let i = 0; i < producers; i++) this.#spawn(this.#produceLoop(i));
    for (let i = 0; i < consumers; i++) this.#spawn(this.#consumeLoop(producers + i));
    for (let i = 0; i < READERS; i++) this.#spawn(this.#readLoop());
    if (this.#options.topicPauseMs < Infinity) this.#spawn(this.#churn.loop(this.#options.topicPauseMs));
    if (this.#options.failoverPauseMs < Infinity) this.#spawn(this.#failoverLoop());
  }

  stop(): void {
    this.#stopped = true;
    this.#producers.stop();
    this.#churn.stop();
  }

  #spawn(loop: Promise<void>): void {
    loop.catch(this.#onDefect);
  }

  async #pause(meanMs: number): Promise<void> {
    await this.#port.sleep(this.#random.exponential(meanMs));
  }

  /** Asks any broker for the end of any partition: now and then one that led a moment ago. */
  async #readLoop(): Promise<void> {
    while (!this.#stopped) {
      await this.#pause(READ_PAUSE_MS);
      const partition = this.#random.below(this.#options.partitions);
      await this.#reader.latest(this.#random.pick(this.#brokers), partition);
    }
  }

  async #produceLoop(process: number): Promise<void> {
    const isIdempotent = process % PRODUCERS_TO_PLAIN_ONE !== 0;
    while (!this.#stopped) {
      await this.#pause(this.#options.pauseMs);
      if (isIdempotent && !(await this.#producers.identify(process, this.#brokers))) continue;
      await this.send(process, this.#random.below(this.#options.partitions));
    }
  }

  /** As `Producers.send`. */
  send(process: number, partition: number, brokers = this.#brokers): Promise<boolean> {
    return this.#producers.send(process, partition, brokers);
  }

  async #consumeLoop(process: number): Promise<void> {
    const partition = process % this.#options.partitions;
    let from = 0;
    while (!this.#stopped) {
      await this.#pause(this.#options.pauseMs);
      const next = await this.#poll(process, partition, from);
      if (next > from && this.#random.chance(0.3)) await this.#commit(partition, next);
      from = next;
      if (this.#random.chance(0.1)) await this.#reader.committed(this.#random.pick(this.#brokers), partition);
    }
  }

  /** The committed offset of a partition, as any broker tells it; undefined when it does not answer. */
  committedOffset(via: BrokerId, partition: number): Promise<{ offset: number | undefined } | undefined> {
    return this.#reader.committed(via, partition);
  }

  async #poll(process: number, partition: number, from: number): Promise<number> {
    const allowFollower = this.#random.chance(0.3);
    const waitMs = FETCH_WAIT_MS;
    const request = { topic: TOPIC, partition, offset: from, waitMs, allowFollower, bytesMax: POLL_BYTES };
    try {
      return from + (await this.#fetch(process, this.#random.pick(this.#brokers), request)).length;
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      const start = this.startOf(partition, error);
      if (start === undefined || start <= from) return from;
      const atMs = this.#port.nowMs;
      const key = String(partition);
      this.history.push({ kind: 'assign', process, key, invokedAtMs: atMs, completedAtMs: atMs });
      return start;
    }
  }

  /** Where a partition begins, when an error says that an offset is not in it. */
  startOf(partition: number, error: BellwetherError): number | undefined {
    if (error.reason !== 'OFFSET_OUT_OF_RANGE') return undefined;
    const start = Number(error.metadata['log_start_offset']);
    this.#safety.beginsAt(partition, start);
    return start;
  }

  /** What clients saw, without acknowledged records that are deleted and that nobody has read. */
  get livingHistory(): Operation[] {
    const read = new Set<number>();
    for (const operation of this.history) {
      if (operation.kind === 'poll') for (const [, value] of operation.records) read.add(value);
    }
    return this.history.filter((operation) => {
      if (operation.kind !== 'send' || operation.offset === undefined) return true;
      return operation.offset >= this.#safety.mayBeginAt(Number(operation.key)) || read.has(operation.value);
    });
  }

  /** What one replica serves from an offset on. Rejects with a BellwetherError. */
  readOn(process: number, partition: number, via: BrokerId, from: number): Promise<ReadRecord[]> {
    const request = { topic: TOPIC, partition, offset: from, waitMs: 0, allowFollower: true };
    return this.#fetch(process, via, { ...request, bytesMax: READ_BYTES });
  }

  async #fetch(process: number, via: BrokerId, request: FetchRequest): Promise<ReadRecord[]> {
    const { partition, offset: from, waitMs } = request;
    const invokedAtMs = this.#port.nowMs;
    const fetched = await this.#withHint(via, waitMs, (broker) => fetch(broker, request));
    const records = fetched.batches
      .flatMap((batch) => decodeRecordBatch(batch))
      .filter(({ offset }) => offset >= from)
      .map(({ offset, value }) => [offset, valueOf(value)] as const);
    this.#safety.fetched(partition, from, records, fetched.highWatermark);
    const completedAtMs = this.#port.nowMs;
    const key = String(partition);
    this.history.push({
      kind: 'poll',
      process,
      key,
      invokedAtMs,
      completedAtMs,
      outcome: 'ok',
      from,
      records,
    });
    return records;
  }

  /** A call that is sent once more where the hint points. */
  async #withHint<T>(to: BrokerId, timeoutMs: number, serve: (broker: Broker) => Promise<T>): Promise<T> {
    try {
      return await this.#port.call(to, timeoutMs, serve);
    } catch (error) {
      const hint = error instanceof BellwetherError ? error.leaderHint : undefined;
      if (hint === undefined) throw error;
      return this.#port.call(hint.leader, timeoutMs, serve);
    }
  }

  async #commit(partition: number, offset: number): Promise<void> {
    const offsets = [{ topic: TOPIC, partition, offset }];
    this.#safety.offsetTried(partition, offset);
    try {
      await this.#port.call(this.#random.pick(this.#brokers), COMMIT_TIMEOUT_MS, (broker) =>
        commitOffsets(broker, CONSUMER_GROUP, offsets, COMMIT_TIMEOUT_MS),
      );
      this.#safety.offsetAcknowledged(partition, offset);
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      if (error.outcome !== 'NOT_APPLIED') this.#safety.offsetUnsure(partition);
    }
  }

  async #failoverLoop(): Promise<void> {
    while (!this.#stopped) {
      await this.#pause(this.#options.failoverPauseMs);
      const partition = this.#random.below(this.#options.partitions);
      const via = this.#random.pick(this.#brokers);
      const failedLeader = this.#random.pick(this.#brokers);
      const request = {
        failedLeader,
        expectedTerm: undefined,
        target: this.#random.chance(0.3) ? this.#random.pick(this.#brokers) : undefined,
        maxBlockMs: LIMITS.maxBlockMsDefault,
        dryRun: false,
      };
      try {
        const { outcome } = await this.#port.call(via, 2_000, (broker) =>
          broker.failover.run(broker.assignment(TOPIC, partition), request, 2_000),
        );
        if (outcome === 'MOVED') this.moves += 1;
      } catch (error) {
        if (!(error instanceof BellwetherError)) throw error;
      }
    }
  }
}
