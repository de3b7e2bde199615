/** The long streams of clients that one broker serves, bounded in number, and what ends them with it. */

import { BellwetherError } from '../errors.js';
import { LIMITS } from './limits.js';

/** A stream, as far as the end of its broker goes. */
export interface ClientStream {
  /** The broker stops in order: answers what it has taken, and ends. */
  stop(error: BellwetherError): void;
  /** The broker has failed: nothing that waits will be answered. */
  fail(error: BellwetherError): void;
}

/** The streams of one kind. */
export class OpenStreams {
  readonly #what: string;
  readonly #max: number;
  readonly #open = new Set<ClientStream>();
  #over: BellwetherError | undefined;

  constructor(what: string, max: number) {
    this.#what = what;
    this.#max = max;
  }

  get count(): number {
    return this.#open.size;
  }

  /**
   * Counts a stream in; the returned function counts it out again.
   *
   * @throws BellwetherError TOO_MANY_STREAMS, and what `stop` or `fail` was given.
   */
  add(stream: ClientStream): () => void {
    if (this.#over !== undefined) throw this.#over;
    if (this.#open.size >= this.#max) throw tooManyStreams(this.#what, this.#max);
    this.#open.add(stream);
    return () => {
      this.#open.delete(stream);
    };
  }

  stop(error: BellwetherError): void {
    this.#over ??= error;
    for (const stream of [...this.#open]) stream.stop(error);
  }

  fail(error: BellwetherError): void {
    this.#over ??= error;
    for (const stream of [...this.#open]) stream.fail(error);
  }
}

export class ClientStreams {
  readonly produce = new OpenStreams('produce', LIMITS.produceStreamsMax);
  readonly consume = new OpenStreams('consume', LIMITS.consumeStreamsMax);
  /** Bytes of batches that were taken from clients, on streams or not, and not answered. */
  unansweredBytes = 0;

  /** Ends all streams, and those to come: the broker stops. */
  stop(error: BellwetherError): void {
    this.produce.stop(error);
    this.consume.stop(error);
  }

  /** The same at once: the broker has failed. */
  fail(error: BellwetherError): void {
    this.produce.fail(error);
    this.consume.fail(error);
  }

  /**
   * Counts `bytes` while `work` is under way.
   *
   * @throws BellwetherError UNANSWERED_BYTES_EXCEEDED when that is too much; one alone always may.
   */
  async whileHeld<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const total = this.unansweredBytes + bytes;
    if (this.unansweredBytes > 0 && total > LIMITS.unansweredBytesMax) throw tooManyBytes(total);
    this.unansweredBytes = total;
    try {
      return await work();
    } finally {
      this.unansweredBytes -= bytes;
    }
  }
}

function tooManyStreams(what: string, max: number): BellwetherError {
  return new BellwetherError(
    'TOO_MANY_STREAMS',
    `this broker serves ${String(max)} ${what} streams already`,
    {
      metadata: { streams_max: String(max), kind: what },
    },
  );
}

function tooManyBytes(bytes: number): BellwetherError {
  const max = LIMITS.unansweredBytesMax;
  return new BellwetherError(
    'UNANSWERED_BYTES_EXCEEDED',
    `this broker would hold ${String(bytes)} bytes of unanswered writes, and may hold ${String(max)}`,
    { metadata: { unanswered_bytes: String(bytes), max_bytes: String(max) } },
  );
}
