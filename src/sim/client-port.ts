/** How simulated clients reach brokers: a call takes its time, may be lost with its broker, and has a deadline. */

import type { Broker } from '../broker/broker.js';
import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import type { SimProcess } from './process.js';
import type { Random } from './random.js';
import { OUTSIDE, type Owner, type Scheduler } from './scheduler.js';

/** Mean one-way delay between a client and a broker. */
const DELAY_MS = 0.4;
/** How much longer than its own timeout a client waits for a broker's answer. */
const PATIENCE_MS = 500;

export class ClientPort {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #processOf: (id: BrokerId) => SimProcess | undefined;
  /** Calls that a broker has taken and not answered, with the broker's process. */
  readonly #served = new Map<object, SimProcess>();

  constructor(scheduler: Scheduler, random: Random, processOf: (id: BrokerId) => SimProcess | undefined) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#processOf = processOf;
  }

  /** Calls that live brokers have not answered. */
  get unanswered(): number {
    let count = 0;
    for (const { state } of this.#served.values()) if (state !== 'dead') count += 1;
    return count;
  }

  get nowMs(): number {
    return this.#scheduler.nowMs;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#scheduler.after(ms, OUTSIDE, resolve);
    });
  }

  /** Has a broker do something and brings the result back. Rejects with a BellwetherError. */
  call<T>(to: BrokerId, timeoutMs: number, serve: (broker: Broker) => Promise<T> | T): Promise<T> {
    return new Promise((resolve, reject) => {
      const wire = (run: () => void, owner: Owner = OUTSIDE): void => {
        this.#scheduler.after(DELAY_MS * (0.5 + this.#random.exponential(0.5)), owner, run);
      };
      const process = this.#processOf(to);
      if (process?.broker === undefined || process.state === 'dead' || process.failure !== undefined) {
        wire(() => reject(new BellwetherError('CONNECTION_FAILED', `${to} is not running`)));
        return;
      }
      const { broker } = process;
      const cancel = this.#scheduler.after(timeoutMs + PATIENCE_MS, OUTSIDE, () =>
        reject(new BellwetherError('REQUEST_TIMEOUT', `${to} has not answered`)),
      );
      const token = {};
      const answer = (settle: () => void): void => {
        this.#served.delete(token);
        wire(() => {
          cancel();
          settle();
        });
      };
      wire(() => {
        this.#served.set(token, process);
        new Promise<T>((done) => {
          done(serve(broker));
        }).then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(error instanceof Error ? error : new Error(String(error)))),
        );
      }, process);
    });
  }
}
