/**
 * Damage at rest to the disk of a machine that is off (B3, B4). Each kind is one that a broker must
 * notice, or one that it must mend.
 *
 * Left out is what no journal can tell from a crash: damage to, or loss of, all from the last synced
 * batch on looks like a write that was torn.
 */

import { decodeFileHeader, FILE_HEADER_BYTES, frameSeed, journalPath } from '../storage/journal-file.js';
import {
  decodeFrameHeader,
  emptyFrameHeader,
  FRAME_HEADER_BYTES,
  frameBytes,
} from '../storage/journal-frame.js';
import { checkpointPath } from '../storage/checkpoint.js';
import { JOURNAL, type SimDisk } from './disk.js';
import type { Random } from './random.js';

/** Bytes of a journal file's header that its checksum covers. */
const COVERED_HEADER_BYTES = 68;
const IDENTITY = 'data/broker.json';
const CHECKPOINT = checkpointPath(JOURNAL);
/** The magic number, and the size and the checksum of the head. */
const CHECKPOINT_HEAD_START = 16;

export interface Damage {
  readonly what: string;
  /** The broker must refuse to start; else it must mend the damage. */
  readonly isFatal: boolean;
}

/** Sequence of the journal file from which recovery goes on. */
function firstNeeded(disk: SimDisk): number {
  const head = disk.synced(CHECKPOINT)?.subarray(CHECKPOINT_HEAD_START);
  if (head === undefined) return 1;
  return Number(/"sequence":(\d+)/.exec(Buffer.from(head).toString('latin1'))?.[1]);
}

/** Undefined when the disk holds nothing worth damaging. */
export function damage(disk: SimDisk, random: Random): Damage | undefined {
  const { sequence, at } = disk.image.lastBatch;
  if (sequence === 0 || at <= FILE_HEADER_BYTES) return undefined;
  // Those before are gone, or about to be: nobody reads them.
  const first = firstNeeded(disk);
  const file = first + random.below(sequence - first + 1);
  const path = journalPath(JOURNAL, file);
  const isLast = file === sequence;
  switch (random.below(7)) {
    case 0:
      flip(disk, path, random.below(COVERED_HEADER_BYTES), random);
      return { what: `a bit of the header of ${path}`, isFatal: true };
    case 1: {
      if (isLast) return undefined;
      const size = random.below(endOfFrames(disk, path));
      disk.damage(path, (bytes) => bytes.slice(0, size));
      return { what: `${path} cut at byte ${String(size)}`, isFatal: true };
    }
    case 2:
      if (isLast) return undefined;
      disk.lose(path);
      return { what: `${path} lost`, isFatal: true };
    case 3:
      if (random.chance(0.5)) disk.lose(IDENTITY);
      else disk.damage(IDENTITY, (bytes) => bytes.slice(0, random.below(bytes.length - 2)));
      return { what: `${IDENTITY} cut or lost`, isFatal: true };
    case 4: {
      const size = disk.synced(path)?.length ?? 0;
      const last = framesOf(disk, path).at(-1);
      const end = last === undefined ? FILE_HEADER_BYTES : last.at + frameBytes(last.payloadBytes);
      if (size <= end) return undefined;
      flip(disk, path, end + random.below(size - end), random);
      return { what: 'a bit behind the last frame', isFatal: false };
    }
    case 5: {
      const size = disk.synced(CHECKPOINT)?.length ?? 0;
      if (size === 0) return undefined;
      flip(disk, CHECKPOINT, random.below(size), random);
      return { what: `a bit of ${CHECKPOINT}`, isFatal: true };
    }
    default: {
      const position = pickCovered(disk, path, isLast ? at : Infinity, random);
      if (position === undefined) return undefined;
      flip(disk, path, position, random);
      return { what: `a bit of ${path} at byte ${String(position)}`, isFatal: true };
    }
  }
}

function flip(disk: SimDisk, path: string, position: number, random: Random): void {
  const bit = 1 << random.below(8);
  disk.damage(path, (bytes) => {
    bytes[position] = (bytes[position] ?? 0) ^ bit;
    return bytes;
  });
}

interface Frame {
  readonly at: number;
  readonly payloadBytes: number;
}

function framesOf(disk: SimDisk, path: string): Frame[] {
  const synced = disk.synced(path) ?? new Uint8Array(0);
  const bytes = Buffer.from(synced.buffer, synced.byteOffset, synced.byteLength);
  const file = decodeFileHeader(bytes);
  const header = emptyFrameHeader();
  const frames: Frame[] = [];
  if (file === undefined) return frames;
  const seed = frameSeed(file.sequence, file.incarnation);
  for (let at = FILE_HEADER_BYTES; decodeFrameHeader(bytes, at, header, seed);) {
    frames.push({ at, payloadBytes: header.payloadBytes });
    at += frameBytes(header.payloadBytes);
  }
  return frames;
}

function endOfFrames(disk: SimDisk, path: string): number {
  const last = framesOf(disk, path).at(-1);
  return last === undefined ? FILE_HEADER_BYTES : last.at + FRAME_HEADER_BYTES;
}

/** A byte that a checksum covers, in a frame before `end`. */
function pickCovered(disk: SimDisk, path: string, end: number, random: Random): number | undefined {
  const frames = framesOf(disk, path).filter(({ at }) => at < end);
  const frame = frames[random.below(frames.length)];
  return frame && frame.at + random.below(FRAME_HEADER_BYTES + frame.payloadBytes);
}
