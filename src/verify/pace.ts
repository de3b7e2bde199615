/** Spreads records evenly over time: when the next ones may be sent. */

/** How far a writer may be behind and still catch up, in milliseconds; the rest of an outage is not made good. */
const DEBT_MAX_MS = 500;

export class Pace {
  readonly #msPerRecord: number;
  #dueMs: number;

  /** The first records are due at `firstMs`. Times are milliseconds of one clock. */
  constructor(recordsPerSecond: number, firstMs: number) {
    this.#msPerRecord = 1000 / recordsPerSecond;
    this.#dueMs = firstMs;
  }

  /** Takes the turn of the next `records`; how long to wait for it. */
  waitMs(nowMs: number, records: number): number {
    this.#dueMs = Math.max(this.#dueMs, nowMs - DEBT_MAX_MS);
    const waitMs = Math.max(0, this.#dueMs - nowMs);
    this.#dueMs += records * this.#msPerRecord;
    return waitMs;
  }
}
