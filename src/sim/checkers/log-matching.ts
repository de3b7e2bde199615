/** I9, log matching: entries of equal index and term are equal everywhere, and so is all before them. */

import { decodeDeleteRecords } from '../../log/delete-records.js';
import { decodeOffsetCommit } from '../../log/offset-commit.js';
import { decodeMembership } from '../../raft/membership.js';
import { asLogIndex, type Entry, ENTRY_KIND } from '../../raft/types.js';
import { decodeRecordBatch } from '../../records/batch-decode.js';
import type { ReplicaChange } from './replica-view.js';
import { holds } from './violation.js';

/** The consumer group whose offsets clients commit. */
export const CONSUMER_GROUP = 'readers';

export interface KnownEntry {
  readonly kind: number;
  readonly payload: Uint8Array;
  readonly previousTerm: number;
}

export class LogMatching {
  /** By group, then index, then term: every entry that was in any log. */
  readonly #known = new Map<number, Map<number, KnownEntry>[]>();

  entry(group: number, index: number, term: number): KnownEntry | undefined {
    return this.#known.get(group)?.[index]?.get(term);
  }

  check({ view }: ReplicaChange): void {
    const { log } = view.host;
    let next = asLogIndex(view.read + 1);
    while (next <= log.lastIndex && Number(log.termAt(next)) === view.terms[next]) {
      const entries = log.entries(next, asLogIndex(log.lastIndex + 1), Number.MAX_SAFE_INTEGER);
      for (const entry of entries) {
        if (entry.term !== Number(view.terms[entry.index])) return;
        this.#check(view.group, entry, view.terms[entry.index - 1] ?? 0, view.broker);
        if (entry.kind === ENTRY_KIND.MEMBERSHIP) {
          const { voters } = decodeMembership(entry.payload);
          view.memberships.push({ index: entry.index, term: entry.term, voters });
        }
        view.read = entry.index;
      }
      next = asLogIndex(view.read + 1);
    }
  }

  #check(group: number, entry: Entry, previousTerm: number, broker: string): void {
    const byIndex = this.#known.get(group) ?? [];
    this.#known.set(group, byIndex);
    const byTerm = (byIndex[entry.index] ??= new Map<number, KnownEntry>());
    const known = byTerm.get(entry.term);
    const { kind, payload, index, term } = entry;
    if (known === undefined) {
      byTerm.set(term, { kind, payload: payload.slice(), previousTerm });
      return;
    }
    const facts = { group, index, term, broker };
    holds(known.previousTerm === previousTerm, 'I9', 'logs that are equal here are equal before', facts);
    holds(known.kind === kind && equal(known.payload, payload), 'I9', 'one entry per index and term', facts);
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The records of an entry, as offset and value; none for an entry that holds no batch. */
export function recordsOf({ kind, payload }: KnownEntry): [offset: number, value: number][] {
  if (kind !== ENTRY_KIND.RECORD_BATCH) return [];
  return decodeRecordBatch(payload).map(({ offset, value }) => [offset, valueOf(value)]);
}

/** What an entry commits for a consumer group; undefined where it does not. */
export function committedOffsetOf({ kind, payload }: KnownEntry, consumerGroup: string): number | undefined {
  if (kind !== ENTRY_KIND.COMMIT_OFFSETS) return undefined;
  const { group, offset } = decodeOffsetCommit(payload);
  return group === consumerGroup ? offset : undefined;
}

/** Up to where an entry deletes records; 0 where it does not. */
export function deletedBelow({ kind, payload }: KnownEntry): number {
  return kind === ENTRY_KIND.DELETE_RECORDS ? decodeDeleteRecords(payload).beforeOffset : 0;
}

/** The voters of a membership entry; undefined for another one. */
export function votersOf({ kind, payload }: KnownEntry): readonly string[] | undefined {
  return kind === ENTRY_KIND.MEMBERSHIP ? decodeMembership(payload).voters : undefined;
}

/** The number that a client wrote: the first eight bytes. */
export function valueOf(bytes: Uint8Array | undefined): number {
  if (bytes === undefined || bytes.length < 8) return -1;
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
}
