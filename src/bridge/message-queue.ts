/**
 * Owns the order of messages: those of one source one after the other, those of different sources at
 * once, at most so many together. Knows nothing of what the messages say.
 */
import { invariant } from '../invariant.js';

/** Messages in flight. Tasks must not reject. */
export class MessageQueue {
  readonly #inFlightMax: number;
  readonly #tails = new Map<string, Promise<void>>();
  readonly #inFlight = new Set<{ readonly label: string }>();
  #barrier: Promise<void> = Promise.resolve();
  #waiters: (() => void)[] = [];

  constructor(inFlightMax: number) {
    invariant(inFlightMax >= 1, 'something must be allowed in flight', { inFlightMax });
    this.#inFlightMax = inFlightMax;
  }

  /** Names of the messages in flight, oldest first. */
  get labels(): string[] {
    return Array.from(this.#inFlight, ({ label }) => label);
  }

  /** Resolves once one more message may be added. */
  async hasRoom(): Promise<void> {
    while (this.#inFlight.size >= this.#inFlightMax) await this.#oneFinished();
  }

  /** Resolves once nothing is in flight. */
  async isIdle(): Promise<void> {
    while (this.#inFlight.size > 0) await this.#oneFinished();
  }

  /** Runs `task` after the messages of the same source, and after the last barrier. */
  add(src: string, label: string, task: () => Promise<void>): Promise<void> {
    invariant(this.#inFlight.size < this.#inFlightMax, 'hasRoom was awaited before');
    const message = { label };
    this.#inFlight.add(message);
    const start = Promise.all([this.#tails.get(src), this.#barrier]);
    const done = start.then(task).finally(() => {
      this.#inFlight.delete(message);
      if (this.#tails.get(src) === done) this.#tails.delete(src);
      this.#wake();
    });
    this.#tails.set(src, done);
    return done;
  }

  /** As `add`; messages of every source that come later wait for it. */
  addBarrier(src: string, label: string, task: () => Promise<void>): Promise<void> {
    this.#barrier = this.add(src, label, task);
    return this.#barrier;
  }

  #oneFinished(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
