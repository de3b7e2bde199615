/** Records what clients of a real cluster did and were told, as a history to check. */
import { setTimeout as after } from 'node:timers/promises';
import type { BellwetherClient, FetchOptions, PartitionRef } from '../../src/client/index.js';
import { BellwetherError } from '../../src/errors.js';
import type { Operation, ReadRecord, SendOutcome } from '../../src/history/types.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What came of a poll. */
export interface Polled {
  readonly records: readonly ReadRecord[];
  /** Offset to read next. */
  readonly next: number;
  /** Exclusive; undefined when the poll failed. */
  readonly highWatermark: number | undefined;
}

/** One history; its operations are written down as they end. */
export class HistoryRecorder {
  readonly operations: Operation[] = [];
  #acknowledged = 0;
  #nextValue = 1;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  /** Records acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Appends `count` new values as one batch. Never sent again by the recorder, whatever became of it. */
  async send(
    process: number,
    client: BellwetherClient,
    ref: PartitionRef,
    count: number,
    timeoutMs: number,
  ): Promise<SendOutcome> {
    const values = Array.from({ length: count }, () => this.#nextValue++);
    const records = values.map((value) => ({ value: encoder.encode(String(value)) }));
    const invokedAtMs = performance.now();
    let outcome: SendOutcome = 'ok';
    let baseOffset: number | undefined;
    try {
      ({ baseOffset } = await client.produce(ref, records, { timeoutMs }));
    } catch (error) {
      outcome = outcomeOf(error);
    }
    const completedAtMs = performance.now();
    values.forEach((value, i) => {
      const offset = baseOffset === undefined ? undefined : baseOffset + i;
      const about = { process, key: keyOf(ref), invokedAtMs, completedAtMs, outcome, value, offset };
      this.operations.push({ kind: 'send', ...about });
    });
    if (outcome === 'ok') this.#acknowledge(count);
    return outcome;
  }

  /** Reads once from `from` on. A poll that fails reads nothing and stays where it is. */
  async poll(
    process: number,
    client: BellwetherClient,
    ref: PartitionRef,
    from: number,
    options: FetchOptions,
  ): Promise<Polled> {
    const about = { kind: 'poll', process, key: keyOf(ref), from, invokedAtMs: performance.now() } as const;
    try {
      const fetched = await client.fetch(ref, from, options);
      const records = fetched.records.map(({ offset, value }): ReadRecord => [
        offset,
        Number(decoder.decode(value)),
      ]);
      this.operations.push({ ...about, completedAtMs: performance.now(), outcome: 'ok', records });
      return { records, next: fetched.nextOffset, highWatermark: fetched.highWatermark };
    } catch (error) {
      outcomeOf(error);
      this.operations.push({ ...about, completedAtMs: performance.now(), outcome: 'failed', records: [] });
      return { records: [], next: from, highWatermark: undefined };
    }
  }

  /** Longest time without an acknowledgement, from `sinceMs` on. */
  longestGapMs(sinceMs: number): number {
    let [last, longest] = [sinceMs, 0];
    for (const { completedAtMs, ...operation } of this.operations) {
      if (operation.kind !== 'send' || operation.outcome !== 'ok') continue;
      if (completedAtMs === undefined || completedAtMs < sinceMs) continue;
      longest = Math.max(longest, completedAtMs - last);
      last = completedAtMs;
    }
    return Math.max(longest, performance.now() - last);
  }

  /** The process is about to read from somewhere else. */
  assign(process: number, ref: PartitionRef): void {
    const nowMs = performance.now();
    const times = { invokedAtMs: nowMs, completedAtMs: nowMs };
    this.operations.push({ kind: 'assign', process, key: keyOf(ref), ...times });
  }

  /** Waits until `count` more records are acknowledged. */
  async moreAcknowledged(count: number, withinMs: number): Promise<void> {
    const goal = this.#acknowledged + count;
    const reached = new Promise<void>((resolve) => this.#waiting.push({ count: goal, resolve }));
    const done = new AbortController();
    const late = after(withinMs, undefined, { signal: done.signal, ref: false }).then(() => {
      throw new Error(
        `never: ${count} more records acknowledged; ${goal - this.#acknowledged} were missing after ${withinMs} ms`,
      );
    });
    late.catch(() => undefined);
    await Promise.race([reached, late]);
    done.abort();
  }

  #acknowledge(count: number): void {
    this.#acknowledged += count;
    const due = this.#waiting.filter((waiter) => waiter.count <= this.#acknowledged);
    this.#waiting = this.#waiting.filter((waiter) => waiter.count > this.#acknowledged);
    for (const { resolve } of due) resolve();
  }
}

export function keyOf({ topic, partition }: PartitionRef): string {
  return `${topic}/${partition}`;
}

/** What a failed call promises. A defect is no outcome: it fails the test. */
function outcomeOf(error: unknown): SendOutcome {
  if (!(error instanceof BellwetherError) || error.reason === 'INTERNAL') throw error;
  return error.outcome === 'NOT_APPLIED' ? 'failed' : 'unknown';
}
