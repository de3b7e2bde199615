/** The payload of a Raft entry of kind COMMIT_OFFSETS: one consumer group's offset in this partition. Pure. */

import { invariant } from '../invariant.js';
import { ByteCursor, MalformedBytesError } from '../records/byte-cursor.js';
import { decodeUtf8, utf8Size, writeUtf8 } from '../records/utf8.js';
import { readVarint, varintSize, writeVarint } from '../records/varint.js';
import {
  type Committer,
  type GroupOffset,
  groupOffsetSize,
  readGroupOffset,
  writeGroupOffset,
} from './group-offset.js';

/** First byte of the payload; another number is another layout. */
const VERSION = 2;

/** A consumer group has processed everything below `offset`. */
export interface OffsetCommit extends GroupOffset, Committer {
  readonly group: string;
}

/** Layout: version byte, claim byte (1 or 0), group size varint, group in UTF-8, and as group-offset.ts says. */
export function encodeOffsetCommit(commit: OffsetCommit): Uint8Array {
  const groupSize = utf8Size(commit.group);
  const payload = new Uint8Array(2 + varintSize(groupSize) + groupSize + groupOffsetSize(commit));
  payload[0] = VERSION;
  payload[1] = commit.claim ? 1 : 0;
  let position = writeVarint(payload, 2, groupSize);
  position = writeUtf8(payload, position, commit.group);
  writeGroupOffset(payload, position, commit);
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
    const claim = cursor.readByte();
    invariant(claim <= 1, 'a commit claims its generation or does not', { claim });
    const group = decodeUtf8(cursor.take(readVarint(cursor)));
    const stored = readGroupOffset(cursor);
    invariant(cursor.remainingBytes === 0, 'bytes follow an offset commit', {
      remainingBytes: cursor.remainingBytes,
    });
    return { group, claim: claim === 1, ...stored };
  } catch (error) {
    invariant(!(error instanceof MalformedBytesError), 'offset commit is malformed', {
      error: String(error),
    });
    throw error;
  }
}
