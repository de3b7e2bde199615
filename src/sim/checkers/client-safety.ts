/**
 * What clients were told stays true: I1, an acknowledged value is at its offset for ever; I18, a fetch
 * returns committed records only, without a gap, and none beyond the high watermark.
 */

import type { Committed } from './committed.js';
import { holds } from './violation.js';

export class ClientSafety {
  readonly #committed: Committed;
  readonly #groupOf: (partition: number) => number;
  readonly #acknowledged = new Map<number, Map<number, number>>();

  constructor(committed: Committed, groupOf: (partition: number) => number) {
    this.#committed = committed;
    this.#groupOf = groupOf;
  }

  /** Records whose acknowledgement a client has. */
  get acknowledgedRecords(): number {
    let count = 0;
    for (const values of this.#acknowledged.values()) count += values.size;
    return count;
  }

  acknowledged(partition: number, offset: number, value: number): void {
    const committed = this.#committed.chain(this.#groupOf(partition)).values[offset];
    const facts = { partition, offset, value, committed };
    holds(committed === value, 'I1', 'what is acknowledged is committed at its offset', facts);
    const values = this.#acknowledged.get(partition) ?? new Map<number, number>();
    this.#acknowledged.set(partition, values);
    holds(!values.has(offset), 'I1', 'one acknowledgement for an offset', facts);
    values.set(offset, value);
  }

  fetched(
    partition: number,
    from: number,
    records: readonly (readonly [offset: number, value: number])[],
    highWatermark: number,
  ): void {
    const { values } = this.#committed.chain(this.#groupOf(partition));
    records.forEach(([offset, value], i) => {
      const facts = { partition, from, offset, value, committed: values[offset], highWatermark };
      holds(offset === from + i, 'I18', 'a fetch skips nothing', facts);
      holds(offset < highWatermark, 'I18', 'a fetch ends at the high watermark', facts);
      holds(values[offset] === value, 'I18', 'a fetch returns what is committed', facts);
    });
  }

  /** At the end: a replica's whole partition holds every acknowledged record. */
  checkFinal(partition: number, broker: string, records: ReadonlyMap<number, number>): void {
    for (const [offset, value] of this.#acknowledged.get(partition) ?? []) {
      const found = records.get(offset);
      holds(found === value, 'I1', 'no acknowledged record is lost', {
        partition,
        broker,
        offset,
        value,
        found,
      });
    }
  }
}
