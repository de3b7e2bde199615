/** Reads every partition once more from its beginning to its end: at the leader, then at each replica. */
import { setTimeout as pause } from 'node:timers/promises';
import type { PartitionRef } from '../client/types.js';
import { BellwetherError } from '../errors.js';
import type { Reader } from './drive.js';
import type { Recorder } from './recorder.js';

/** Process numbers of the last readers, one for each partition and broker. */
const FINAL_READER_BASE = 30_000;
const PROCESSES_PER_BROKER = 10_000;

const CALL_TIMEOUT_MS = 3_000;
const PAUSE_MS = 100;
const RECORDS_PER_READ = 2_000;

/** A partition that gives nothing new for so long, in milliseconds, is given up. */
export const STALL_MAX_MS = 20_000;

/**
 * Reads up to the end that the leader names. Resolves with that end, or undefined when it could not be reached
 * in time; then what was not read proves nothing.
 */
export async function readToEnd(
  recorder: Recorder,
  reader: Reader,
  ref: PartitionRef,
): Promise<number | undefined> {
  const end = await patiently(() => reader.end(ref, CALL_TIMEOUT_MS));
  if (end === undefined) return undefined;
  const isRead = await readUpTo(recorder, reader, ref, end, FINAL_READER_BASE + ref.partition, false);
  return isRead ? end : undefined;
}

/**
 * Reads one replica up to `end`: the replicas must agree.
 *
 * @param brokerNumber - From 0, to tell the readers apart.
 */
export function readReplica(
  recorder: Recorder,
  reader: Reader,
  ref: PartitionRef,
  end: number,
  brokerNumber: number,
): Promise<boolean> {
  const process = FINAL_READER_BASE + (brokerNumber + 1) * PROCESSES_PER_BROKER + ref.partition;
  return readUpTo(recorder, reader, ref, end, process, true);
}

async function readUpTo(
  recorder: Recorder,
  reader: Reader,
  ref: PartitionRef,
  end: number,
  process: number,
  allowFollower: boolean,
): Promise<boolean> {
  const options = { timeoutMs: CALL_TIMEOUT_MS, maxWaitMs: 0, maxRecords: RECORDS_PER_READ, allowFollower };
  let position = 0;
  let lastMs = performance.now();
  while (position < end) {
    const { next } = await recorder.poll(process, reader, ref, position, options);
    if (next > position) lastMs = performance.now();
    else if (performance.now() - lastMs > STALL_MAX_MS) return false;
    else await pause(PAUSE_MS);
    position = Math.max(position, next);
  }
  return true;
}

/** Asks again while it fails; undefined after `STALL_MAX_MS`. */
async function patiently<T>(ask: () => Promise<T>): Promise<T | undefined> {
  const deadlineMs = performance.now() + STALL_MAX_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      if (performance.now() > deadlineMs) return undefined;
      await pause(PAUSE_MS);
    }
  }
}
