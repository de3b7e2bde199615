/** The payload of a Raft entry of kind COMMIT_OFFSETS: one consumer group's offset in this partition. Pure. */

import { invariant } from '../invariant.js';
import { ByteCursor, MalformedBytesError } from '../records/byte-cursor.js';
import { asOffset, type Offset } from '../records/offset.js';
import { decodeUtf8, utf8Size, writeUtf8 } from '../records/utf8.js';
import {
  readVarint,
  readVarlong,
  varintSize,
  varlongSize,
  writeVarint,
  writeVarlong,
} from '../records/varint.js';

/** First byte of the payload; another number is another layout. */
const VERSION = 1;

/** A consumer group has processed everything below `offset`. */
export interface OffsetCommit {
  readonly group: string;
  /** Next offset that the group will read. */
  readonly offset: Offset;
}

/** Layout: version byte, group size varint, group in UTF-8, offset varlong (varint.ts). */
export function encodeOffsetCommit(commit: OffsetCommit): Uint8Array {
  const offset = asOffset(commit.offset);
  const groupSize = utf8Size(commit.group);
  const payload = new Uint8Array(1 + varintSize(groupSize) + groupSize + varlongSize(offset));
  payload[0] = VERSION;
  let position = writeVarint(payload, 1, groupSize);
  position = writeUtf8(payload, position, commit.group);
  writeVarlong(payload, position, offset);
  return payload;
}

/**
 * Reads what `encodeOffsetCommit` wrote. Damage breaks an invariant: the payload comes out of the Raft log,
 * whose checksum was right.
 */
export function decodeOffsetCommit(payload: Uint8Array): OffsetCommit {
  const cursor = new ByteCursor(payload);
  try {
    const version = cursor.readByte();
    invariant(version === VERSION, 'offset commit of an unknown version', { version });
    const group = decodeUtf8(cursor.take(readVarint(cursor)));
    const offset = asOffset(readVarlong(cursor));
    invariant(cursor.remainingBytes === 0, 'bytes follow an offset commit', {
      remainingBytes: cursor.remainingBytes,
    });
    return { group, offset };
  } catch (error) {
    invariant(!(error instanceof MalformedBytesError), 'offset commit is malformed', {
      error: String(error),
    });
    throw error;
  }
}
