/** Who leads which partition, as far as one client knows. A newer term wins. */
import type { LeaderHint } from '../errors.js';
import type { PartitionRef } from './types.js';

/** Partitions remembered at most; beyond it the oldest is forgotten and looked up again when needed. */
export const CACHED_PARTITIONS_MAX = 65_536;

/** A leader worth asking. */
export interface CachedLeader {
  /** HOST:PORT for clients. */
  readonly address: string;
  readonly term: number;
  /** It said that it hears from no quorum: others may know a newer one. */
  readonly doubted?: boolean;
}

/** The cache. Keyed by topic and partition. */
export class MetadataCache {
  readonly #leaders = new Map<string, CachedLeader>();

  leader(ref: PartitionRef): CachedLeader | undefined {
    return this.#leaders.get(partitionName(ref));
  }

  /**
   * Takes a leader over when its term is newer than the one known (KIP-951): an old hint would send
   * requests in circles.
   *
   * @returns whether it was taken over.
   */
  adopt(ref: PartitionRef, hint: Pick<LeaderHint, 'address' | 'term'>): boolean {
    const known = this.leader(ref);
    if (hint.address === '' || (known !== undefined && hint.term <= known.term)) return false;
    if (known === undefined && this.#leaders.size >= CACHED_PARTITIONS_MAX) this.#forgetOldest();
    this.#leaders.set(partitionName(ref), { address: hint.address, term: hint.term });
    return true;
  }

  /** Marks the leader at `address`, if it is the one known: others are to be asked before it. */
  doubt(ref: PartitionRef, address: string, doubted = true): void {
    const known = this.leader(ref);
    if (known?.address !== address) return;
    this.#leaders.set(partitionName(ref), { address, term: known.term, doubted });
  }

  forget(ref: PartitionRef): void {
    this.#leaders.delete(partitionName(ref));
  }

  /** Forgets every leader at `address`: what cost one partition a timeout shall not cost the others. */
  forgetBroker(address: string): void {
    for (const [partition, leader] of this.#leaders) {
      if (leader.address === address) this.#leaders.delete(partition);
    }
  }

  #forgetOldest(): void {
    const [oldest] = this.#leaders.keys();
    if (oldest !== undefined) this.#leaders.delete(oldest);
  }
}

/** Topic names hold no slash, so this is unique. */
export function partitionName({ topic, partition }: PartitionRef): string {
  return `${topic}/${partition}`;
}
