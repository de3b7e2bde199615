/**
 * How large the batches of one partition may grow: as large as was asked for, and less for a while once the topic has
 * refused one. The topic's limit may be raised meanwhile, and nobody tells a producer: so it tries again.
 */

/**
 * How long a limit is believed in milliseconds. What it costs where it still holds is one batch that is refused and
 * divided in so long.
 */
export const LIMIT_BELIEVED_MS = 300_000;

export class BatchBound {
  readonly #askedBytes: number;
  #bytes: number;
  #believedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(askedBytes: number) {
    this.#askedBytes = askedBytes;
    this.#bytes = askedBytes;
  }

  /** Of a batch that is begun now, in bytes before compression. */
  at(nowMs: number): number {
    if (nowMs >= this.#believedUntilMs) this.#bytes = this.#askedBytes;
    return this.#bytes;
  }

  /** The topic has refused a batch, and would take one of `acceptableBytes`. */
  refused(acceptableBytes: number, nowMs: number): void {
    this.#bytes = Math.min(this.at(nowMs), acceptableBytes);
    this.#believedUntilMs = nowMs + LIMIT_BELIEVED_MS;
  }
}
