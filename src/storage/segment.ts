/**
 * A segment: a stretch of one group's log in a file of its own, and a sparse index beside it.
 *
 * ```
 * segments/GROUP/FIRST-NUMBER.log      frames of entries, as in the journal (journal-frame.ts)
 * segments/GROUP/FIRST-NUMBER.index    samples, 26 bytes each, ascending
 * ```
 *
 * FIRST is the log index of the first entry, with 20 digits; NUMBER counts the segments of the folder and is
 * never used again while a checkpoint may count on it. In the frames "batch" and "batch start" are 0.
 *
 * | byte | size | field of a sample, little-endian                                      |
 * | ---- | ---- | --------------------------------------------------------------------- |
 * | 0    | 6    | log index of the entry                                                |
 * | 6    | 4    | byte in the .log at which its frame begins                            |
 * | 10   | 6    | offset of its first record; where records go on, if it has none       |
 * | 16   | 6    | no record before it in the segment has a later timestamp, in ms; or 0 |
 * | 22   | 4    | CRC-32 of bytes 0..22, seeded as the frames                           |
 *
 * Only the checkpoint (checkpoint.ts) says how much of a file counts: what is behind that is the rest of an
 * attempt that was cut short, and gets overwritten.
 */
import { crc32 } from 'node:zlib';

import type { GroupId, LogIndex } from '../raft/types.js';

/** A sample stands for at least this much of the .log. */
export const SAMPLE_SPACING_BYTES = 4096;
export const SAMPLE_BYTES = 26;
const SAMPLE_COVERED_BYTES = 22;
/** Later times, and larger offsets, are stored as this one. */
export const SAMPLE_NUMBER_MAX = 2 ** 48 - 1;

/** Changed by the one that writes it only; readers look at what is there. */
export interface Segment {
  readonly number: number;
  readonly first: LogIndex;
  /**
   * Last entry that counts, written or about to be: readers know how far that is. Entries behind it may stand
   * in the file, and mean nothing.
   */
  last: LogIndex;
  /** Bytes of the .log and of the .index that are written. */
  bytes: number;
  indexBytes: number;
  /** No record in it has a later timestamp, in milliseconds; what was cut off may have had one. */
  maxTimestampMs: number;
  /** Its files are gone, or about to go. */
  isRemoved: boolean;
}

export interface Sample {
  readonly index: number;
  readonly position: number;
  readonly offset: number;
  readonly maxTimestampMs: number;
}

export function groupDirectory(directory: string, group: GroupId): string {
  return `${directory}/${String(group)}`;
}

export function segmentPath(directory: string, { first, number }: Pick<Segment, 'first' | 'number'>): string {
  return `${directory}/${String(first).padStart(20, '0')}-${String(number)}.log`;
}

export function indexPath(directory: string, segment: Pick<Segment, 'first' | 'number'>): string {
  return segmentPath(directory, segment).replace(/log$/, 'index');
}

/** Seed of the frames and samples of a group: those of another folder or another group never pass. */
export function segmentSeed(group: GroupId, incarnation: string): number {
  return crc32(`${incarnation}/${String(group)}`);
}

export function encodeSample({ index, position, offset, maxTimestampMs }: Sample, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(SAMPLE_BYTES);
  bytes.writeUIntLE(index, 0, 6);
  bytes.writeUInt32LE(position, 6);
  bytes.writeUIntLE(Math.min(offset, SAMPLE_NUMBER_MAX), 10, 6);
  bytes.writeUIntLE(Math.max(0, Math.min(maxTimestampMs, SAMPLE_NUMBER_MAX)), 16, 6);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, SAMPLE_COVERED_BYTES), seed), SAMPLE_COVERED_BYTES);
  return bytes;
}

/** Reads the sample at byte `at`; undefined when it is damaged. */
export function decodeSample(bytes: Buffer, at: number, seed: number): Sample | undefined {
  if (at < 0 || at + SAMPLE_BYTES > bytes.length) return undefined;
  const crc = crc32(bytes.subarray(at, at + SAMPLE_COVERED_BYTES), seed);
  if (crc !== bytes.readUInt32LE(at + SAMPLE_COVERED_BYTES)) return undefined;
  return {
    index: bytes.readUIntLE(at, 6),
    position: bytes.readUInt32LE(at + 6),
    offset: bytes.readUIntLE(at + 10, 6),
    maxTimestampMs: bytes.readUIntLE(at + 16, 6),
  };
}
