/** The payload of a Raft entry of kind DELETE_RECORDS: up to where a partition's records are deleted. Pure. */

import { invariant } from '../invariant.js';
import { ByteCursor, MalformedBytesError } from '../records/byte-cursor.js';
import { asOffset, type Offset } from '../records/offset.js';
import { readVarlong, varlongSize, writeVarlong } from '../records/varint.js';

/** First byte of the payload; another number is another layout. */
const VERSION = 1;

/** The records below `beforeOffset` are deleted, as far as they are committed. */
export interface DeleteRecords {
  readonly beforeOffset: Offset;
}

/** Layout: version byte, offset varlong (varint.ts). */
export function encodeDeleteRecords(deletion: DeleteRecords): Uint8Array {
  const offset = asOffset(deletion.beforeOffset);
  const payload = new Uint8Array(1 + varlongSize(offset));
  payload[0] = VERSION;
  writeVarlong(payload, 1, offset);
  return payload;
}

/**
 * Reads what `encodeDeleteRecords` wrote. Damage breaks an invariant: the payload comes out of the Raft log,
 * whose checksum was right.
 */
export function decodeDeleteRecords(payload: Uint8Array): DeleteRecords {
  const cursor = new ByteCursor(payload);
  try {
    const version = cursor.readByte();
    invariant(version === VERSION, 'deletion of records of an unknown version', { version });
    const beforeOffset = asOffset(readVarlong(cursor));
    invariant(cursor.remainingBytes === 0, 'bytes follow a deletion of records', {
      remainingBytes: cursor.remainingBytes,
    });
    return { beforeOffset };
  } catch (error) {
    invariant(!(error instanceof MalformedBytesError), 'deletion of records is malformed', {
      error: String(error),
    });
    throw error;
  }
}
