/** A clock that a test turns by hand: nothing happens between two calls of it. */

import type { Clock } from '../../src/broker/clock.js';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** What the wall clock is ahead of the monotonic one, so that no test confuses the two. */
const WALL_OFFSET_MS = 1_700_000_000_000;

export class ManualClock implements Clock {
  #nowMs = 1_000;
  readonly #timers = new Set<Timer>();
  #deferred: (() => void)[] = [];
  /** Drawn by `random`. */
  nextRandom = 0.5;
  #uuids = 0;

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return WALL_OFFSET_MS + this.#nowMs;
  }

  random(): number {
    return this.nextRandom;
  }

  newUuid(): string {
    this.#uuids += 1;
    return `00000000-0000-4000-9000-${String(this.#uuids).padStart(12, '0')}`;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  soon(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Timers that will still call back. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** When the next timer is due; Infinity for never. */
  get nextTimerMs(): number {
    let nextMs = Infinity;
    for (const { atMs } of this.#timers) if (atMs < nextMs) nextMs = atMs;
    return nextMs;
  }

  /** Runs what was deferred, and what that defers. Returns how many callbacks ran. */
  runDeferred(): number {
    let count = 0;
    while (this.#deferred.length > 0) {
      const due = this.#deferred;
      this.#deferred = [];
      for (const callback of due) callback();
      count += due.length;
    }
    return count;
  }

  /** Lets `ms` pass, with every timer on time and in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      this.runDeferred();
      const dueMs = this.nextTimerMs;
      if (dueMs > endMs) break;
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      this.#fire();
    }
    this.#nowMs = endMs;
  }

  /** The event loop hangs for `ms`: time passes, and nothing runs. */
  hang(ms: number): void {
    this.#nowMs += ms;
  }

  /** Fires what is due now, each timer once. */
  #fire(): void {
    const due = [...this.#timers].filter(({ atMs }) => atMs <= this.#nowMs).sort((a, b) => a.atMs - b.atMs);
    for (const timer of due) {
      // One of them may have cancelled another.
      if (this.#timers.delete(timer)) timer.callback();
    }
  }
}
