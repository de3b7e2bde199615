/**
 * Producer ids for idempotent producers, each given away once in the life of the cluster.
 *
 * The controller hands them out in blocks, and a broker gives those of its block away from memory. What a
 * broker has left when it stops is never used; ids below 2^53 last longer than any cluster.
 */

import { BellwetherError } from '../errors.js';
import { invariant } from '../invariant.js';
import { LIMITS } from './limits.js';
import { appendCommand, type Submitter } from './submit.js';

/** A producer's name and first epoch. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export class ProducerIds {
  readonly #broker: Submitter;
  #next = 0;
  #end = 0;
  /** The one call for a block that is under way. */
  #refill: Promise<void> | undefined;

  constructor(broker: Submitter) {
    this.#broker = broker;
  }

  /**
   * An identity that nobody else has or will have.
   *
   * @throws BellwetherError NO_LEADER without a controller, COMMIT_TIMEOUT.
   */
  async take(timeoutMs: number): Promise<ProducerIdentity> {
    const { clock } = this.#broker;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    while (this.#next === this.#end) {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) throw new BellwetherError('COMMIT_TIMEOUT', 'no producer ids were handed out in time');
      this.#refill ??= this.#takeBlock(leftMs).finally(() => (this.#refill = undefined));
      await this.#refill;
    }
    const producerId = this.#next;
    this.#next += 1;
    return { producerId, producerEpoch: 0 };
  }

  /** A block whose command timed out may have been handed out: its ids are lost, nobody gets them. */
  async #takeBlock(timeoutMs: number): Promise<void> {
    const count = LIMITS.producerIdBlock;
    const { result } = await appendCommand(this.#broker, { kind: 'takeProducerIds', count }, timeoutMs);
    const { firstProducerId } = result;
    invariant(firstProducerId !== undefined, 'producer ids that were taken are named');
    this.#next = firstProducerId;
    this.#end = firstProducerId + count;
  }
}
