/** The life of one client or of one watch: what is under way registers here, so that close() ends it at once. */
import { BellwetherError } from '../errors.js';

/** From connect() to close(), or a part of that. */
export class Lifetime {
  readonly #cancels = new Set<() => void>();
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  /** @throws BellwetherError CLIENT_CLOSED once the client is closed; nothing was sent then. */
  check(): void {
    if (this.#closed) throw closedError();
  }

  /** Runs `cancel` when the client closes. Returns what takes it back. */
  onClose(cancel: () => void): () => void {
    this.#cancels.add(cancel);
    return () => this.#cancels.delete(cancel);
  }

  /** A part of this life, which ends with it, when `signal` aborts, or by its own close(). */
  within(signal: AbortSignal | undefined): Lifetime {
    const part = new Lifetime();
    const end = (): void => part.close();
    if (this.#closed || signal?.aborted === true) {
      end();
      return part;
    }
    const forget = this.onClose(end);
    signal?.addEventListener('abort', end, { once: true });
    part.onClose(() => {
      forget();
      signal?.removeEventListener('abort', end);
    });
    return part;
  }

  /** As `work`, but rejects when this life ends before it. */
  whileOpen<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const forget = this.onClose(() => reject(closedError()));
      void work.finally(forget).then(resolve, reject);
    });
  }

  /** Resolves after `pauseMs`, or at once when the client closes. Leaves no timer behind. */
  sleep(pauseMs: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        forget();
        resolve();
      };
      const timer = setTimeout(wake, pauseMs);
      const forget = this.onClose(wake);
    });
  }

  /** Ends everything that is registered. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const cancel of [...this.#cancels]) cancel();
    this.#cancels.clear();
  }
}

/** Of what had not been sent when the client, or what `what` names, was closed. */
export function closedError(what = 'client'): BellwetherError {
  return new BellwetherError('CLIENT_CLOSED', `the ${what} is closed`);
}
