/** The life of one client: what is under way registers here, so that close() ends all of it at once. */
import { BellwetherError } from '../errors.js';

/** From connect() to close(). */
export class Lifetime {
  readonly #cancels = new Set<() => void>();
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  /** Throws once the client is closed; nothing was sent then. */
  check(): void {
    if (this.#closed) throw new BellwetherError('CONNECTION_FAILED', 'the client is closed');
  }

  /** Runs `cancel` when the client closes. Returns what takes it back. */
  onClose(cancel: () => void): () => void {
    this.#cancels.add(cancel);
    return () => this.#cancels.delete(cancel);
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
