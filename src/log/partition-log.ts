/**
 * The state machine of one partition: offsets of its record batches, log start offset, high watermark,
 * committed offsets of consumer groups, idempotent producers. Pure.
 *
 * It follows the Raft log entry by entry, so it knows offsets of batches that are not committed yet;
 * what readers see ends at the high watermark.
 *
 * Pointers: logStartOffset <= highWatermark <= logEndOffset, the last two exclusive. Entries that hold no
 * batch (no-ops, memberships, offset commits, deletions) use a log index but no offset.
 *
 * Once the records of the oldest entries are deleted, a snapshot may stand for these entries. It carries the
 * state of a later index, `effectIndex`: the effects of entries up to there are in it already, while the
 * batches behind the snapshot are still to come.
 */

import { invariant } from '../invariant.js';
import type { Snapshot } from '../raft/log.js';
import { asLogIndex, type Entry, ENTRY_KIND, type LogIndex } from '../raft/types.js';
import { readBatchHeader } from '../records/batch-header.js';
import { asOffset, type Offset } from '../records/offset.js';
import { BatchIndex } from './batch-index.js';
import { decodeDeleteRecords, type DeleteRecords } from './delete-records.js';
import { type CommitSettlement, type GroupOffset, isFenced } from './group-offset.js';
import { countExpired, type KeptRecords } from './kept-records.js';
import { decodeOffsetCommit, type OffsetCommit } from './offset-commit.js';
import {
  decodePartitionCheckpoint,
  encodePartitionCheckpoint,
  type PartitionState,
  spansBehind,
} from './partition-checkpoint.js';
import {
  decodePartitionSnapshot,
  encodePartitionSnapshot,
  type PartitionSnapshot,
} from './partition-snapshot.js';
import { ProducerState } from './producer-state.js';

/**
 * Entries without records that pile up before it is worth a snapshot to be rid of them: a partition whose
 * records are deleted may go on to get offset commits, and a snapshot for each would double its writes.
 */
const BARREN_ENTRIES_MAX = 1_024;

/** What an entry does once it is committed. */
interface PendingEffect {
  readonly index: LogIndex;
  readonly effect: OffsetCommit | DeleteRecords;
}

export class PartitionLog {
  /** For the leader to look up; only this class changes it. */
  readonly producers = new ProducerState();
  #batches = new BatchIndex(asOffset(0));
  /** How many of the batches are below the high watermark. */
  #committedBatches = 0;
  /** Of entries that are in the log but not committed by Raft yet. */
  #pending: PendingEffect[] = [];
  readonly #committedOffsets = new Map<string, GroupOffset>();
  #logStartOffset = asOffset(0);
  #highWatermark = asOffset(0);
  #committedIndex = asLogIndex(0);
  #effectIndex = asLogIndex(0);
  /** Entries up to here are gone. */
  #compactedIndex = asLogIndex(0);

  /**
   * Smallest offset that can be read. Behind a snapshot the deletions are known before the batches are here
   * again; till then nothing can be read, and it is the high watermark (I14).
   */
  get logStartOffset(): Offset {
    return asOffset(Math.min(this.#logStartOffset, this.#highWatermark));
  }

  /** Next offset to assign. */
  get logEndOffset(): Offset {
    return this.#batches.endOffset;
  }

  /** First offset not known to be committed. */
  get highWatermark(): Offset {
    return this.#highWatermark;
  }

  /** Effects of entries up to here are in the state, committed here or not. */
  get effectIndex(): LogIndex {
    return this.#effectIndex;
  }

  /** Of the batches that are not deleted; one that holds deleted records too counts whole. */
  get bytes(): number {
    return this.#batches.bytesFrom(this.#deletedBatches());
  }

  /** What a consumer group has committed; undefined when that is nothing. */
  committedOffset(group: string): GroupOffset | undefined {
    return this.#committedOffsets.get(group);
  }

  /** Below which offset records may be deleted, so that what is to be kept stays; undefined for none. */
  expired(kept: KeptRecords): Offset | undefined {
    const deleted = this.#deletedBatches();
    const expired = countExpired(this.#batches, kept, deleted, this.#committedBatches);
    return expired > deleted ? this.#batches.endOfFirst(expired) : undefined;
  }

  appended(entry: Entry): void {
    const { index, term, kind, payload } = entry;
    invariant(index > this.#compactedIndex, 'entries follow the snapshot', { index });
    const isNew = index > this.#effectIndex;
    switch (kind) {
      case ENTRY_KIND.RECORD_BATCH: {
        const header = readBatchHeader(payload);
        const { baseOffset, recordCount, maxTimestampMs } = header;
        const endOffset = asOffset(baseOffset + recordCount);
        this.#batches.push(baseOffset, { index, endOffset, maxTimestampMs, bytes: payload.length });
        if (isNew && header.producerId >= 0) this.producers.appended(index, term, baseOffset, header);
        break;
      }
      case ENTRY_KIND.COMMIT_OFFSETS:
        if (isNew) this.#pending.push({ index, effect: decodeOffsetCommit(payload) });
        break;
      case ENTRY_KIND.DELETE_RECORDS:
        if (isNew) this.#pending.push({ index, effect: decodeDeleteRecords(payload) });
        break;
      case ENTRY_KIND.NOOP:
      case ENTRY_KIND.MEMBERSHIP:
        break;
      case ENTRY_KIND.CLUSTER_COMMAND:
        invariant(false, 'a partition holds no cluster commands', { index });
    }
  }

  truncatedFrom(index: LogIndex): void {
    this.#batches.truncateFrom(index);
    invariant(this.logEndOffset >= this.#highWatermark, 'no committed record is truncated (I7)', { index });
    this.#pending = this.#pending.filter((pending) => pending.index < index);
    this.producers.truncatedFrom(index);
  }

  /**
   * Takes in that all entries up to `index` are committed. Returns true when the high watermark moved.
   *
   * @param settled Told of each offset commit that takes effect now, or is refused, and what is stored then.
   */
  committedTo(index: LogIndex, settled?: (settlement: CommitSettlement) => void): boolean {
    const before = this.#highWatermark;
    let applied = 0;
    for (const pending of this.#pending) {
      if (pending.index > index) break;
      // One by one: how far a deletion goes depends on the batches before it, on every replica the same.
      this.#advanceHighWatermark(pending.index);
      this.#apply(pending, settled);
      applied += 1;
    }
    if (applied > 0) this.#pending = this.#pending.slice(applied);
    this.#advanceHighWatermark(index);
    this.producers.committedTo(index);
    if (index > this.#committedIndex) this.#committedIndex = index;
    if (index > this.#effectIndex) this.#effectIndex = index;
    return this.#highWatermark > before;
  }

  /**
   * Log index of the entry whose batch holds `offset`, or of the first one of the span that it is in; undefined
   * when no committed batch does, or the record is deleted.
   */
  indexOfOffset(offset: Offset): LogIndex | undefined {
    if (offset >= this.#highWatermark || offset < this.logStartOffset) return undefined;
    return this.#batches.indexOf(this.#batches.countUpTo(offset));
  }

  /**
   * Log index of the first entry whose committed batch, or span, has records from `from` on and a maximum
   * timestamp of at least `timestampMs`; undefined when there is none.
   */
  indexOfTime(from: Offset, timestampMs: number): LogIndex | undefined {
    const start = asOffset(Math.max(from, this.logStartOffset));
    const nth = this.#batches.firstAtTime(this.#batches.countUpTo(start), timestampMs);
    return nth < this.#committedBatches ? this.#batches.indexOf(nth) : undefined;
  }

  /**
   * Highest committed index up to which no entry holds a record that is not deleted, so that a snapshot may
   * stand for them all; 0 when that is not worth it. The log may keep more.
   */
  compactable(): LogIndex {
    const deleted = this.#deletedBatches();
    const next = this.#batches.indexOf(deleted) ?? Infinity;
    const to = Math.min(this.#committedIndex, next - 1);
    const worthIt = deleted > 0 || to - this.#compactedIndex > BARREN_ENTRIES_MAX;
    return asLogIndex(worthIt ? to : 0);
  }

  /**
   * The data of a snapshot at `compactable()`; when that is 0, of one at the index of the present snapshot.
   *
   * @param appliedIndex Index of the last `committedTo`.
   */
  snapshot(appliedIndex: LogIndex): Uint8Array {
    invariant(appliedIndex === this.#committedIndex, 'a snapshot is taken of what has been applied', {
      appliedIndex,
      committedIndex: this.#committedIndex,
    });
    return encodePartitionSnapshot({
      appliedIndex: this.#effectIndex,
      logStartOffset: this.#logStartOffset,
      baseOffset: this.#batches.endOfFirst(this.#deletedBatches()),
      committedOffsets: this.#committedOffsets,
      producers: this.producers.committed,
    });
  }

  /**
   * Begins anew with a snapshot. The entries that the log has behind it are appended again.
   *
   * A snapshot may be older than the state, when the leader's is from before the one that this replica had:
   * then the state stays, and never goes back.
   */
  restored(snapshot: Snapshot): void {
    const decoded = decodePartitionSnapshot(snapshot.data);
    const { appliedIndex, baseOffset } = decoded;
    const { index } = snapshot;
    invariant(appliedIndex >= index, 'a snapshot stands for applied entries (I14)', { appliedIndex, index });
    invariant(baseOffset >= this.#highWatermark, 'the high watermark never goes back (I13)', {
      from: this.#highWatermark,
      to: baseOffset,
    });
    this.#batches = new BatchIndex(baseOffset);
    this.#committedBatches = 0;
    this.#pending = [];
    this.#highWatermark = baseOffset;
    this.#committedIndex = index;
    this.#adoptState(decoded);
    this.#compactedIndex = index;
  }

  /** Nothing is pending then. A state that is not ahead of the present one is left out: none goes back. */
  #adoptState({ appliedIndex, logStartOffset, committedOffsets, producers }: PartitionSnapshot): void {
    const isAhead = appliedIndex > this.#effectIndex;
    this.producers.restored(isAhead ? producers : undefined);
    if (!isAhead) return;
    this.#committedOffsets.clear();
    for (const [group, offset] of committedOffsets) this.#committedOffsets.set(group, offset);
    this.#logStartOffset = logStartOffset;
    this.#effectIndex = appliedIndex;
  }

  /**
   * For a restart of this broker: the state, with a span for each segment instead of the batches in it. Batches
   * are known by their span only from then on.
   *
   * @param storedTo Entries up to here stand in segments, which begin at `segmentStarts`.
   * @returns Undefined when there is nothing that a restart would not know from the log's snapshot.
   */
  checkpoint(storedTo: LogIndex, segmentStarts: readonly LogIndex[]): PartitionState | undefined {
    const index = asLogIndex(Math.min(storedTo, this.#committedIndex));
    if (index <= this.#compactedIndex) return undefined;
    const count = this.#batches.countUpToIndex(index);
    const left = this.#batches.collapse(count, segmentStarts);
    this.#committedBatches -= count - left;
    const { baseOffset } = this.#batches;
    const state = this.snapshot(this.#committedIndex);
    const spans = this.#batches.first(left);
    return { index, data: encodePartitionCheckpoint({ index, baseOffset, spans, state }) };
  }

  /**
   * Begins with what `checkpoint` gave in an earlier life, behind `restored` if the log begins with a snapshot.
   *
   * @returns Entry behind which the log is to be appended again: that of the snapshot, if it is newer.
   */
  resumed(data: Uint8Array): LogIndex {
    const checkpoint = decodePartitionCheckpoint(data);
    const { index, state } = checkpoint;
    const { spans, baseOffset } = spansBehind(checkpoint, this.#compactedIndex);
    if (index <= this.#compactedIndex || baseOffset !== this.#batches.baseOffset) return this.#compactedIndex;
    for (const span of spans) this.#batches.push(this.logEndOffset, span);
    this.#committedBatches = spans.length;
    this.#highWatermark = this.logEndOffset;
    this.#committedIndex = index;
    this.#adoptState(decodePartitionSnapshot(state));
    return index;
  }

  /** Takes in that the entries up to `index` are gone: a snapshot taken here stands for them. */
  compactedTo(index: LogIndex): void {
    invariant(index <= this.#committedIndex, 'only committed entries are compacted', { index });
    const deleted = this.#deletedBatches();
    const gone = this.#batches.countUpToIndex(index);
    invariant(gone <= deleted, 'only deleted records are compacted', { index, gone, deleted });
    this.#batches.forgetFirst(gone);
    this.#committedBatches -= gone;
    if (index > this.#compactedIndex) this.#compactedIndex = index;
  }

  /** How many committed batches hold deleted records only. */
  #deletedBatches(): number {
    return Math.min(this.#batches.countUpTo(this.#logStartOffset), this.#committedBatches);
  }

  #advanceHighWatermark(index: LogIndex): void {
    while ((this.#batches.indexOf(this.#committedBatches) ?? Infinity) <= index) this.#committedBatches += 1;
    this.#highWatermark = this.#batches.endOfFirst(this.#committedBatches);
  }

  #apply({ index, effect }: PendingEffect, settled?: (settlement: CommitSettlement) => void): void {
    if ('group' in effect) {
      const { group, offset, generation, committedAtMs } = effect;
      const stored = this.#committedOffsets.get(group);
      const fenced = isFenced(stored, effect);
      if (!fenced) this.#committedOffsets.set(group, { offset, generation, committedAtMs });
      settled?.({ index, fencedBy: fenced ? stored?.generation : undefined });
      return;
    }
    const offset = asOffset(Math.min(effect.beforeOffset, this.#highWatermark));
    if (offset > this.#logStartOffset) this.#logStartOffset = offset;
  }
}
