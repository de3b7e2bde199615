/**
 * Whether this broker's disk answers. A broker whose disk hangs must not look alive (B27): first it stops
 * confirming the heartbeats of its peers, so that nobody counts on it; soon after it gives up all that it
 * leads, and says so, so that nobody waits for its links to time out.
 */

import type { Clock } from './clock.js';
import { LIMITS } from './limits.js';

export class DiskWatch {
  readonly #clock: Clock;
  readonly #oldestWriteMs: () => number;
  readonly #onStalled: (pendingMs: number) => void;
  #oldestMs = Infinity;
  #lastBeatMs = 0;
  /** How long the oldest write has waited, without the time for which this process was held up itself. */
  #pendingMs = 0;
  #stalled = false;

  /** @param oldestWriteMs When the oldest write without an answer was submitted; Infinity for none. */
  constructor(clock: Clock, oldestWriteMs: () => number, onStalled: (pendingMs: number) => void) {
    this.#clock = clock;
    this.#oldestWriteMs = oldestWriteMs;
    this.#onStalled = onStalled;
  }

  /** True while a write waits for longer than a peer should count on this broker. */
  get isSlow(): boolean {
    return this.#pendingMs > LIMITS.diskSlowMs;
  }

  /** Called with each heartbeat. @param lagMs By how much it is late. */
  beat(lagMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const oldestMs = this.#oldestWriteMs();
    const sinceBeatMs = nowMs - this.#lastBeatMs - Math.max(0, lagMs);
    if (oldestMs === Infinity) this.#pendingMs = 0;
    else if (oldestMs === this.#oldestMs) this.#pendingMs += Math.max(0, sinceBeatMs);
    else this.#pendingMs = Math.max(0, Math.min(nowMs - oldestMs, sinceBeatMs));
    this.#oldestMs = oldestMs;
    this.#lastBeatMs = nowMs;
    const stalled = this.#pendingMs > LIMITS.diskStallMs;
    if (stalled && !this.#stalled) this.#onStalled(this.#pendingMs);
    this.#stalled = stalled;
  }
}
