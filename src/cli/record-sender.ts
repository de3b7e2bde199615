/**
 * Sends records of one topic through the SDK's producer, a bounded number under way, and counts what became of each:
 * the figures of `produce` are exact, whatever fails.
 */
import type { BellwetherClient, BellwetherError, OutgoingRecord, ProducerOptions } from '../client/index.js';
import type { SettledRange } from '../client/index.js';

/**
 * Groups of records under way at most. As lineBatches makes them they have 256 KiB, or one line of 1 MiB: they always
 * fit into the buffer of the producer, so that none waits for room there and is overtaken by the next.
 */
export const GROUPS_MAX = 16;

/** What has been appended to one partition. */
export interface Tally {
  readonly recordCount: number;
  /** -1 with --acks 0. */
  readonly firstOffset: number;
  /** -1 with --acks 0. */
  readonly lastOffset: number;
  readonly term: number;
}

export class RecordSender {
  /** By partition. */
  readonly tallies = new Map<number, Tally>();
  /** Records, by what was told of them; bytes of keys and values of those that were appended. */
  readonly counts = { appended: 0, appendedBytes: 0, unknown: 0, notApplied: 0 };
  /** Resolves at the first record that was not acknowledged. */
  readonly failed: Promise<void>;
  /** Why that was. */
  failure: BellwetherError | undefined;
  readonly #topic: string;
  readonly #producer: ReturnType<BellwetherClient['producer']>;
  readonly #underWay = new Set<Promise<void>>();
  #fail: () => void = () => undefined;

  constructor(client: BellwetherClient, topic: string, options: ProducerOptions) {
    this.#topic = topic;
    this.#producer = client.producer(options);
    this.failed = new Promise((resolve) => (this.#fail = resolve));
  }

  /**
   * Sends records to one partition, behind those before. Resolves once there is room for the next. After a failure
   * nothing is sent any more: what is given then counts as not appended.
   */
  async send(partition: number, records: readonly OutgoingRecord[]): Promise<void> {
    if (this.failure !== undefined) {
      this.counts.notApplied += records.length;
      return;
    }
    const addressed = records.map((record) => ({ ...record, partition }));
    const sent = this.#producer.sendAllSettled(this.#topic, addressed).then((ranges) => {
      this.#count(records, ranges);
      this.#underWay.delete(sent);
    });
    this.#underWay.add(sent);
    sent.catch(() => undefined); // Awaited below, or by `end`.
    while (this.#underWay.size >= GROUPS_MAX) await Promise.race(this.#underWay);
  }

  /** Resolves once every record has its outcome. */
  async end(): Promise<void> {
    await Promise.all(this.#underWay);
    await this.#producer.close();
  }

  #count(records: readonly OutgoingRecord[], ranges: readonly SettledRange[]): void {
    let at = 0;
    for (const range of ranges) {
      const { partition, recordCount, error } = range;
      const some = records.slice(at, at + recordCount);
      at += recordCount;
      if (error !== undefined) {
        if (error.outcome === 'NOT_APPLIED') this.counts.notApplied += recordCount;
        else this.counts.unknown += recordCount;
        this.failure ??= error;
        this.#fail();
      } else if (partition !== undefined) {
        this.tallies.set(partition, added(this.tallies.get(partition), range));
        this.counts.appended += recordCount;
        this.counts.appendedBytes += some.reduce((sum, record) => sum + bytesOf(record), 0);
      }
    }
  }
}

function bytesOf({ key, value }: OutgoingRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}

/** Groups may be answered out of their order. */
function added(tally: Tally | undefined, { baseOffset, recordCount, term }: SettledRange): Tally {
  const lastOffset = baseOffset === -1 ? -1 : baseOffset + recordCount - 1;
  if (tally === undefined) return { recordCount, firstOffset: baseOffset, lastOffset, term };
  return {
    recordCount: tally.recordCount + recordCount,
    firstOffset: Math.min(tally.firstOffset, baseOffset),
    lastOffset: Math.max(tally.lastOffset, lastOffset),
    term: Math.max(tally.term, term),
  };
}
