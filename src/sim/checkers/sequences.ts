/** I22: a record of an idempotent producer is committed once, whoever led when it was sent, and sent again. */

import { ENTRY_KIND } from '../../raft/types.js';
import { readBatchHeader } from '../../records/batch-header.js';
import type { KnownEntry } from './log-matching.js';
import { holds } from './violation.js';

export class Sequences {
  /** By group: producer, epoch and sequence of every committed record that has them. */
  readonly #committed = new Map<number, Set<string>>();

  committed(group: number, { kind, payload }: KnownEntry): void {
    if (kind !== ENTRY_KIND.RECORD_BATCH) return;
    const { producerId, producerEpoch, baseSequence, baseOffset, recordCount } = readBatchHeader(payload);
    if (producerId < 0) return;
    const known = this.#committed.get(group) ?? new Set<string>();
    this.#committed.set(group, known);
    for (let sequence = baseSequence; sequence < baseSequence + recordCount; sequence++) {
      const record = `${String(producerId)}/${String(producerEpoch)}/${String(sequence)}`;
      holds(!known.has(record), 'I22', 'what is sent again is there once', { group, record, baseOffset });
      known.add(record);
    }
  }
}
