/** Walks over the frames of one file, and tells a torn tail from damage to synced bytes. */
import {
  checkedPayload,
  decodeFrameHeader,
  emptyFrameHeader,
  FRAME_ALIGNMENT_BYTES,
  frameBytes,
  type FrameHeader,
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

/**
 * Looks behind the bad frame at byte `badAt` for proof that it had been synced.
 *
 * A batch is written only once everything before it is durable. So a header whose batch began behind
 * `badAt` proves that the bad bytes are damage; headers of a batch that began at or before it are the
 * rest of the batch that the crash tore, of which a disk may keep any part.
 *
 * @returns Byte of such a header, or undefined when the tail is torn and may be cut.
 */
export function findLaterBatch(file: JournalFile, bytes: Buffer, badAt: number): number | undefined {
  const header = emptyFrameHeader();
  for (let at = badAt + FRAME_ALIGNMENT_BYTES; at < bytes.length; at += FRAME_ALIGNMENT_BYTES) {
    if (decodeFrameHeader(bytes, at, header, file.seed) && header.batchStart > badAt) return at;
  }
  return undefined;
}

/** Byte behind the last one at or after `from` that is not zero; `from` when all are. */
export function endOfData(bytes: Buffer, from: number): number {
  for (let at = bytes.length; at > from; at--) if (bytes[at - 1] !== 0) return at;
  return from;
}
