/**
 * The batches of one partition: one that grows, those that wait, and those in flight. Keeps their order over
 * retries: after a failure nothing new is sent until every batch in flight has its answer; then those that may be
 * sent again go first, in order.
 */
import { BellwetherError } from '../errors.js';
import type { LogRecord } from '../records/log-record.js';
import { fromServiceError } from '../wire/status.js';
import type { Asked, Attempt } from './attempt.js';
import { closedError } from './lifetime.js';
import { BatchBound } from './batch-bound.js';
import { acceptableBytes, canSplit, namesLimit } from './batch-split.js';
import { PendingBatch } from './pending-batch.js';
import type { Answer, ProduceStream } from './produce-stream.js';
import { ProducerSequence } from './producer-sequence.js';
import type { Pumped, QueueContext } from './queue-context.js';
import type { Route } from './retry.js';
import { HOPS_WITHOUT_PAUSE_MAX, isElsewhereAtOnce, maySendAgain, pauseMs } from './retry-policy.js';
import type { Effect } from './retry-policy.js';
import { sendTimeout, verdict } from './send-errors.js';
import type { PartitionRef } from './types-base.js';

/** Longest wait for a commit that a broker takes, in milliseconds. */
const COMMIT_WAIT_MAX_MS = 30_000;

/** How long after its deadline a batch in flight may still be answered, in milliseconds: its broker knows the deadline. */
const ANSWER_GRACE_MS = 500;

interface Flight {
  readonly batch: PendingBatch;
  readonly attempt: Attempt;
  isOver: boolean;
}

export class PartitionQueue implements Pumped {
  readonly ref: PartitionRef;
  readonly #context: QueueContext;
  readonly #effect: Effect;
  #open: PendingBatch | undefined;
  #isRipe = false;
  #waiting: PendingBatch[] = [];
  readonly #inFlight: Flight[] = [];
  #failed: PendingBatch[] = [];
  /** Of those since the last batch that was acknowledged. */
  #lastFailure: BellwetherError | undefined;
  /** A batch that had its place in the sequence was given up: those behind it are refused until the next epoch. */
  #hasGap = false;
  #sequence: ProducerSequence | undefined;
  #usedId: number | undefined;
  #route: Route | undefined;
  #leader: { readonly stream: ProduceStream; readonly asked: Asked } | undefined;
  /** True while the leader is being found, or a pause before that goes on. */
  #isFinding = false;
  #isPreparing = false;
  #hops = 0;
  #pauses = 0;
  #serial = 0;
  readonly #bound: BatchBound;

  constructor(ref: PartitionRef, context: QueueContext) {
    this.ref = ref;
    this.#context = context;
    this.#bound = new BatchBound(context.batchBytes);
    this.#effect = context.producerId === undefined ? 'write' : 'idempotent_write';
  }

  /** Batches without an outcome, oldest first. */
  get batches(): PendingBatch[] {
    const open = this.#open === undefined ? [] : [this.#open];
    return [...this.#inFlight.map(({ batch }) => batch), ...this.#failed, ...this.#waiting, ...open];
  }

  get batchCount(): number {
    return this.#inFlight.length + this.#failed.length + this.#waiting.length + (this.#open ? 1 : 0);
  }

  /** Appends to the batch that grows, or begins one. */
  append(record: LogRecord, nowMs: number): PendingBatch {
    if (this.#open?.tryAppend(record) === true) return this.#open;
    this.seal();
    const { memory, deliveryTimeoutMs } = this.#context;
    const bytesMax = this.#bound.at(nowMs);
    const batch = new PendingBatch(this.#serial, bytesMax, memory, nowMs, nowMs + deliveryTimeoutMs);
    this.#serial += 1;
    batch.tryAppend(record);
    this.#open = batch;
    this.#isRipe = !this.#context.lingers;
    this.#context.began(this, batch);
    return batch;
  }

  ripen(batch: PendingBatch): void {
    if (this.#open === batch) this.#isRipe = true;
  }

  /** The batch that grows takes no more records. */
  seal(): void {
    if (this.#open === undefined) return;
    this.#waiting.push(this.#open);
    this.#open = undefined;
    this.#context.sealed(this);
  }

  pump(): void {
    while (this.#mayAdvance()) {
      const canGrow = this.#waiting.length === 0;
      const stream = this.#leader?.stream;
      if (stream?.isOpen !== true || this.#needsId()) {
        void this.#findLeader();
        return;
      }
      if (!stream.hasRoom(canGrow)) {
        this.#context.whenRoom(stream, this, canGrow);
        return;
      }
      if (canGrow) this.seal();
      const batch = this.#waiting[0];
      if (batch === undefined || this.#prepares(batch)) return;
      this.#waiting.shift();
      this.#send(batch);
    }
  }

  /** Gives up what is past its deadline. */
  expire(nowMs: number): void {
    const late = (batch: PendingBatch): boolean => batch.deadlineMs <= nowMs;
    if (this.#open !== undefined && late(this.#open)) this.seal();
    for (const batch of this.#waiting.filter(late))
      this.#giveUp(batch, sendTimeout(this.ref, this.#lastFailure));
    this.#waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
    for (const flight of [...this.#inFlight]) {
      if (flight.batch.deadlineMs + ANSWER_GRACE_MS > nowMs) continue;
      const message = `no answer came from ${flight.attempt.asked.address} before the deadline`;
      this.#answered(flight, { ok: false, error: new BellwetherError('REQUEST_TIMEOUT', message) });
    }
  }

  /** Gives up all that is not in flight. */
  abandon(error: BellwetherError): void {
    this.seal();
    for (const batch of this.#waiting.splice(0)) this.#giveUp(batch, error);
  }

  #mayAdvance(): boolean {
    if (this.#isFinding || this.#isPreparing || this.#failed.length > 0) return false;
    if (this.#hasGap && this.#inFlight.length > 0) return false;
    if (this.#hasGap) this.#bridgeGap();
    if (this.#waiting.length === 0 && (this.#open === undefined || !this.#isRipe)) return false;
    return this.#inFlight.length < this.#context.inFlightMax;
  }

  #needsId(): boolean {
    return this.#context.producerId !== undefined && this.#sequence === undefined;
  }

  /** True while `batch` is being compressed. */
  #prepares(batch: PendingBatch): boolean {
    const preparing = batch.prepare(this.#context.compressor);
    if (preparing === undefined) return false;
    this.#isPreparing = true;
    void preparing.then(() => {
      this.#isPreparing = false;
      this.pump();
    });
    return true;
  }

  #send(batch: PendingBatch): void {
    if (this.#leader === undefined) return;
    const { stream, asked } = this.#leader;
    if (this.#sequence !== undefined) batch.producer ??= this.#sequence.take(batch.recordCount);
    const attempt = this.#context.beginAttempt(asked, this.#effect);
    const flight: Flight = { batch, attempt, isOver: false };
    this.#inFlight.push(flight);
    attempt.onGivenUp(() => {
      const error = attempt.lost(true);
      if (error !== undefined) this.#answered(flight, { ok: false, error });
    });
    const leftMs = Math.floor(batch.deadlineMs - performance.now());
    const timeoutMs = Math.min(Math.max(leftMs, 1), COMMIT_WAIT_MAX_MS);
    const { acks } = this.#context;
    stream.send({ ...this.ref, acks, ...batch.take(), timeoutMs }, (answer) =>
      this.#answered(flight, answer),
    );
  }

  #answered(flight: Flight, answer: Answer): void {
    if (flight.isOver) return; // It was given up, and its broker answered all the same.
    flight.isOver = true;
    this.#context.endAttempt(flight.attempt);
    this.#inFlight.splice(this.#inFlight.indexOf(flight), 1);
    if (answer.ok) {
      this.#hops = 0;
      this.#pauses = 0;
      this.#lastFailure = undefined;
      flight.batch.resolve(answer);
      this.#context.settled(flight.batch);
    } else {
      this.#failedWith(flight, answer.error);
    }
    if (this.#failed.length > 0 && this.#inFlight.length === 0) void this.#recover();
    else this.pump();
  }

  #failedWith({ batch, attempt }: Flight, error: BellwetherError): void {
    if (error.outcome === 'UNKNOWN') batch.doubt ??= error;
    else batch.refusal = error;
    this.#lastFailure = error;
    this.#route?.failed(attempt.asked.address, error);
    const mayGo = maySendAgain(error, this.#effect) || this.#isBehindAnother(error) || canSplit(batch, error);
    if (mayGo && !this.#context.isClosed() && batch.deadlineMs > performance.now()) this.#failed.push(batch);
    else this.#giveUp(batch, error);
  }

  /** True when a batch was refused only because one before it had been. */
  #isBehindAnother({ reason }: { readonly reason: string }): boolean {
    return reason === 'OUT_OF_ORDER_SEQUENCE' && (this.#failed.length > 0 || this.#hasGap);
  }

  #giveUp(batch: PendingBatch, error: BellwetherError): void {
    if (batch.producer !== undefined) this.#hasGap = true;
    batch.reject(verdict(batch, error));
    this.#context.settled(batch);
  }

  /** Begins the next epoch. What may be in the log under the old one must not be sent under the new one. */
  #bridgeGap(): void {
    this.#hasGap = false;
    if (this.#sequence?.bump() !== true) this.#sequence = undefined;
    for (const batch of this.#waiting) {
      if (batch.doubt !== undefined) this.#giveUp(batch, batch.doubt);
      batch.producer = undefined;
    }
    this.#waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
    this.#hasGap = false;
  }

  /** Every batch in flight has its answer: those that failed wait again, before all others. */
  async #recover(): Promise<void> {
    const failed = this.#failed.sort((a, b) => a.serial - b.serial);
    this.#failed = [];
    const again = failed.flatMap((batch) => this.#divided(batch));
    this.#waiting = [...again, ...this.#waiting];
    // None is in flight: those that wait are all that there is, but for the one that grows.
    for (const batch of this.batches) batch.serial = this.#serial++;
    this.#leader = undefined;
    if (again.length === failed.length) await this.#pauseAfter(this.#lastFailure);
    this.pump();
  }

  /** The batch, or if it was refused as too large, its parts. */
  #divided(batch: PendingBatch): readonly PendingBatch[] {
    const { refusal } = batch;
    if (refusal === undefined || !canSplit(batch, refusal)) return [batch];
    const bytesMax = acceptableBytes(batch, refusal);
    if (namesLimit(refusal)) this.#bound.refused(bytesMax, performance.now());
    void batch.settled.then(() => this.#context.settled(batch));
    return batch.split(bytesMax);
  }

  /** A pause, unless another broker may know better at once. */
  async #pauseAfter(error: BellwetherError | undefined): Promise<void> {
    if (error !== undefined) this.#context.retried(error, this.batches[0]);
    if (error !== undefined && isElsewhereAtOnce(error) && this.#hops < HOPS_WITHOUT_PAUSE_MAX) {
      this.#hops += 1;
      return;
    }
    this.#hops = 0;
    this.#isFinding = true;
    await this.#context.sleep(pauseMs(this.#pauses, Math.random()));
    this.#isFinding = false;
    this.#pauses += 1;
  }

  async #findLeader(): Promise<void> {
    this.#isFinding = true;
    this.#route ??= this.#context.routeTo(this.ref);
    let address: string | undefined;
    try {
      if (this.#needsId()) await this.#getId();
      const { deadlineMs = 0 } = this.#waiting[0] ?? this.#open ?? {};
      const timeoutMs = Math.max(1, deadlineMs - performance.now());
      address = await this.#route.next(timeoutMs);
      const stream = await this.#context.openStream(address, timeoutMs);
      this.#leader = { stream, asked: this.#route.asked ?? { ref: this.ref, address, term: undefined } };
      this.#isFinding = false;
    } catch (error) {
      await this.#notFound(address, fromServiceError(error));
    }
    this.pump();
  }

  async #notFound(address: string | undefined, failure: BellwetherError): Promise<void> {
    this.#route?.failed(address, failure);
    this.#isFinding = false;
    if (this.#context.isClosed()) this.abandon(closedError());
    else if (!maySendAgain(failure, 'read')) this.abandon(failure);
    else {
      // A look-up that the deadline cut short tells less than one that was answered.
      const isCut = failure.reason === 'CONNECTION_FAILED';
      for (const batch of this.batches) batch.refusal = (isCut ? batch.refusal : undefined) ?? failure;
      await this.#pauseAfter(failure);
    }
  }

  async #getId(): Promise<void> {
    const id = await this.#context.producerId?.(this.#usedId);
    if (id === undefined) return;
    this.#usedId = id;
    this.#sequence = new ProducerSequence(id);
  }
}
