/** One attempt to get an answer from the leader of a partition, which may be given up before its deadline. */
import { BellwetherError } from '../errors.js';
import type { LeaderHint } from '../errors.js';
import type { Effect } from './retry-policy.js';
import type { PartitionRef } from './types.js';

/** Whom an attempt waits for. */
export interface Asked {
  readonly ref: PartitionRef;
  readonly address: string;
  /** Term of the leader that is taken to be there; undefined where a broker is asked who leads. */
  readonly term: number | undefined;
}

/** An attempt under way. */
export class Attempt {
  readonly asked: Asked;
  readonly effect: Effect;
  /** After this long in milliseconds without an answer others are asked who leads. */
  readonly paceMs: number;
  readonly startedMs: number;
  /** Since when a newer leader is known while the one asked is said to be alive; on the monotonic clock. */
  newerSinceMs: number | undefined;
  #newer: LeaderHint | undefined;
  #cancel: (() => void) | undefined;

  constructor(asked: Asked, effect: Effect, paceMs: number, nowMs: number) {
    this.asked = asked;
    this.effect = effect;
    this.paceMs = paceMs;
    this.startedMs = nowMs;
  }

  get dueMs(): number {
    return this.startedMs + this.paceMs;
  }

  get isGivenUp(): boolean {
    return this.#newer !== undefined;
  }

  /** Says how to end what the attempt waits for now; replaces what was said before. */
  onGivenUp(cancel: () => void): void {
    this.#cancel = cancel;
  }

  /** True when `leader` leads instead of the one asked: stale news, and the same broker again, do not count. */
  isOutdatedBy({ address, term }: Pick<LeaderHint, 'address' | 'term'>): boolean {
    if (this.asked.term === undefined) return true;
    return term > this.asked.term && address !== this.asked.address;
  }

  /** Ends the attempt, as `newer` leads. Idempotent. */
  giveUp(newer: LeaderHint): void {
    if (this.isGivenUp) return;
    this.#newer = newer;
    this.#cancel?.();
  }

  /** Why the attempt was given up: UNKNOWN once it was `sent`; undefined if it was not given up. */
  lost(sent: boolean): BellwetherError | undefined {
    const newer = this.#newer;
    if (newer === undefined) return undefined;
    const { ref, address } = this.asked;
    const waitedMs = Math.round(performance.now() - this.startedMs);
    const message =
      `broker at ${address} has not answered for ${waitedMs} ms, and ${newer.leader} at ${newer.address} ` +
      `leads ${ref.topic}/${ref.partition} in term ${newer.term} by now`;
    const options = { metadata: { address, waited_ms: String(waitedMs) }, leaderHint: newer };
    if (!sent) return new BellwetherError('CONNECTION_FAILED', message, options);
    const doubt = this.effect === 'read' ? '' : '; the write may or may not be in its log';
    return new BellwetherError('LEADERSHIP_LOST', message + doubt, options);
  }
}
