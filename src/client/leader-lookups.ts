/**
 * Learns who leads. A few partitions are asked for one by one: the broker waits for the outcome of an election
 * then, and answers at once when it is known. When many are wanted together, as a broker that led them is gone, all
 * leaders of the topic are fetched in one answer, and again while some are missing: a thousand questions would keep
 * busy the brokers that have a thousand elections to hold.
 */

import type { MetadataResponse } from '../../gen/bellwether/v1/metadata_service.js';
import type { MetadataCache } from './metadata-cache.js';
import type { PartitionRef } from './types.js';

/** Questions for one partition each that are under way at one broker. */
const SINGLES_MAX = 4;

/** Pause in milliseconds before the leaders of a topic are fetched again. */
const PAUSE_MS = 20;

/** Bound of one fetch in milliseconds: a broker answers from its memory, or not at all. */
const FETCH_MS_MAX = 1_000;

/** A leader as a broker named it; the address is empty when the broker does not know it. */
export interface NamedLeader {
  readonly leaderAddress: string;
  readonly term: number;
}

export interface LookUpContext {
  readonly cache: MetadataCache;
  /** Asks one broker, once, for one partition. */
  one(ref: PartitionRef, address: string, timeoutMs: number): Promise<NamedLeader>;
  /** Asks one broker, once, for all partitions of a topic. */
  all(topic: string, address: string, timeoutMs: number): Promise<MetadataResponse>;
  sleep(pauseMs: number): Promise<void>;
}

export class LeaderLookUps {
  readonly #context: LookUpContext;
  /** Questions under way, by broker. */
  readonly #singles = new Map<string, number>();
  /** Fetches under way, by broker and topic. */
  readonly #fetches = new Map<string, Promise<void>>();

  constructor(context: LookUpContext) {
    this.#context = context;
  }

  /** Asks the broker at `address` who leads, together with others who ask it. @throws as the calls do */
  async lookUp(ref: PartitionRef, address: string, timeoutMs: number): Promise<NamedLeader> {
    const { cache } = this.#context;
    const deadlineMs = performance.now() + timeoutMs;
    let leftMs = timeoutMs;
    while ((this.#singles.get(address) ?? 0) >= SINGLES_MAX && leftMs > PAUSE_MS) {
      const fetched = this.#fetch(ref.topic, address);
      // Whoever shares a fetch has a deadline of its own.
      await (leftMs < FETCH_MS_MAX ? Promise.race([fetched, this.#context.sleep(leftMs)]) : fetched);
      const known = cache.leader(ref);
      if (known !== undefined) return { leaderAddress: known.address, term: known.term };
      await this.#context.sleep(PAUSE_MS);
      leftMs = deadlineMs - performance.now();
    }
    return this.#one(ref, address, Math.max(1, leftMs));
  }

  async #one(ref: PartitionRef, address: string, timeoutMs: number): Promise<NamedLeader> {
    this.#singles.set(address, (this.#singles.get(address) ?? 0) + 1);
    try {
      return await this.#context.one(ref, address, timeoutMs);
    } finally {
      const left = (this.#singles.get(address) ?? 1) - 1;
      if (left === 0) this.#singles.delete(address);
      else this.#singles.set(address, left);
    }
  }

  /** Who asks for the same while it is under way shares it. */
  #fetch(topic: string, address: string): Promise<void> {
    const key = `${address}/${topic}`;
    const underWay = this.#fetches.get(key);
    if (underWay !== undefined) return underWay;
    const fetched = this.#context
      .all(topic, address, FETCH_MS_MAX)
      .then((response) => this.#adopt(response))
      .finally(() => this.#fetches.delete(key));
    this.#fetches.set(key, fetched);
    return fetched;
  }

  #adopt({ brokers, topics }: MetadataResponse): void {
    const addresses = new Map(brokers.map(({ id, address }) => [id, address]));
    for (const { topic, partitions } of topics) {
      for (const { partition, leader, term } of partitions) {
        const address = addresses.get(leader);
        if (address !== undefined) this.#context.cache.adopt({ topic, partition }, { address, term });
      }
    }
  }
}
