/**
 * The numbers by which the broker knows the batches of one partition again: producer id, epoch and sequence, as in
 * Kafka (KIP-98). A gap that can never be filled, as a batch was given up, is answered by the next epoch, which
 * begins at 0 (KIP-360). The epoch is each partition's own: brokers keep it so.
 */
import type { BatchProducer } from '../records/batch-header.js';

/** Sequences are int32 and begin at 0 again. */
const SEQUENCES = 2 ** 31;

/** Epochs are int16. */
const EPOCH_MAX = 32_767;

/** The place `recordCount` records behind another one. */
export function placeBehind(place: BatchProducer, recordCount: number): BatchProducer {
  return { ...place, baseSequence: (place.baseSequence + recordCount) % SEQUENCES };
}

/** The sequence of one partition. */
export class ProducerSequence {
  readonly #id: number;
  #epoch = 0;
  #next = 0;

  constructor(id: number) {
    this.#id = id;
  }

  /** The place of the next `recordCount` records. */
  take(recordCount: number): BatchProducer {
    const producer = { id: this.#id, epoch: this.#epoch, baseSequence: this.#next };
    this.#next = (this.#next + recordCount) % SEQUENCES;
    return producer;
  }

  /** Begins the next epoch. False when there is none: another producer id is needed. */
  bump(): boolean {
    if (this.#epoch === EPOCH_MAX) return false;
    this.#epoch += 1;
    this.#next = 0;
    return true;
  }
}
