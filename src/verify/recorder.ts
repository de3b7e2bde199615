/** Does what clients do, and writes down what they were told: the history of all partitions, and its counts. */
import type { PartitionRef } from '../client/types.js';
import { BellwetherError } from '../errors.js';
import type { ReadRecord, SendOutcome } from '../history/types.js';
import { invariant } from '../invariant.js';
import type { Reader, ReadOptions, Writer } from './drive.js';
import { Outages } from './outages.js';
import { PartitionHistory } from './partition-history.js';
import { decodeValue, encodeValue } from './value-text.js';

/** What happened to one partition. */
export interface Recorded {
  readonly ref: PartitionRef;
  readonly history: PartitionHistory;
  readonly outages: Outages;
}

/** What came of a read. */
export interface Polled {
  /** Offset to read next: where it was, after a read that failed. */
  readonly next: number;
  readonly ok: boolean;
}

interface Partition extends Recorded {
  nextValue: number;
}

export class Recorder {
  readonly #partitions: readonly Partition[];
  readonly #recordBytes: number;
  /** Records so far, by what their senders were told. */
  readonly counts: Record<SendOutcome, number> = { ok: 0, failed: 0, unknown: 0 };

  /** The partitions 0, 1, ... of `topic`. */
  constructor(topic: string, partitionCount: number, recordBytes: number) {
    this.#recordBytes = recordBytes;
    this.#partitions = Array.from({ length: partitionCount }, (_, partition) => ({
      ref: { topic, partition },
      history: new PartitionHistory(`${topic}/${partition}`),
      outages: new Outages(),
      nextValue: 1,
    }));
  }

  get partitions(): readonly Recorded[] {
    return this.#partitions;
  }

  /** Records sent so far, whatever became of them. */
  get sent(): number {
    return this.counts.ok + this.counts.failed + this.counts.unknown;
  }

  /**
   * Has `writer` append `count` new values. Never again, whatever became of them.
   *
   * @param before - The call of the same process before this one: written down first, so that the history has the calls
   * of a process in their order.
   */
  async send(
    process: number,
    writer: Writer,
    ref: PartitionRef,
    count: number,
    before: Promise<void> = Promise.resolve(),
  ): Promise<void> {
    const partition = this.#at(ref);
    const { history, outages, nextValue } = partition;
    partition.nextValue += count;
    const values = Array.from({ length: count }, (_, i) => encodeValue(nextValue + i, this.#recordBytes));
    const invokedAtMs = performance.now();
    outages.asked(invokedAtMs);
    const parts = await writer.append(ref, values);
    const completedAtMs = performance.now();
    outages.ended(
      completedAtMs,
      parts.some(({ error }) => error === undefined),
    );
    await before;
    let firstValue = nextValue;
    for (const { count: partCount, baseOffset, error } of parts) {
      const outcome = error === undefined ? 'ok' : outcomeOf(error);
      const told = { process, outcome, baseOffset, invokedAtMs, completedAtMs };
      history.addSend({ ...told, firstValue, count: partCount });
      this.counts[outcome] += partCount;
      firstValue += partCount;
    }
    invariant(firstValue === nextValue + count, 'every value has an outcome', { count });
  }

  /** Reads once from `from` on. */
  async poll(
    process: number,
    reader: Reader,
    ref: PartitionRef,
    from: number,
    options: ReadOptions,
  ): Promise<Polled> {
    const { history } = this.#at(ref);
    const invokedAtMs = performance.now();
    try {
      const { records, next } = await reader.read(ref, from, options);
      const seen = records.map(({ offset, value }): ReadRecord => [
        offset,
        decodeValue(value, this.#recordBytes),
      ]);
      const completedAtMs = performance.now();
      history.addPoll({ process, kind: 'ok', from, records: seen, invokedAtMs, completedAtMs });
      return { next, ok: true };
    } catch (error) {
      outcomeOf(error);
      return { next: from, ok: false };
    }
  }

  /** The process is about to read from somewhere else. */
  assign(process: number, ref: PartitionRef): void {
    const nowMs = performance.now();
    const at = { invokedAtMs: nowMs, completedAtMs: nowMs };
    this.#at(ref).history.addPoll({ process, kind: 'assign', from: 0, records: [], ...at });
  }

  #at(ref: PartitionRef): Partition {
    const partition = this.#partitions[ref.partition];
    invariant(partition !== undefined, 'the partition is one of ours', { partition: ref.partition });
    return partition;
  }
}

/** What a failed call promises. A defect of the client is no outcome: it ends the run. */
function outcomeOf(error: unknown): SendOutcome {
  if (!(error instanceof BellwetherError) || error.reason === 'INTERNAL') throw error;
  return error.outcome === 'NOT_APPLIED' ? 'failed' : 'unknown';
}
