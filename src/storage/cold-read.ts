/** Reads entries that are no longer in memory back from the journal: neighbours in one read, each checked. */
import type { EntrySlot } from './entry-slot.js';
import {
  checkedPayload,
  decodeFrameHeader,
  emptyFrameHeader,
  FRAME_TYPE,
  frameBytes,
} from './journal-frame.js';
import type { JournalFile } from './journal-file.js';
import { storageCorrupt } from './storage-errors.js';
import { asLogIndex, type Entry, type GroupId, type LogIndex } from '../raft/types.js';
import { invariant } from '../invariant.js';

/** One read spans at most this much, unless a single frame is larger. */
const RUN_BYTES_MAX = 1024 * 1024;
/** Frames of other groups between two of this one that are read along rather than skipped. */
const GAP_BYTES_MAX = 4096;

/** Entries whose frames are read together. */
export interface ColdRun {
  readonly file: JournalFile;
  /** Byte in `file`. */
  readonly position: number;
  readonly bytes: number;
  /** The entries are `slots[from..to)` of the slots planned. */
  readonly from: number;
  readonly to: number;
}

/** Runs that cover every slot whose element in `entries` is undefined. */
export function planColdRuns(
  slots: readonly EntrySlot[],
  entries: readonly (Entry | undefined)[],
): ColdRun[] {
  const runs: ColdRun[] = [];
  for (let i = 0; i < slots.length; i++) {
    if (entries[i] !== undefined) continue;
    const run = coldRunFrom(slots, entries, i);
    runs.push(run);
    i = run.to - 1;
  }
  return runs;
}

function coldRunFrom(
  slots: readonly EntrySlot[],
  entries: readonly (Entry | undefined)[],
  from: number,
): ColdRun {
  const first = slots[from];
  invariant(first?.file !== undefined, 'an entry without a payload in memory has a place on disk');
  const { file, position } = first;
  let end = position + frameBytes(first.payloadBytes);
  let to = from + 1;
  for (; to < slots.length && entries[to] === undefined; to++) {
    const slot = slots[to];
    if (slot?.file !== file) break;
    const slotEnd = slot.position + frameBytes(slot.payloadBytes);
    if (slot.position > end + GAP_BYTES_MAX || slotEnd - position > RUN_BYTES_MAX) break;
    end = slotEnd;
  }
  return { file, position, bytes: end - position, from, to };
}

/**
 * Takes the entries of a run out of its bytes. The payloads are views of `bytes`.
 *
 * @param firstIndex Index of `slots[0]`.
 * @throws STORAGE_CORRUPT when a frame is not the one that was written there.
 */
export function decodeColdRun(
  run: ColdRun,
  bytes: Buffer,
  group: GroupId,
  slots: readonly EntrySlot[],
  firstIndex: LogIndex,
): Entry[] {
  const header = emptyFrameHeader();
  return slots.slice(run.from, run.to).map((slot, i) => {
    const index = asLogIndex(firstIndex + run.from + i);
    const at = slot.position - run.position;
    const intact =
      decodeFrameHeader(bytes, at, header, run.file.seed) &&
      header.type === FRAME_TYPE.ENTRY &&
      header.group === group &&
      header.index === index &&
      header.term === slot.term;
    const payload = intact ? checkedPayload(bytes, at, header) : undefined;
    if (payload === undefined) {
      throw storageCorrupt(
        run.file.path,
        slot.position,
        `entry ${index} of group ${group} is not there any more`,
      );
    }
    return { index, term: slot.term, kind: slot.kind, payload };
  });
}
