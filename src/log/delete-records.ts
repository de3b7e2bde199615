/** The payload of a Raft entry of kind DELETE_RECORDS: below which offset records are deleted. Pure. */

import { asOffset, type Offset } from '../records/offset.js';
import { varlongSize, writeVarlong } from '../records/varint.js';

/** First byte of the payload; another number is another layout. */
const VERSION = 1;

/** Layout: version byte, offset varlong (varint.ts). */
export function encodeDeleteRecords(offset: Offset): Uint8Array {
  const before = asOffset(offset);
  const payload = new Uint8Array(1 + varlongSize(before));
  payload[0] = VERSION;
  writeVarlong(payload, 1, before);
  return payload;
}
