/**
 * Which brokers one client knows, and which of them it asks for what any broker can answer. One is
 * kept as long as it answers; a failure moves on to the next, and those that failed of late come last.
 */
import { invariant } from '../invariant.js';
import type { BrokerInfo } from './types-cluster.js';

/** Addresses known at most: those given to connect() and those learned. */
export const ADDRESSES_MAX = 256;

/** For how long a broker that failed is asked after all others, in milliseconds. */
export const FAILED_LAST_MS = 2000;

/** The addresses: those given first, then those learned from the cluster. */
export class BrokerDirectory {
  readonly #given: readonly string[];
  #learned: readonly Pick<BrokerInfo, 'id' | 'address'>[] = [];
  #addresses: readonly string[];
  #current = 0;
  /** Until when each broker that failed comes last. */
  readonly #lastUntilMs = new Map<string, number>();
  readonly #nowMs: () => number;

  /** `given` must not be empty. `nowMs` is a monotonic clock. */
  constructor(given: readonly string[], nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    invariant(given.length > 0, 'a client needs a broker to begin with');
    this.#given = [...new Set(given)].slice(0, ADDRESSES_MAX);
    this.#addresses = this.#given;
  }

  get size(): number {
    return this.#addresses.length;
  }

  /** The broker to ask now; `avoid` only when there is no other. */
  pick(avoid?: string): string {
    const inTurn = this.#addresses.map((_, i) => this.#at(this.#current + i));
    const others = inTurn.filter((address) => address !== avoid);
    return others.find((address) => !this.#failedOfLate(address)) ?? others[0] ?? this.#at(this.#current);
  }

  /** Another broker than `avoid`, each in its `turn`; undefined if there is none. */
  other(avoid: string, turn: number): string | undefined {
    const others = this.#addresses.filter((address) => address !== avoid);
    const well = others.filter((address) => !this.#failedOfLate(address));
    const candidates = well.length > 0 ? well : others;
    return candidates[turn % candidates.length];
  }

  /** Moves on when `address` is the one asked now; for a while it comes after all others. */
  failed(address: string): void {
    if (!this.#addresses.includes(address)) return;
    this.#lastUntilMs.set(address, this.#nowMs() + FAILED_LAST_MS);
    if (this.#at(this.#current) === address) this.#current = (this.#current + 1) % this.size;
  }

  /** Replaces what was learned before. The addresses given to connect() stay. */
  learn(brokers: readonly Pick<BrokerInfo, 'id' | 'address'>[]): void {
    const current = this.#at(this.#current);
    this.#learned = brokers.filter(({ address }) => address !== '');
    const addresses = new Set([...this.#given, ...this.#learned.map(({ address }) => address)]);
    this.#addresses = [...addresses].slice(0, ADDRESSES_MAX);
    this.#current = Math.max(0, this.#addresses.indexOf(current));
    for (const address of this.#lastUntilMs.keys()) {
      if (!addresses.has(address)) this.#lastUntilMs.delete(address);
    }
  }

  /** Undefined for a broker that was never learned of. */
  addressOf(id: string): string | undefined {
    return this.#learned.find((broker) => broker.id === id)?.address;
  }

  #failedOfLate(address: string): boolean {
    return (this.#lastUntilMs.get(address) ?? Number.NEGATIVE_INFINITY) > this.#nowMs();
  }

  #at(position: number): string {
    const address = this.#addresses[position % this.size];
    invariant(address !== undefined, 'position within the directory', { position, size: this.size });
    return address;
  }
}
