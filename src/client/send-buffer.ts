/** The bound on what one producer holds, and the sends that wait for room, in turn. */
import { BellwetherError } from '../errors.js';
import type { PendingBatch } from './pending-batch.js';

/** Sends that wait at most; their records are the caller's memory. */
export const WAITING_SENDS_MAX = 10_000;

/** Where a record was put: the `index`-th of `batch`. */
export interface Taken {
  readonly partition: number;
  readonly batch: PendingBatch;
  readonly index: number;
}

interface WaitingSend {
  /** Undefined while there is no room. */
  readonly take: () => Taken | undefined;
  readonly deadlineMs: number;
  readonly resolve: (taken: Taken) => void;
  readonly reject: (error: BellwetherError) => void;
}

/** Counts bytes; does not hold them. */
export class SendBuffer {
  readonly #bytesMax: number;
  readonly #bytesOf = new Map<PendingBatch, number>();
  #bytes = 0;
  #waiting: WaitingSend[] = [];
  #isAdmitting = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isWaitedFor(): boolean {
    return this.#waiting.length > 0;
  }

  /** Batches without an outcome. */
  get batches(): PendingBatch[] {
    return [...this.#bytesOf.keys()];
  }

  /** True when `bytes` more may be held; one that is larger than the bound alone, too. */
  hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax;
  }

  add(batch: PendingBatch, bytes: number): void {
    this.#bytes += bytes;
    this.#bytesOf.set(batch, (this.#bytesOf.get(batch) ?? 0) + bytes);
  }

  /** `batch` has its outcome. */
  release(batch: PendingBatch): void {
    this.#bytes -= this.#bytesOf.get(batch) ?? 0;
    this.#bytesOf.delete(batch);
    this.admit();
  }

  /** Waits for `take` to find room, behind those that wait already. */
  wait(take: () => Taken | undefined, deadlineMs: number): Promise<Taken> {
    if (this.#waiting.length >= WAITING_SENDS_MAX) {
      const message = `the producer holds ${this.#bytes} bytes, and ${WAITING_SENDS_MAX} sends wait for room`;
      const metadata = { buffer_bytes: String(this.#bytes), sends_max: String(WAITING_SENDS_MAX) };
      return Promise.reject(new BellwetherError('SEND_BUFFER_FULL', message, { metadata }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ take, deadlineMs, resolve, reject });
    });
  }

  /** Lets in as many as find room now. */
  admit(): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    let admitted = 0;
    for (const { take, resolve, reject } of this.#waiting) {
      try {
        const taken = take();
        if (taken === undefined) break;
        resolve(taken);
      } catch (error) {
        // Of the record itself, or of its topic.
        reject(asError(error));
      }
      admitted += 1;
    }
    this.#waiting = this.#waiting.slice(admitted);
    this.#isAdmitting = false;
  }

  /** Rejects those that have waited until their deadline. */
  expire(nowMs: number): void {
    const [first] = this.#waiting;
    if (first === undefined || first.deadlineMs > nowMs) return;
    const late = this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ deadlineMs }) => deadlineMs > nowMs);
    const message = 'the buffer of the producer had no room before the deadline of the record';
    for (const { reject } of late) reject(new BellwetherError('SEND_TIMEOUT', message));
  }

  /** Rejects all that wait. */
  refuse(error: BellwetherError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function asError(error: unknown): BellwetherError {
  return error instanceof BellwetherError
    ? error
    : new BellwetherError('INTERNAL', String(error), { cause: error });
}
