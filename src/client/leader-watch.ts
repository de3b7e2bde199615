/**
 * Watches the attempts that wait for leaders. While one has no answer for longer than a broker that is well
 * takes, others are asked who leads: a leader that hangs, or is cut off from its followers, never says so itself.
 *
 * An attempt that is answered in time costs an entry in a set: all attempts of a client share one timer, which
 * runs at most once a pace while there are any.
 */
import { Attempt } from './attempt.js';
import type { Asked } from './attempt.js';
import { partitionName } from './metadata-cache.js';
import { OWN_LAG_MAX_MS, probePaceMs, probePauseMs } from './probe-policy.js';
import type { Effect } from './retry-policy.js';
import type { PartitionRef } from './types.js';

/** Asks another broker about the attempts at a partition, and gives up those in vain. Never rejects. */
export type Probe = (ref: PartitionRef, overdue: () => readonly Attempt[]) => Promise<void>;

/** A partition of which an attempt is overdue. */
interface Doubt {
  readonly sinceMs: number;
  /** When to ask next; undefined while one is being asked. */
  dueMs: number | undefined;
}

/** All attempts of one client that wait for leaders. */
export class LeaderWatch {
  readonly #probe: Probe;
  readonly #waiting = new Set<Attempt>();
  /** By topic and partition. */
  readonly #doubts = new Map<string, Doubt>();
  #timer: NodeJS.Timeout | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  /** The look before this one was put off, as this process itself was late. */
  #putOff = false;
  #closed = false;

  constructor(probe: Probe) {
    this.#probe = probe;
  }

  /** An attempt begins, in which a leader that is well may be silent for `silentMs`. Ends with `end`. */
  begin(asked: Asked, effect: Effect, silentMs: number): Attempt {
    const attempt = new Attempt(asked, effect, probePaceMs(silentMs), performance.now());
    this.#waiting.add(attempt);
    this.#arm(attempt.dueMs, attempt.startedMs);
    return attempt;
  }

  end(attempt: Attempt): void {
    this.#waiting.delete(attempt);
  }

  /** Ends the watch; attempts under way end by themselves. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #arm(dueMs: number, nowMs: number): void {
    if (this.#closed || dueMs >= this.#timerDueMs) return;
    clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    // An attempt under way keeps the process alive by its connection; the watch alone should not.
    this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.ceil(dueMs - nowMs))).unref();
  }

  /** Doubts whoever is overdue, and comes back when the next is. */
  #look(): void {
    const nowMs = performance.now();
    const lateMs = nowMs - this.#timerDueMs;
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    this.#putOff = !this.#putOff && lateMs > OWN_LAG_MAX_MS;
    if (this.#putOff) {
      // The answers may have come while this process did something else: they are to be read first.
      this.#arm(nowMs + OWN_LAG_MAX_MS, nowMs);
      return;
    }
    let nextMs = Number.POSITIVE_INFINITY;
    const overdue = new Map<string, Attempt>();
    for (const attempt of this.#waiting) {
      if (attempt.dueMs > nowMs) nextMs = Math.min(nextMs, attempt.dueMs);
      else overdue.set(partitionName(attempt.asked.ref), attempt);
    }
    for (const [name, { dueMs }] of this.#doubts) {
      if (dueMs !== undefined && !overdue.has(name)) this.#doubts.delete(name);
    }
    for (const [name, { asked, paceMs }] of overdue) {
      const doubt = this.#doubts.get(name) ?? { sinceMs: nowMs - paceMs, dueMs: nowMs };
      this.#doubts.set(name, doubt);
      if (doubt.dueMs === undefined) continue;
      if (doubt.dueMs <= nowMs) void this.#ask(name, asked.ref, doubt);
      else nextMs = Math.min(nextMs, doubt.dueMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#arm(nextMs, nowMs);
  }

  async #ask(name: string, ref: PartitionRef, doubt: Doubt): Promise<void> {
    doubt.dueMs = undefined;
    await this.#probe(ref, () => this.#overdueOf(name));
    const nowMs = performance.now();
    const paceMs = Math.min(...this.#overdueOf(name).map((attempt) => attempt.paceMs));
    if (paceMs === Number.POSITIVE_INFINITY) {
      this.#doubts.delete(name); // All were answered, or given up.
      return;
    }
    doubt.dueMs = nowMs + probePauseMs(nowMs - doubt.sinceMs, paceMs);
    this.#arm(doubt.dueMs, nowMs);
  }

  #overdueOf(name: string): readonly Attempt[] {
    const nowMs = performance.now();
    return [...this.#waiting].filter(
      (attempt) => !attempt.isGivenUp && attempt.dueMs <= nowMs && partitionName(attempt.asked.ref) === name,
    );
  }
}
