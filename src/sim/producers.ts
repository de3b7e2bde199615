/**
 * Producers of a simulated cluster. Plain ones give a batch up when its fate is unknown; idempotent ones send
 * it again, to whoever may lead, and now and then an echo of it that arrives at any time (I22).
 */

import { initProducer, produce } from '../broker/data.js';
import { BellwetherError } from '../errors.js';
import type { Operation, SendOutcome } from '../history/types.js';
import type { BrokerId } from '../raft/types.js';
import { encodeRecordBatch } from '../records/batch-encode.js';
import type { BatchProducer } from '../records/batch-header.js';
import type { ClientSafety } from './checkers/client-safety.js';
import { holds } from './checkers/violation.js';
import type { ClientPort } from './client-port.js';
import { WALL_EPOCH_MS } from './process.js';
import type { Random } from './random.js';

export const TOPIC = 'orders';
const PRODUCE_TIMEOUT_MS = 1_000;
/** Attempts of a plain producer, all but the last of them certainly not applied. */
const ATTEMPTS_MAX = 8;
/** Attempts of an idempotent one. */
const IDEMPOTENT_ATTEMPTS_MAX = 40;
const RETRY_PAUSE_MS = 20;
/** Of so many records in a row one has no time, and each other one is older by a step than the one before it. */
const AGES = 8;
const AGE_STEP_MS = 500;
const ECHO_CHANCE = 0.1;
/** Mean time for which an echo is under way. */
const ECHO_MS = 400;

/** An idempotent producer, with one batch in flight at a time. */
interface Identity {
  readonly id: number;
  epoch: number;
  /** By partition: the sequence of the next record. */
  sequences: Map<number, number>;
}

/** What became of the attempts to send one batch. */
interface Fate {
  outcome: SendOutcome;
  baseOffset: number | undefined;
  /** Some attempt may be applied yet, or was. */
  isUnsure: boolean;
}

export class Producers {
  readonly #port: ClientPort;
  readonly #random: Random;
  readonly #safety: ClientSafety;
  readonly #history: Operation[];
  readonly #paddingBytesMax: number;
  readonly #onDefect: (error: unknown) => void;
  /** By process. */
  readonly #identities = new Map<number, Identity>();
  readonly #ids = new Set<number>();
  #nextValue = 1;
  #stopped = false;

  constructor(
    port: ClientPort,
    random: Random,
    safety: ClientSafety,
    history: Operation[],
    paddingBytesMax: number,
    onDefect: (error: unknown) => void,
  ) {
    this.#port = port;
    this.#random = random;
    this.#safety = safety;
    this.#history = history;
    this.#paddingBytesMax = paddingBytesMax;
    this.#onDefect = onDefect;
  }

  /** Nothing is sent again from now on, but what plain producers send. */
  stop(): void {
    this.#stopped = true;
  }

  /** Makes a process an idempotent producer. False when that did not succeed; it may be tried again. */
  async identify(process: number, brokers: readonly BrokerId[]): Promise<boolean> {
    if (this.#identities.has(process)) return true;
    try {
      const { producerId: id } = await this.#port.call(
        this.#random.pick(brokers),
        PRODUCE_TIMEOUT_MS,
        (broker) => initProducer(broker, PRODUCE_TIMEOUT_MS),
      );
      holds(!this.#ids.has(id), 'I22', 'a producer id is given away once', { id });
      this.#ids.add(id);
      this.#identities.set(process, { id, epoch: 0, sequences: new Map() });
      return true;
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      return false;
    }
  }

  /**
   * Produces one to three new values as one batch. Resolves with true once they are acknowledged.
   * @param brokers Whom to ask while the leader is not known.
   */
  async send(process: number, partition: number, brokers: readonly BrokerId[]): Promise<boolean> {
    const values = Array.from({ length: 1 + this.#random.below(3) }, () => this.#nextValue++);
    const invokedAtMs = this.#port.nowMs;
    const identity = this.#identities.get(process);
    const batch = this.#batch(values, identity && producerOf(identity, partition));
    const fate = await this.#attempts(partition, values, batch, identity !== undefined, brokers);
    if (identity !== undefined) settle(identity, partition, values.length, fate);
    const completedAtMs = this.#port.nowMs;
    const { outcome, baseOffset } = fate;
    const common = {
      kind: 'send',
      process,
      key: String(partition),
      invokedAtMs,
      completedAtMs,
      outcome,
    } as const;
    values.forEach((value, i) => {
      this.#history.push({ ...common, value, ...(baseOffset !== undefined && { offset: baseOffset + i }) });
    });
    return outcome === 'ok';
  }

  async #attempts(
    partition: number,
    values: readonly number[],
    batch: Uint8Array,
    isIdempotent: boolean,
    brokers: readonly BrokerId[],
  ): Promise<Fate> {
    const fate: Fate = { outcome: 'failed', baseOffset: undefined, isUnsure: false };
    let broker = this.#random.pick(brokers);
    const attemptsMax = isIdempotent ? IDEMPOTENT_ATTEMPTS_MAX : ATTEMPTS_MAX;
    for (let attempt = 0; attempt < attemptsMax && !(isIdempotent && this.#stopped); attempt++) {
      if (isIdempotent && this.#random.chance(ECHO_CHANCE)) {
        fate.isUnsure = true;
        this.#echo(partition, values, batch.slice(), this.#random.pick(brokers)).catch(this.#onDefect);
      }
      try {
        const { baseOffset, term } = await this.#produce(broker, partition, batch.slice());
        values.forEach((value, i) => this.#safety.acknowledged(partition, baseOffset + i, value, term));
        return { outcome: 'ok', baseOffset, isUnsure: false };
      } catch (error) {
        if (!(error instanceof BellwetherError)) throw error;
        const { reason, outcome, leaderHint } = error;
        const isRefused = reason === 'OUT_OF_ORDER_SEQUENCE' || reason === 'FENCED_PRODUCER';
        const facts = { partition, values, message: error.message };
        holds(!isRefused, 'I22', 'the only batch in flight of a producer is the next', facts);
        if (outcome !== 'NOT_APPLIED') fate.isUnsure = true;
        if (fate.isUnsure) fate.outcome = 'unknown';
        if (outcome !== 'NOT_APPLIED' && !isIdempotent) return fate;
        broker = leaderHint?.leader ?? this.#random.pick(brokers);
        if (leaderHint === undefined) await this.#port.sleep(this.#random.exponential(RETRY_PAUSE_MS));
      }
    }
    return fate;
  }

  /** The same batch once more, late: it is appended, or answered as it was, or refused; never twice there. */
  async #echo(partition: number, values: readonly number[], batch: Uint8Array, to: BrokerId): Promise<void> {
    await this.#port.sleep(this.#random.exponential(ECHO_MS));
    if (this.#stopped) return;
    try {
      const { baseOffset, term } = await this.#produce(to, partition, batch);
      values.forEach((value, i) => this.#safety.told(partition, baseOffset + i, value, term));
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
    }
  }

  async #produce(
    to: BrokerId,
    partition: number,
    batch: Uint8Array,
  ): Promise<{ readonly baseOffset: number; readonly term: number }> {
    const request = { topic: TOPIC, partition, acks: 'all', batch } as const;
    const { baseOffset, term } = await this.#port.call(to, PRODUCE_TIMEOUT_MS, (broker) =>
      produce(broker, request, PRODUCE_TIMEOUT_MS),
    );
    return { baseOffset: Number(baseOffset), term };
  }

  #batch(values: readonly number[], producer: BatchProducer | undefined): Uint8Array {
    const nowMs = WALL_EPOCH_MS + Math.floor(this.#port.nowMs);
    const records = values.map((value) => {
      const bytes = new Uint8Array(8 + this.#random.below(this.#paddingBytesMax + 1));
      new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
      return { key: undefined, value: bytes, headers: [], timestampMs: timeOf(value, nowMs) };
    });
    return encodeRecordBatch(records, producer);
  }
}

/** Times of records need not rise, and need not be: drawn from the value, so that a seed draws nothing for it. */
function timeOf(value: number, nowMs: number): number {
  const nth = value % AGES;
  return nth === 0 ? -1 : nowMs - nth * AGE_STEP_MS;
}

function producerOf({ id, epoch, sequences }: Identity, partition: number): BatchProducer {
  return { id, epoch, baseSequence: sequences.get(partition) ?? 0 };
}

/** A batch that is given up, and may be there, is followed by the next epoch; one that is not, by another. */
function settle(identity: Identity, partition: number, count: number, { outcome, isUnsure }: Fate): void {
  if (outcome === 'ok') {
    identity.sequences.set(partition, (identity.sequences.get(partition) ?? 0) + count);
  } else if (isUnsure) {
    identity.epoch += 1;
    identity.sequences = new Map();
  }
}
