/**
 * The frame: what the journal is made of. A header of 40 bytes, the payload, and zeros up to a multiple
 * of 8. All numbers are little-endian.
 *
 * | byte | size | field                                                                       |
 * | ---- | ---- | --------------------------------------------------------------------------- |
 * | 0    | 4    | CRC-32 of bytes 4..40, seeded with the file's seed (see journal-file.ts)    |
 * | 4    | 4    | payload bytes, without the padding                                          |
 * | 8    | 4    | CRC-32 of the payload                                                       |
 * | 12   | 4    | term                                                                        |
 * | 16   | 4    | byte position in this file at which the frame's batch begins                |
 * | 20   | 6    | batch: number of the write that carried the frame, from 1, across all files |
 * | 26   | 1    | type: 1 ENTRY, 2 HARD_STATE, 3 DROP_GROUP, 4 SNAPSHOT                       |
 * | 27   | 1    | ENTRY: kind of the entry. HARD_STATE: 1 when there is a vote, else 0.       |
 * |      |      | SNAPSHOT: layout of the payload, 1                                          |
 * | 28   | 6    | group                                                                       |
 * | 34   | 6    | ENTRY: log index. HARD_STATE: commit index. SNAPSHOT: its last log index    |
 *
 * The payload of an ENTRY is the entry's; of a HARD_STATE, the name of the broker voted for in UTF-8; of a
 * SNAPSHOT, see snapshot-frame.ts.
 *
 * The seed differs in every life of a file, and a CRC is a bijection of its seed, so that a frame that
 * was left over from an earlier life never passes. The header has a CRC of its own because the payload
 * is written by clients: nobody can make a header that passes without knowing the seed.
 */
import { crc32 } from 'node:zlib';

export const FRAME_HEADER_BYTES = 40;
/** Frames begin at multiples of this. */
export const FRAME_ALIGNMENT_BYTES = 8;

export const FRAME_TYPE = { ENTRY: 1, HARD_STATE: 2, DROP_GROUP: 3, SNAPSHOT: 4 } as const;

/** Greatest batch number, group and index that fit (48 bits). */
export const FRAME_NUMBER_MAX = 2 ** 48 - 1;

/** The fields above. Filled in place, so that a scan allocates nothing. */
export interface FrameHeader {
  payloadBytes: number;
  payloadCrc: number;
  term: number;
  batchStart: number;
  batch: number;
  type: number;
  kind: number;
  group: number;
  index: number;
}

export function emptyFrameHeader(): FrameHeader {
  return {
    payloadBytes: 0,
    payloadCrc: 0,
    term: 0,
    batchStart: 0,
    batch: 0,
    type: 0,
    kind: 0,
    group: 0,
    index: 0,
  };
}

/** Bytes of zeros behind a payload. */
export function paddingBytes(payloadBytes: number): number {
  return -payloadBytes & (FRAME_ALIGNMENT_BYTES - 1);
}

/** Bytes of a whole frame: header, payload and padding. */
export function frameBytes(payloadBytes: number): number {
  return FRAME_HEADER_BYTES + payloadBytes + paddingBytes(payloadBytes);
}

/** Writes the header at byte `at` of `target`. */
export function encodeFrameHeader(target: Buffer, at: number, header: FrameHeader, seed: number): void {
  target.writeUInt32LE(header.payloadBytes, at + 4);
  target.writeUInt32LE(header.payloadCrc, at + 8);
  target.writeUInt32LE(header.term, at + 12);
  target.writeUInt32LE(header.batchStart, at + 16);
  target.writeUIntLE(header.batch, at + 20, 6);
  target.writeUInt8(header.type, at + 26);
  target.writeUInt8(header.kind, at + 27);
  target.writeUIntLE(header.group, at + 28, 6);
  target.writeUIntLE(header.index, at + 34, 6);
  target.writeUInt32LE(crc32(target.subarray(at + 4, at + FRAME_HEADER_BYTES), seed), at);
}

/**
 * Reads the header at byte `at` of `source` into `header`.
 *
 * @returns False when no header that was written with `seed` stands there; `header` is then undefined.
 */
export function decodeFrameHeader(source: Buffer, at: number, header: FrameHeader, seed: number): boolean {
  if (at + FRAME_HEADER_BYTES > source.length) return false;
  const type = source.readUInt8(at + 26);
  if (type < FRAME_TYPE.ENTRY || type > FRAME_TYPE.SNAPSHOT) return false;
  const crc = crc32(source.subarray(at + 4, at + FRAME_HEADER_BYTES), seed);
  if (crc !== source.readUInt32LE(at)) return false;
  header.payloadBytes = source.readUInt32LE(at + 4);
  header.payloadCrc = source.readUInt32LE(at + 8);
  header.term = source.readUInt32LE(at + 12);
  header.batchStart = source.readUInt32LE(at + 16);
  header.batch = source.readUIntLE(at + 20, 6);
  header.type = type;
  header.kind = source.readUInt8(at + 27);
  header.group = source.readUIntLE(at + 28, 6);
  header.index = source.readUIntLE(at + 34, 6);
  return true;
}

/** False when no header can stand at byte `at` of a whole file, at less cost than decoding it: for searches in any bytes. */
export function mayBeginFrame(file: Buffer, at: number): boolean {
  const type = file[at + 26] ?? 0;
  if (type < FRAME_TYPE.ENTRY || type > FRAME_TYPE.SNAPSHOT) return false;
  const batchStart = file.readUInt32LE(at + 16);
  return batchStart <= at && batchStart % FRAME_ALIGNMENT_BYTES === 0;
}

/** The payload behind the header at byte `at`, as a view; undefined when it is cut short or damaged. */
export function checkedPayload(source: Buffer, at: number, header: FrameHeader): Buffer | undefined {
  const start = at + FRAME_HEADER_BYTES;
  if (start + header.payloadBytes > source.length) return undefined;
  const payload = source.subarray(start, start + header.payloadBytes);
  return crc32(payload) === header.payloadCrc ? payload : undefined;
}
