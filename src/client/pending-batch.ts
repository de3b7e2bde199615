/** One batch of one partition on its way: its records, and one promise for all of them. */
import type { BellwetherError } from '../errors.js';
import { type BatchMemory, BatchBuilder } from '../records/batch-builder.js';
import { decodeRecordBatch } from '../records/batch-decode.js';
import { BATCH_HEADER_BYTES, type BatchProducer } from '../records/batch-header.js';
import type { LogRecord } from '../records/log-record.js';
import { HEADROOM_BYTES } from './batch-memory.js';
import type { Compressor } from './compression.js';
import { placeBehind } from './producer-sequence.js';

/** Records of one batch at most, as brokers take them. */
const BATCH_RECORDS_MAX = 10_000;

/** Where the records of a batch stand. */
export interface BatchPlace {
  /** Of the first record; -1 with acks 0. */
  readonly baseOffset: number;
  readonly term: number;
}

/** A batch as it is sent. */
export interface Sendable {
  readonly recordBatch: Uint8Array;
  /** So many bytes in front of it, in its memory, may be written over. */
  readonly headroomBytes: number;
}

/** From its first record to its outcome. */
export class PendingBatch {
  /** Place in the order of its partition. */
  serial: number;
  readonly settled: Promise<BatchPlace>;
  readonly createdMs: number;
  readonly deadlineMs: number;
  /** The place in the producer's sequence, once it was sent; kept over retries. */
  producer: BatchProducer | undefined;
  /** The first failure after which it may be in the log. */
  doubt: BellwetherError | undefined;
  /** The last failure after which it is certainly not. */
  refusal: BellwetherError | undefined;
  isSettled = false;
  /** The batches that its records went on in, when it had to be divided; set before it is settled. */
  parts: readonly PendingBatch[] | undefined;
  #sends = 0;
  readonly #memory: BatchMemory;
  readonly #builder: BatchBuilder;
  #compressed: { readonly compression: number; readonly body: Uint8Array } | undefined;
  #compressing: Promise<void> | undefined;
  #resolve: (place: BatchPlace) => void = () => undefined;
  #reject: (error: BellwetherError) => void = () => undefined;

  constructor(serial: number, bytesMax: number, memory: BatchMemory, createdMs: number, deadlineMs: number) {
    this.serial = serial;
    this.createdMs = createdMs;
    this.deadlineMs = deadlineMs;
    this.#memory = memory;
    this.#builder = new BatchBuilder(bytesMax, BATCH_RECORDS_MAX, memory);
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever sent the records has promises made of this one.
    this.settled.catch(() => undefined);
  }

  /** Before compression. */
  get sizeBytes(): number {
    return this.#builder.sizeBytes;
  }

  /** As it is sent. */
  get sentBytes(): number {
    const compressed = this.#compressed;
    return compressed === undefined ? this.sizeBytes : BATCH_HEADER_BYTES + compressed.body.length;
  }

  get recordCount(): number {
    return this.#builder.recordCount;
  }

  tryAppend(record: LogRecord): boolean {
    return this.#builder.tryAppend(record);
  }

  /** Compresses, once; undefined when there is nothing to wait for any more. Never rejects. */
  prepare(compressor: Compressor | undefined): Promise<void> | undefined {
    if (compressor === undefined || this.#compressed !== undefined) return undefined;
    this.#compressing ??= compressor(this.#builder.body).then(
      (compressed) => {
        this.#compressed = compressed;
      },
      () => {
        // Out of memory, say: the batch goes as it is.
        this.#compressed = { compression: 0, body: this.#builder.body };
      },
    );
    return this.#compressing;
  }

  /** The batch as it is sent now, with `producer` in it. */
  take(): Sendable {
    this.#sends += 1;
    const isFirst = this.#sends === 1 && this.#compressed === undefined;
    const recordBatch = this.#builder.finish(this.producer, this.#compressed);
    return { recordBatch, headroomBytes: isFirst ? HEADROOM_BYTES : 0 };
  }

  /**
   * Divides it into batches of `bytesMax` before compression, or of one larger record. They take its place, also in the
   * sequence of the producer; it is settled once all of them are.
   */
  split(bytesMax: number): readonly PendingBatch[] {
    const parts: PendingBatch[] = [];
    let before = 0;
    for (const record of decodeRecordBatch(this.#builder.finish())) {
      const last = parts.at(-1);
      if (last?.tryAppend(record) === true) continue;
      before += last?.recordCount ?? 0;
      const part = new PendingBatch(this.serial, bytesMax, this.#memory, this.createdMs, this.deadlineMs);
      if (this.producer !== undefined) part.producer = placeBehind(this.producer, before);
      part.tryAppend(record);
      parts.push(part);
    }
    this.parts = parts;
    void Promise.allSettled(parts.map(({ settled }) => settled)).then(() =>
      this.resolve({ baseOffset: -1, term: 0 }),
    );
    return parts;
  }

  /** Its broker has answered. */
  resolve(place: BatchPlace): void {
    this.isSettled = true;
    // One that was sent again may still be read by the stream that had it first.
    if (this.#sends === 1) this.#builder.release();
    this.#resolve(place);
  }

  reject(error: BellwetherError): void {
    this.isSettled = true;
    this.#reject(error);
  }
}
