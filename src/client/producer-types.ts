/** The SDK's public types about producers. */

/** Who the batches of an idempotent producer are of. */
export interface ProducerIdentity {
  readonly producerId: number;
  /** The first epoch. The producer counts it up when it begins anew at sequence 0. */
  readonly producerEpoch: number;
}
