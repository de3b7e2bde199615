/**
 * Which partition a record goes to: by its key as Kafka's default partitioner does (murmur2), and without a key to
 * one partition for as long as its batch takes records (KIP-480), then to the less busy of two others.
 */
import { partitionForKey } from '../records/murmur2.js';

/** The partitions of one topic, as one producer spreads its records over them. */
export class Partitioner {
  readonly #partitionCount: number;
  readonly #batchesOf: (partition: number) => number;
  #sticky: number | undefined;

  /** `batchesOf` tells how many batches of a partition have no outcome yet. */
  constructor(partitionCount: number, batchesOf: (partition: number) => number) {
    this.#partitionCount = partitionCount;
    this.#batchesOf = batchesOf;
  }

  partitionOf(key: Uint8Array | undefined): number {
    if (key !== undefined) return partitionForKey(key, this.#partitionCount);
    this.#sticky ??= this.#next();
    return this.#sticky;
  }

  /** The batch of `partition` takes no more records. */
  sealed(partition: number): void {
    if (this.#sticky === partition) this.#sticky = undefined;
  }

  /** The better of two at random: never one without a leader for long, where batches pile up. */
  #next(): number {
    const one = Math.floor(Math.random() * this.#partitionCount);
    const other = Math.floor(Math.random() * this.#partitionCount);
    return this.#batchesOf(one) <= this.#batchesOf(other) ? one : other;
  }
}
