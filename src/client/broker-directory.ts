/**
 * Which brokers one client knows, and which of them it asks for what any broker can answer. One is
 * kept as long as it answers; a failure moves on to the next.
 */
import { invariant } from '../invariant.js';
import type { BrokerInfo } from './types-cluster.js';

/** Addresses known at most: those given to connect() and those learned. */
export const ADDRESSES_MAX = 256;

/** The addresses: those given first, then those learned from the cluster. */
export class BrokerDirectory {
  readonly #given: readonly string[];
  #learned: readonly Pick<BrokerInfo, 'id' | 'address'>[] = [];
  #addresses: readonly string[];
  #current = 0;

  /** `given` must not be empty. */
  constructor(given: readonly string[]) {
    invariant(given.length > 0, 'a client needs a broker to begin with');
    this.#given = [...new Set(given)].slice(0, ADDRESSES_MAX);
    this.#addresses = this.#given;
  }

  get size(): number {
    return this.#addresses.length;
  }

  /** The broker to ask now; `avoid` only when there is no other. */
  pick(avoid?: string): string {
    const current = this.#at(this.#current);
    return current === avoid ? this.#at(this.#current + 1) : current;
  }

  /** Moves on when `address` is the one asked now. Others are left alone: somebody moved on already. */
  failed(address: string): void {
    if (this.#at(this.#current) === address) this.#current = (this.#current + 1) % this.size;
  }

  /** Replaces what was learned before. The addresses given to connect() stay. */
  learn(brokers: readonly Pick<BrokerInfo, 'id' | 'address'>[]): void {
    const current = this.#at(this.#current);
    this.#learned = brokers.filter(({ address }) => address !== '');
    const addresses = new Set([...this.#given, ...this.#learned.map(({ address }) => address)]);
    this.#addresses = [...addresses].slice(0, ADDRESSES_MAX);
    this.#current = Math.max(0, this.#addresses.indexOf(current));
  }

  /** Undefined for a broker that was never learned of. */
  addressOf(id: string): string | undefined {
    return this.#learned.find((broker) => broker.id === id)?.address;
  }

  #at(position: number): string {
    const address = this.#addresses[position % this.size];
    invariant(address !== undefined, 'position within the directory', { position, size: this.size });
    return address;
  }
}
