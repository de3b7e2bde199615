/** Makes a Kafka v2 record batch record by record, straight into the memory that is sent. Pure. */

import { invariant } from '../invariant.js';
import { BATCH_HEADER_BYTES, type BatchProducer, NO_PRODUCER } from './batch-header.js';
import { recordBodySize, stampProducer, writeBatchHeader, writeRecordBody } from './batch-encode.js';
import type { LogRecord } from './log-record.js';
import { varintSize, writeVarint } from './varint.js';

/** Memory of a new batch in bytes; it grows by this factor as it is needed, up to the bound of the batch. */
const INITIAL_BYTES = 4096;
const GROWTH_FACTOR = 4;

/** Where the memory of batches comes from. */
export interface BatchMemory {
  /** A block of exactly `sizeBytes`, of any contents. */
  take(sizeBytes: number): Uint8Array;
  /** Takes a block back that nobody reads or writes any more. */
  giveBack(block: Uint8Array): void;
}

const FRESH_MEMORY: BatchMemory = {
  take: (sizeBytes) => new Uint8Array(sizeBytes),
  giveBack: () => undefined,
};

const EMPTY = new Uint8Array(0);

/** A batch that grows. Payloads are copied at once: what the caller does with its memory later does not matter. */
export class BatchBuilder {
  readonly #bytesMax: number;
  readonly #recordsMax: number;
  readonly #memory: BatchMemory;
  #bytes: Uint8Array;
  #sizeBytes = BATCH_HEADER_BYTES;
  #recordCount = 0;
  #baseTimestampMs = -1;
  #maxTimestampMs = -1;

  /** The bounds hold from the second record on: the first may be larger than `bytesMax`. */
  constructor(bytesMax: number, recordsMax: number, memory = FRESH_MEMORY) {
    this.#bytesMax = bytesMax;
    this.#recordsMax = recordsMax;
    this.#memory = memory;
    this.#bytes = memory.take(Math.min(INITIAL_BYTES, bytesMax));
  }

  /** Header included. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  /** The encoded records, as a compressor takes them. */
  get body(): Uint8Array {
    return this.#bytes.subarray(BATCH_HEADER_BYTES, this.#sizeBytes);
  }

  /** Appends `record`, with a timestamp from -1. False, and nothing is changed, when it does not fit. */
  tryAppend(record: LogRecord): boolean {
    const { timestampMs } = record;
    if (this.#recordCount === 0) this.#baseTimestampMs = timestampMs;
    const timestampDeltaMs = timestampMs - this.#baseTimestampMs;
    const bodySize = recordBodySize(record, timestampDeltaMs, this.#recordCount);
    const sizeBytes = this.#sizeBytes + varintSize(bodySize) + bodySize;
    const isFull = sizeBytes > this.#bytesMax || this.#recordCount >= this.#recordsMax;
    if (isFull && this.#recordCount > 0) return false;
    this.#grow(sizeBytes);
    const start = writeVarint(this.#bytes, this.#sizeBytes, bodySize);
    const end = writeRecordBody(this.#bytes, start, record, timestampDeltaMs, this.#recordCount);
    invariant(end === sizeBytes, 'record size was computed wrong', { end, sizeBytes });
    this.#sizeBytes = sizeBytes;
    this.#recordCount += 1;
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, timestampMs);
    return true;
  }

  /**
   * The batch as it is sent, at base offset 0; with `compressed` that stands for the records. May be called
   * again for another place in the producer's sequence; without `compressed` the memory is the same then.
   */
  finish(
    producer: BatchProducer = NO_PRODUCER,
    compressed?: { readonly compression: number; readonly body: Uint8Array },
  ): Uint8Array {
    invariant(this.#recordCount > 0, 'a record batch has at least one record');
    const batch =
      compressed === undefined ? this.#bytes.subarray(0, this.#sizeBytes) : around(compressed.body);
    writeBatchHeader(batch, {
      recordCount: this.#recordCount,
      baseTimestampMs: this.#baseTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
      attributes: compressed?.compression ?? 0,
    });
    stampProducer(batch, producer);
    return batch;
  }

  /** Gives the memory back, for other batches: this one is done, and nobody may have what `finish` returned. */
  release(): void {
    this.#memory.giveBack(this.#bytes);
    this.#bytes = EMPTY;
  }

  #grow(sizeBytes: number): void {
    if (sizeBytes <= this.#bytes.length) return;
    let length = this.#bytes.length;
    while (length < sizeBytes && length < this.#bytesMax) length *= GROWTH_FACTOR;
    const larger = this.#memory.take(Math.max(Math.min(length, this.#bytesMax), sizeBytes));
    larger.set(this.#bytes.subarray(0, this.#sizeBytes));
    this.#memory.giveBack(this.#bytes);
    this.#bytes = larger;
  }
}

function around(body: Uint8Array): Uint8Array {
  const batch = new Uint8Array(BATCH_HEADER_BYTES + body.length);
  batch.set(body, BATCH_HEADER_BYTES);
  return batch;
}
