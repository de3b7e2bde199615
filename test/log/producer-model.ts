/** What Kafka's rules come to, from a list of all batches, without windows that are carried along. */
import type { ProducerHeader } from '../../src/log/producer-state.js';

interface Known extends ProducerHeader {
  readonly baseOffset: number;
}

const SEQUENCES = 2 ** 31;

export class ProducerModel {
  readonly #producersMax: number;
  log: Known[] = [];
  committed = 0;

  constructor(producersMax: number) {
    this.#producersMax = producersMax;
  }

  /** 'next', 'outOfOrder', 'fenced', or the base offset of a duplicate. */
  verdict(offered: ProducerHeader): string {
    const own = this.#ownOf(offered.producerId);
    const last = own.at(-1);
    if (last === undefined) return 'next';
    if (offered.producerEpoch < last.producerEpoch) return 'fenced';
    if (offered.producerEpoch > last.producerEpoch) return offered.baseSequence === 0 ? 'next' : 'outOfOrder';
    const same = own
      .slice(own.findLastIndex(({ producerEpoch }) => producerEpoch !== last.producerEpoch) + 1)
      .slice(-5)
      .find(
        (known) => known.baseSequence === offered.baseSequence && known.recordCount === offered.recordCount,
      );
    if (same !== undefined) return `duplicate of ${String(same.baseOffset)}`;
    const expected = (last.baseSequence + last.recordCount) % SEQUENCES;
    return offered.baseSequence === expected ? 'next' : 'outOfOrder';
  }

  /** The producer's batches since it was forgotten last: when so many others had written after it. */
  #ownOf(producerId: number): Known[] {
    let own: Known[] = [];
    let others = new Set<number>();
    this.log.forEach((known, i) => {
      if (known.producerId === producerId) {
        own.push(known);
        others = new Set();
      } else if (i < this.committed && this.#isBehindCommitted(own, i)) {
        others.add(known.producerId);
        if (others.size >= this.#producersMax) own = [];
      }
    });
    return own;
  }

  #isBehindCommitted(own: readonly Known[], i: number): boolean {
    const last = own.at(-1);
    return last !== undefined && this.log.indexOf(last) < i;
  }
}
