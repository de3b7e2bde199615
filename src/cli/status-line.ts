/** One line on a terminal that is written over and over; nothing where no person looks. */
import type { CliOutput } from './io.js';

/** Shortest time between two texts, in milliseconds. */
const REFRESH_MS = 200;

export class StatusLine {
  readonly #err: CliOutput;
  #shownMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(err: CliOutput) {
    this.#err = err;
  }

  /** Shows `text` instead of what was shown, unless that has just been. */
  show(text: string): void {
    const nowMs = performance.now();
    if (!this.#err.isTty || nowMs - this.#shownMs < REFRESH_MS) return;
    this.#shownMs = nowMs;
    this.#isShown = true;
    void this.#err.write(`\r\u001b[K${text}`).catch(() => undefined);
  }

  /** Takes the line away again. */
  async clear(): Promise<void> {
    if (!this.#isShown) return;
    this.#isShown = false;
    await this.#err.write('\r\u001b[K');
  }
}

/** A number of things for people: "1 record", "12 records". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
