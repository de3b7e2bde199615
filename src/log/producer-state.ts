/**
 * What a partition knows of its idempotent producers, so that a batch that is sent again is appended once.
 * Pure. The rules are those of Kafka (ProducerStateManager, ProducerAppendInfo, ProducerStateEntry).
 *
 * State is what the committed batches come to, in the order of the log, so it is the same on every replica.
 * The batches behind, appended but not committed, are kept beside it: a leader compares with these too, and
 * when they are truncated nothing has to be undone.
 */

import { invariant } from '../invariant.js';
import type { LogIndex, Term } from '../raft/types.js';
import type { BatchHeader } from '../records/batch-header.js';
import type { Offset } from '../records/offset.js';

/** Batches of one producer that are recognised when they come again: as many as may be in flight in Kafka. */
export const PRODUCER_WINDOW_BATCHES = 5;

/**
 * Producers that one partition remembers. One more, and that whose last append is the longest ago is
 * forgotten: by the order of the log and not by a clock, so that all replicas forget the same one.
 */
export const PRODUCERS_MAX = 4_096;

/** Sequences are numbers of records from 0; behind the last comes 0 again. */
const SEQUENCES = 2 ** 31;

/** A batch of a producer, and where it is. */
export interface ProducerBatch {
  readonly firstSequence: number;
  /** Inclusive. */
  readonly lastSequence: number;
  readonly baseOffset: Offset;
  /** Of the leader that appended it. */
  readonly term: Term;
}

/** One producer, as far as its batches are known: the newest of one epoch, at least one, oldest first. */
export interface ProducerWindow {
  readonly epoch: number;
  readonly batches: readonly ProducerBatch[];
}

/** A batch in the log that is not committed here. */
interface PendingBatch {
  readonly producerId: number;
  readonly index: LogIndex;
  readonly window: ProducerWindow;
}

/** What a leader should do with a batch. */
export type SequenceVerdict =
  | { readonly kind: 'next' }
  /** It is in the log already; `index` is that of its entry while it is not committed. */
  | { readonly kind: 'duplicate'; readonly batch: ProducerBatch; readonly index: LogIndex | undefined }
  | { readonly kind: 'outOfOrder'; readonly expected: number }
  | { readonly kind: 'fenced'; readonly epoch: number };

/** The part of a header that matters here. The producer id is from 0, epoch and sequence too. */
export type ProducerHeader = Pick<
  BatchHeader,
  'producerId' | 'producerEpoch' | 'baseSequence' | 'recordCount'
>;

const NEXT: SequenceVerdict = { kind: 'next' };

export class ProducerState {
  readonly #max: number;
  /** Committed, in the order of the last append, the oldest first. */
  #producers = new Map<number, ProducerWindow>();
  /** In the order of the log. */
  #pending: PendingBatch[] = [];
  /** The same by producer, each in the order of the log. */
  readonly #pendingOf = new Map<number, PendingBatch[]>();

  constructor(max = PRODUCERS_MAX) {
    this.#max = max;
  }

  /** What is committed, in the order of the last append; for a snapshot. */
  get committed(): ReadonlyMap<number, ProducerWindow> {
    return this.#producers;
  }

  /** Compares a batch that was not appended yet with all that is in the log, committed or not. */
  check({ producerId, producerEpoch, baseSequence, recordCount }: ProducerHeader): SequenceVerdict {
    const pending = this.#pendingOf.get(producerId) ?? [];
    const known = this.#windowOf(producerId, pending);
    // Kafka: a producer that is not known, or forgotten, begins with any sequence.
    if (known === undefined) return NEXT;
    if (producerEpoch < known.epoch) return { kind: 'fenced', epoch: known.epoch };
    if (producerEpoch > known.epoch) return baseSequence === 0 ? NEXT : { kind: 'outOfOrder', expected: 0 };
    const lastSequence = sequenceAfter(baseSequence, recordCount - 1);
    const isSame = (batch: ProducerBatch): boolean =>
      batch.firstSequence === baseSequence && batch.lastSequence === lastSequence;
    const batch = known.batches.find(isSame);
    if (batch !== undefined) {
      const index = pending.find(({ window }) => window.batches[0] === batch)?.index;
      return { kind: 'duplicate', batch, index };
    }
    const expected = sequenceAfter(known.batches.at(-1)?.lastSequence ?? -1, 1);
    return baseSequence === expected ? NEXT : { kind: 'outOfOrder', expected };
  }

  /** Takes in a batch of the log. What a leader appended is not judged again. */
  appended(index: LogIndex, term: Term, baseOffset: Offset, header: ProducerHeader): void {
    const { producerId, producerEpoch, baseSequence, recordCount } = header;
    const lastSequence = sequenceAfter(baseSequence, recordCount - 1);
    const batch = { firstSequence: baseSequence, lastSequence, baseOffset, term };
    const pending = { producerId, index, window: { epoch: producerEpoch, batches: [batch] } };
    this.#pending.push(pending);
    const own = this.#pendingOf.get(producerId);
    if (own === undefined) this.#pendingOf.set(producerId, [pending]);
    else own.push(pending);
  }

  truncatedFrom(index: LogIndex): void {
    while ((this.#pending.at(-1)?.index ?? -1) >= index) {
      const pending = this.#pending.pop();
      if (pending !== undefined) this.#forgetPending(pending, -1);
    }
  }

  /** Takes in that all batches up to `index` are committed. */
  committedTo(index: LogIndex): void {
    let count = 0;
    for (const pending of this.#pending) {
      if (pending.index > index) break;
      this.#forgetPending(pending, 0);
      this.#apply(pending);
      count += 1;
    }
    if (count > 0) this.#pending = this.#pending.slice(count);
  }

  /** Begins anew with what a snapshot has; undefined to keep what is committed. */
  restored(producers: ReadonlyMap<number, ProducerWindow> | undefined): void {
    if (producers !== undefined) this.#producers = new Map(producers);
    this.#pending = [];
    this.#pendingOf.clear();
  }

  #apply({ producerId, window }: PendingBatch): void {
    const known = this.#producers.get(producerId);
    this.#producers.delete(producerId);
    this.#producers.set(producerId, followed(known, window));
    if (this.#producers.size <= this.#max) return;
    for (const oldest of this.#producers.keys()) {
      this.#producers.delete(oldest);
      return;
    }
  }

  /** Takes the first (0) or last (-1) pending batch of a producer off, which must be this one. */
  #forgetPending(pending: PendingBatch, at: 0 | -1): void {
    const own = this.#pendingOf.get(pending.producerId) ?? [];
    invariant(own.at(at) === pending, 'batches of a producer are in the order of the log', {
      producerId: pending.producerId,
      index: pending.index,
    });
    if (at === 0) own.shift();
    else own.pop();
    if (own.length === 0) this.#pendingOf.delete(pending.producerId);
  }

  /** What is known of a producer with all of the log: no more than the last batches can matter. */
  #windowOf(producerId: number, pending: readonly PendingBatch[]): ProducerWindow | undefined {
    let known = this.#producers.get(producerId);
    for (const { window } of pending.slice(-PRODUCER_WINDOW_BATCHES)) known = followed(known, window);
    return known;
  }
}

/** A producer's window with one more batch. Another epoch begins a new one. */
function followed(known: ProducerWindow | undefined, next: ProducerWindow): ProducerWindow {
  if (known?.epoch !== next.epoch) return next;
  return { epoch: known.epoch, batches: [...known.batches, ...next.batches].slice(-PRODUCER_WINDOW_BATCHES) };
}

/** The sequence that is so many records behind another, which may be -1. */
export function sequenceAfter(sequence: number, records: number): number {
  return (sequence + records) % SEQUENCES;
}
