/** Owns the client loop that is the same for every system: one write in flight, the next as soon as it ended. */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Bound of one call in milliseconds, the same for every system. A system may leave a call that it has lost without
 * an answer (etcd: up to 7 s), so a client that means to go on writing has to give up itself.
 */
const CALL_TIMEOUT_MS = 250;

/** Pause after a failed call in milliseconds; the next call goes to the next endpoint. */
const PAUSE_MS = 2;

const VALUE_BYTES = 100;

export class PeerWriter {
  #cluster;
  #endpoint = 0;
  #stopped = false;
  /** @type {Set<(sentMs: number, atMs: number) => void>} */
  #listeners = new Set();
  #running;
  acknowledged = 0;
  failed = 0;

  /** @param {import('./system.mjs').Cluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
    this.#running = this.#run();
  }

  /**
   * When the next acknowledgement arrived of a write that was sent at `fromMs` or later.
   *
   * @param {number} fromMs
   * @returns {Promise<number>}
   */
  acknowledgedAfter(fromMs) {
    return new Promise((resolve) => {
      const look = (/** @type {number} */ sentMs, /** @type {number} */ atMs) => {
        if (sentMs < fromMs) return;
        this.#listeners.delete(look);
        resolve(atMs);
      };
      this.#listeners.add(look);
    });
  }

  async stop() {
    this.#stopped = true;
    await this.#running;
  }

  async #run() {
    for (let number = 0; !this.#stopped; number += 1) {
      const value = `value ${number} `.padEnd(VALUE_BYTES, '.');
      const sentMs = performance.now();
      try {
        await this.#cluster.write(this.#endpoint, value, CALL_TIMEOUT_MS);
        this.acknowledged += 1;
        const atMs = performance.now();
        for (const listener of [...this.#listeners]) listener(sentMs, atMs);
      } catch {
        this.failed += 1;
        this.#endpoint = (this.#endpoint + 1) % this.#cluster.endpoints;
        await pause(PAUSE_MS);
      }
    }
  }
}
