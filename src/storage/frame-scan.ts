/** Walks over the frames of one file, and tells a torn tail from damage to synced bytes. */
import {
  checkedPayload,
  decodeFrameHeader,
  emptyFrameHeader,
  FRAME_ALIGNMENT_BYTES,
  FRAME_HEADER_BYTES,
  frameBytes,
  type FrameHeader,
  mayBeginFrame,
} from './journal-frame.js';
import { FILE_HEADER_BYTES, type JournalFile } from './journal-file.js';
import { storageCorrupt } from './storage-errors.js';

/** Where the unbroken run of good frames from the start of a file ends. */
export interface FrameScan {
  /** Byte behind the last good frame. */
  readonly end: number;
  /** Number of the last batch, in this file or before it. */
  readonly lastBatch: number;
  /** Byte at which the last batch of this file begins; undefined when the file has no frame. */
  readonly lastBatchStart: number | undefined;
}

/** Gets each frame in order. Both arguments are only lent. */
export type FrameVisitor = (header: Readonly<FrameHeader>, payload: Buffer, position: number) => void;

/**
 * Visits the frames of a file, up to the first that is not there or not good.
 *
 * @param bytes The whole file.
 * @param firstBatch Number of the first batch in this file.
 * @throws STORAGE_CORRUPT at a good frame that does not follow the one before.
 */
export function scanFrames(
  file: JournalFile,
  bytes: Buffer,
  firstBatch: number,
  visit: FrameVisitor,
): FrameScan {
  const header = emptyFrameHeader();
  let at = FILE_HEADER_BYTES;
  let lastBatch = firstBatch - 1;
  let lastBatchStart: number | undefined;
  while (decodeFrameHeader(bytes, at, header, file.seed)) {
    const payload = checkedPayload(bytes, at, header);
    if (payload === undefined) break;
    const goesOn = header.batch === lastBatch && header.batchStart === lastBatchStart;
    const begins = header.batch === lastBatch + 1 && header.batchStart === at;
    if (!goesOn && !begins) throw storageCorrupt(file.path, at, 'a frame is out of order');
    lastBatch = header.batch;
    lastBatchStart = header.batchStart;
    visit(header, payload, at);
    at += frameBytes(header.payloadBytes);
  }
  return { end: at, lastBatch, lastBatchStart };
}

/** What of a file's present life stands behind its last good frame. */
export interface Remnants {
  /** Byte of a header that proves that the bad frame had been synced; undefined when the tail is torn and may be cut. */
  readonly laterBatchAt: number | undefined;
  /** Byte behind the last header; `badAt` when there is none. */
  readonly end: number;
}

/**
 * Looks for headers at and behind the bad frame at byte `badAt`. Those of an earlier life of the file do not pass.
 *
 * A batch is written only once everything before it is durable. So a header whose batch began behind `badAt` proves
 * that the bad bytes are damage; headers of a batch that began at or before it are the rest of the batch that the
 * crash tore, of which a disk may keep any part.
 */
export function findRemnants(file: JournalFile, bytes: Buffer, badAt: number): Remnants {
  const header = emptyFrameHeader();
  let end = badAt;
  for (let at = badAt; at + FRAME_HEADER_BYTES <= bytes.length; at += FRAME_ALIGNMENT_BYTES) {
    if (!mayBeginFrame(bytes, at) || !decodeFrameHeader(bytes, at, header, file.seed)) continue;
    if (header.batchStart > badAt) return { laterBatchAt: at, end };
    end = at + FRAME_HEADER_BYTES;
  }
  return { laterBatchAt: undefined, end };
}

/** Byte behind the last one at or after `from` that is not zero; `from` when all are. */
export function endOfData(bytes: Buffer, from: number): number {
  for (let at = bytes.length; at > from; at--) if (bytes[at - 1] !== 0) return at;
  return from;
}
