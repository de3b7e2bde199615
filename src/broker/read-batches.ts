/** Reads the committed record batches of a partition: from an offset on, or the one of a time. */
import type { PartitionLog } from '../log/partition-log.js';
import { asLogIndex, ENTRY_KIND, type LogIndex } from '../raft/types.js';
import { readBatchHeader } from '../records/batch-header.js';
import { firstRecordAtTime, type TimedOffset } from '../records/batch-time.js';
import { asOffset, type Offset } from '../records/offset.js';
import type { GroupLog } from '../storage/group-log.js';

/** Read at a time while a time is looked for: what stands between two samples of a segment, mostly. */
const SEARCH_BYTES = 64 * 1024;

export interface BatchRange {
  /** Entry to begin at: of the batch that holds `offset`, or of an earlier one in the same segment. */
  readonly first: LogIndex;
  /** Last entry that may be read. */
  readonly last: LogIndex;
  readonly offset: Offset;
  /** Payload bytes; the first batch is returned whatever its size. */
  readonly bytesMax: number;
}

/**
 * @returns Batches in offset order, the first of which holds `offset`; none when the log was cut, or shed them,
 * meanwhile.
 */
export async function readBatches(log: GroupLog, range: BatchRange): Promise<Uint8Array[]> {
  const { first, offset } = range;
  return readFrom(log, await log.locate(first, { offset }), range);
}

/**
 * Looks for the first record with at least a timestamp, in offset order, among those that are not deleted. Reads
 * one batch where all are known, what stands between two samples of a segment where they are not, and more only
 * where a producer gave a batch a greater time than its records have.
 *
 * @param last Last entry that may be read.
 * @returns Undefined when there is none; 'gone' when the log was cut, or shed the batch, meanwhile.
 */
export async function readFirstAtTime(
  log: GroupLog,
  partition: PartitionLog,
  last: LogIndex,
  timestampMs: number,
): Promise<TimedOffset | undefined | 'gone'> {
  for (let from = partition.logStartOffset; ;) {
    const first = partition.indexOfTime(from, timestampMs);
    if (first === undefined) return undefined;
    const byOffset = await log.locate(first, { offset: from });
    const byTime = await log.locate(first, { timestampMs });
    const range = { first, last, offset: from, bytesMax: SEARCH_BYTES };
    const batches = await readFrom(log, asLogIndex(Math.max(byOffset, byTime)), range);
    if (batches.length === 0) return 'gone';
    for (const batch of batches) {
      const start = asOffset(Math.max(from, partition.logStartOffset));
      const found = firstRecordAtTime(batch, start, timestampMs);
      if (found !== undefined) return found;
      from = endOf(batch);
    }
  }
}

async function readFrom(
  log: GroupLog,
  start: LogIndex,
  { last, offset, bytesMax }: BatchRange,
): Promise<Uint8Array[]> {
  const end = asLogIndex(last + 1);
  let from = start;
  while (from < end && from >= log.firstIndex) {
    const entries = await log.readEntries(from, end, bytesMax);
    const batches = entries
      .filter(({ kind, payload }) => kind === ENTRY_KIND.RECORD_BATCH && endOf(payload) > offset)
      .map(({ payload }) => payload);
    if (batches.length > 0 || entries.length === 0) return batches;
    from = asLogIndex(from + entries.length);
  }
  return [];
}

function endOf(batch: Uint8Array): Offset {
  const { baseOffset, recordCount } = readBatchHeader(batch);
  return asOffset(baseOffset + recordCount);
}
