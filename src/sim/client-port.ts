/** How simulated clients reach brokers: a call takes its time, may be lost with its broker, and has a deadline. */

import type { Broker } from '../broker/broker.js';
import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import { holds } from './checkers/violation.js';
import type { SimProcess } from './process.js';
import type { Random } from './random.js';
import { OUTSIDE, type Owner, type Scheduler } from './scheduler.js';

/** Mean one-way delay between a client and a broker. */
const DELAY_MS = 0.4;
/** How much longer than its own timeout a client waits for a broker's answer. */
const PATIENCE_MS = 500;

/** A slow clock stretches a deadline. */
const CLOCK_SLACK = 1.3;
/** How long after its deadline a broker may take to say so. */
const ANSWER_MS_MAX = 600;

/** A call that a broker has taken. */
interface Served {
  readonly process: SimProcess;
  /** In the broker's own running time. */
  readonly sinceMs: number;
  readonly timeoutMs: number;
}

export class ClientPort {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #processOf: (id: BrokerId) => SimProcess | undefined;
  /** Calls that a broker has taken and not answered, with the broker's process. */
  readonly #served = new Map<object, Served>();

  constructor(scheduler: Scheduler, random: Random, processOf: (id: BrokerId) => SimProcess | undefined) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#processOf = processOf;
  }

  /** Calls that live brokers have not answered. */
  get unanswered(): number {
    let count = 0;
    for (const { process } of this.#served.values()) if (process.state !== 'dead') count += 1;
    return count;
  }

  /** I19: a broker that runs answers each call within the time that it was given. */
  checkAnswers(): void {
    for (const [token, { process, sinceMs, timeoutMs }] of this.#served) {
      if (process.state === 'dead' || process.failure !== undefined) {
        this.#served.delete(token);
        continue;
      }
      const ms = process.activeMs - sinceMs;
      const facts = { broker: process.id, ms, timeoutMs };
      holds(ms <= timeoutMs * CLOCK_SLACK + ANSWER_MS_MAX, 'I19', 'a call is answered in its time', facts);
    }
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
        this.#served.set(token, { process, timeoutMs, sinceMs: process.activeMs });
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
