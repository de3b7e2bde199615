/** Reads several partitions side by side, each in order, and hands on what comes one batch at a time. */
import type { BellwetherClient, ConsumedRecord, PartitionRef } from '../client/index.js';

/** Partitions that are asked at the same time, at most; each holds one answer of 1 MiB before it is decompressed, or one larger batch. */
export const READERS_MAX = 16;

/** Records asked for in one call, the rest of the last batch aside; 1 MiB is the other bound. */
const FETCH_RECORDS_MAX = 10_000;

/** Longest wait of one call for a first record, in milliseconds: with a reader for each partition, and without. */
const WAIT_MS = 1_000;
const WAIT_SHARED_MS = 50;

/** A partition to read. */
export interface Reading {
  readonly ref: PartitionRef;
  /** Offset to read next. */
  position: number;
  /** Where to end, exclusive; undefined for never. */
  readonly end: number | undefined;
}

export interface ReadersOptions {
  readonly client: BellwetherClient;
  readonly readings: readonly Reading[];
  /** Records still wanted in all. */
  readonly wanted: () => number;
  /** Takes the next records of a partition, in order; nothing is read beyond what it has taken. */
  readonly take: (partition: number, records: readonly ConsumedRecord[]) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Resolves when every partition is read to its end, when nothing more is wanted, or at the next answer after
 * `signal` has aborted. Rejects with the first failure.
 */
export async function readPartitions(options: ReadersOptions): Promise<void> {
  const { readings, signal, wanted } = options;
  const waiting = readings.filter((reading) => !isDone(reading));
  const shares = waiting.length > READERS_MAX;
  const turn = turns();
  const failed = new AbortController();
  const reader = async (): Promise<void> => {
    for (;;) {
      const reading = waiting.shift();
      if (reading === undefined || signal.aborted || failed.signal.aborted || wanted() === 0) return;
      await readOnce(options, reading, shares ? WAIT_SHARED_MS : WAIT_MS, turn);
      if (!isDone(reading)) waiting.push(reading);
    }
  };
  const readers = Array.from({ length: Math.min(READERS_MAX, waiting.length) }, reader);
  for (const each of readers) each.catch(() => failed.abort());
  await Promise.all(readers);
}

function isDone({ position, end }: Reading): boolean {
  return end !== undefined && position >= end;
}

async function readOnce(
  { client, wanted, take, signal }: ReadersOptions,
  reading: Reading,
  maxWaitMs: number,
  turn: Turn,
): Promise<void> {
  const { ref, end = Number.POSITIVE_INFINITY } = reading;
  const maxRecords = Math.min(FETCH_RECORDS_MAX, wanted(), end - reading.position);
  if (maxRecords === 0) return;
  const options = { maxRecords, maxWaitMs, wholeBatches: true };
  const { records, nextOffset } = await client.fetch(ref, reading.position, options);
  if (records.length === 0) {
    reading.position = nextOffset;
    return;
  }
  await turn(async () => {
    // Another partition may have had the last ones meanwhile.
    if (signal.aborted) return;
    const taken = records.filter(({ offset }) => offset < end).slice(0, wanted());
    await take(ref.partition, taken);
    reading.position = nextOffset;
  });
}

type Turn = (work: () => Promise<void>) => Promise<void>;

/** One after the other; after a failure no more. */
function turns(): Turn {
  let last: Promise<void> = Promise.resolve();
  return (work) => (last = last.then(work));
}
