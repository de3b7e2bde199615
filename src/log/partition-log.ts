/**
 * The state machine of one partition: offsets of its record batches, high watermark, committed offsets
 * of consumer groups. Pure.
 *
 * It follows the Raft log entry by entry, so it knows offsets of batches that are not committed yet;
 * what readers see ends at the high watermark.
 *
 * Pointers: logStartOffset <= highWatermark <= logEndOffset, the last two exclusive. Offsets are dense:
 * each batch begins where the one before ended. Entries that hold no batch (no-ops, offset commits) use
 * a log index but no offset.
 */

import { invariant } from '../invariant.js';
import { asLogIndex, type Entry, ENTRY_KIND, type LogIndex } from '../raft/types.js';
import { readBatchHeader } from '../records/batch-header.js';
import { asOffset, type Offset } from '../records/offset.js';
import { decodeOffsetCommit, type OffsetCommit } from './offset-commit.js';

interface PendingCommit {
  readonly index: LogIndex;
  readonly commit: OffsetCommit;
}

export class PartitionLog {
  /** Log indexes of the entries that hold batches, ascending, and the exclusive end offset of each. */
  readonly #batchIndexes: number[] = [];
  readonly #endOffsets: number[] = [];
  /** Offset commits that are in the log but not committed by Raft yet. */
  #pendingCommits: PendingCommit[] = [];
  readonly #committedOffsets = new Map<string, Offset>();
  #highWatermark = asOffset(0);
  /** How many of the batches are below the high watermark. */
  #committedBatches = 0;

  readonly logStartOffset = asOffset(0);

  /** Next offset to assign. */
  get logEndOffset(): Offset {
    return asOffset(this.#endOffsets.at(-1) ?? 0);
  }

  /** First offset not known to be committed. */
  get highWatermark(): Offset {
    return this.#highWatermark;
  }

  /** Next offset that a consumer group will read; undefined when it has committed none. */
  committedOffset(group: string): Offset | undefined {
    return this.#committedOffsets.get(group);
  }

  appended(entry: Entry): void {
    switch (entry.kind) {
      case ENTRY_KIND.RECORD_BATCH: {
        const header = readBatchHeader(entry.payload);
        invariant(header.baseOffset === this.logEndOffset, 'offsets are dense', {
          base: header.baseOffset,
          end: this.logEndOffset,
        });
        this.#batchIndexes.push(entry.index);
        this.#endOffsets.push(header.baseOffset + header.recordCount);
        break;
      }
      case ENTRY_KIND.COMMIT_OFFSETS:
        this.#pendingCommits.push({ index: entry.index, commit: decodeOffsetCommit(entry.payload) });
        break;
      case ENTRY_KIND.NOOP:
      case ENTRY_KIND.MEMBERSHIP:
      case ENTRY_KIND.DELETE_RECORDS:
        break;
      case ENTRY_KIND.CLUSTER_COMMAND:
        invariant(false, 'a partition holds no cluster commands', { index: entry.index });
    }
  }

  truncatedFrom(index: LogIndex): void {
    while ((this.#batchIndexes.at(-1) ?? -1) >= index) {
      this.#batchIndexes.pop();
      this.#endOffsets.pop();
    }
    invariant(this.logEndOffset >= this.#highWatermark, 'no committed record is truncated (I7)', { index });
    this.#pendingCommits = this.#pendingCommits.filter((pending) => pending.index < index);
  }

  /** Takes in that all entries up to `index` are committed. Returns true when the high watermark moved. */
  committedTo(index: LogIndex): boolean {
    let applied = 0;
    for (const { index: at, commit } of this.#pendingCommits) {
      if (at > index) break;
      this.#committedOffsets.set(commit.group, commit.offset);
      applied += 1;
    }
    if (applied > 0) this.#pendingCommits = this.#pendingCommits.slice(applied);
    const before = this.#committedBatches;
    while ((this.#batchIndexes[this.#committedBatches] ?? Infinity) <= index) this.#committedBatches += 1;
    if (this.#committedBatches === before) return false;
    this.#highWatermark = asOffset(this.#endOffsets[this.#committedBatches - 1] ?? 0);
    return true;
  }

  /**
   * Log index of the entry whose batch holds `offset`; undefined when no committed batch does.
   * Binary search over the batches.
   */
  indexOfOffset(offset: Offset): LogIndex | undefined {
    if (offset >= this.#highWatermark || offset < this.logStartOffset) return undefined;
    let low = 0;
    let high = this.#committedBatches - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#endOffsets[middle] ?? Infinity) > offset) high = middle;
      else low = middle + 1;
    }
    const index = this.#batchIndexes[low];
    return index === undefined ? undefined : asLogIndex(index);
  }
}
