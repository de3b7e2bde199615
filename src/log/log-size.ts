/**
 * How large and how old the batches of a partition are, for retention: bytes and greatest timestamps along the
 * log, so that no batch must be read to know which may go. Pure.
 *
 * Batches that stand next to each other share a sample once there are many: a log of any size has at most
 * `SAMPLES_MAX` of them, and a deletion is then exact to 1/256 of the log. A sample ends where a batch ends.
 * Only committed batches are in samples, so that a truncation never has to take one apart.
 */

import type { LogIndex } from '../raft/types.js';
import { asOffset, type Offset } from '../records/offset.js';

/** Samples of one partition, 24 bytes each. */
const SAMPLES_MAX = 1_024;

/** Into how many samples of equal size a log is divided when it has too many. */
const SAMPLES_AFTER_MERGE = 256;

/** What one sample, or one batch, amounts to. */
interface Extent {
  /** Exclusive. */
  readonly endOffset: number;
  readonly bytes: number;
  /** Of its records, in milliseconds since the Unix epoch; -1 when none has one. */
  readonly maxTimestampMs: number;
}

/** What a log is to keep. */
export interface KeptRecords {
  /** Oldest records go while the rest has as many bytes; undefined for no limit. */
  readonly bytes: number | undefined;
  /** Records before this time go, in milliseconds since the Unix epoch; undefined for no limit. */
  readonly sinceMs: number | undefined;
}

export class LogSize {
  #samples: Extent[] = [];
  /** In the log but not committed yet. */
  #pending: (Extent & { readonly index: LogIndex })[] = [];
  #sampledBytes = 0;
  #pendingBytes = 0;
  /** Batches share a sample up to this size; 0 while each has its own. */
  #unitBytes = 0;

  /** Of all batches that are not deleted, those that are not committed included. */
  get bytes(): number {
    return this.#sampledBytes + this.#pendingBytes;
  }

  /** At most `SAMPLES_MAX`. */
  get sampleCount(): number {
    return this.#samples.length;
  }

  appended(index: LogIndex, { endOffset, bytes, maxTimestampMs }: Extent): void {
    this.#pending.push({ index, endOffset, bytes, maxTimestampMs });
    this.#pendingBytes += bytes;
  }

  truncatedFrom(index: LogIndex): void {
    while ((this.#pending.at(-1)?.index ?? -1) >= index)
      this.#pendingBytes -= this.#pending.pop()?.bytes ?? 0;
  }

  committedTo(index: LogIndex): void {
    let committed = 0;
    for (const batch of this.#pending) {
      if (batch.index > index) break;
      this.#sample(batch);
      this.#pendingBytes -= batch.bytes;
      committed += 1;
    }
    if (committed > 0) this.#pending = this.#pending.slice(committed);
  }

  /** Forgets the samples that hold no record from `offset` on. */
  deletedTo(offset: Offset): void {
    let gone = 0;
    while ((this.#samples[gone]?.endOffset ?? Infinity) <= offset) {
      this.#sampledBytes -= this.#samples[gone]?.bytes ?? 0;
      gone += 1;
    }
    if (gone === 0) return;
    this.#samples.splice(0, gone);
    // Smaller samples suffice for what is left.
    this.#unitBytes = Math.min(this.#unitBytes, this.#sampledBytes / SAMPLES_AFTER_MERGE);
  }

  /**
   * Below which offset records may go: the end of the oldest samples without which the log still has the bytes
   * to keep, or of those that are too old, whichever is later. Undefined when none may go.
   *
   * Records without a timestamp go with the next ones behind them that are too old.
   */
  expired({ bytes, sinceMs }: KeptRecords): Offset | undefined {
    let end: number | undefined;
    let left = this.bytes;
    let isTooOld = sinceMs !== undefined;
    for (const sample of this.#samples) {
      left -= sample.bytes;
      const isTooMuch = bytes !== undefined && left >= bytes;
      isTooOld &&= sample.maxTimestampMs < (sinceMs ?? -Infinity);
      if (!isTooMuch && !isTooOld) break;
      if (isTooMuch || sample.maxTimestampMs >= 0) end = sample.endOffset;
    }
    return end === undefined ? undefined : asOffset(end);
  }

  #sample(batch: Extent): void {
    const last = this.#samples.at(-1);
    this.#sampledBytes += batch.bytes;
    if (last !== undefined && last.bytes + batch.bytes <= this.#unitBytes) {
      this.#samples[this.#samples.length - 1] = joined(last, batch);
    } else {
      const { endOffset, bytes, maxTimestampMs } = batch;
      this.#samples.push({ endOffset, bytes, maxTimestampMs });
      if (this.#samples.length > SAMPLES_MAX) this.#merge();
    }
  }

  /** Each two neighbours are larger than the unit together then, so there are at most twice as many as divided. */
  #merge(): void {
    this.#unitBytes = this.#sampledBytes / SAMPLES_AFTER_MERGE;
    const merged: Extent[] = [];
    for (const sample of this.#samples) {
      const last = merged.at(-1);
      if (last === undefined || last.bytes + sample.bytes > this.#unitBytes) merged.push(sample);
      else merged[merged.length - 1] = joined(last, sample);
    }
    this.#samples = merged;
  }
}

function joined(a: Extent, b: Extent): Extent {
  return {
    endOffset: b.endOffset,
    bytes: a.bytes + b.bytes,
    maxTimestampMs: Math.max(a.maxTimestampMs, b.maxTimestampMs),
  };
}
