/** For how long the writers of a partition got no acknowledgement, though they asked for one. */

/** One partition. Times are milliseconds of one clock. */
export class Outages {
  #inFlight = 0;
  /** Since when somebody has asked without success; undefined while nobody asks. */
  #sinceMs: number | undefined;
  #longestMs = 0;

  /** A write begins. */
  asked(nowMs: number): void {
    this.#inFlight += 1;
    this.#sinceMs ??= nowMs;
  }

  /** A write ends. After one that failed somebody is still without an answer, until the next success. */
  ended(nowMs: number, isAcknowledged: boolean): void {
    this.#inFlight -= 1;
    if (!isAcknowledged) return;
    this.#longestMs = this.longestMs(nowMs);
    // Whoever still waits has seen the partition answer now.
    this.#sinceMs = this.#inFlight > 0 ? nowMs : undefined;
  }

  /** The longest time so far, one that goes on included. */
  longestMs(nowMs: number): number {
    return Math.max(this.#longestMs, this.#sinceMs === undefined ? 0 : nowMs - this.#sinceMs);
  }
}
