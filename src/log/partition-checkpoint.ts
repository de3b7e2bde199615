/**
 * What a partition's state machine leaves for a restart of its own broker: its state, and where the batches
 * are of which it keeps spans only. Pure.
 */

import { invariant } from '../invariant.js';
import { asLogIndex, type LogIndex } from '../raft/types.js';
import { ByteCursor } from '../records/byte-cursor.js';
import { asOffset, type Offset } from '../records/offset.js';
import {
  readVarint,
  readVarlong,
  varintSize,
  varlongSize,
  writeVarint,
  writeVarlong,
} from '../records/varint.js';
import type { BatchSpan } from './batch-index.js';

/** First byte of the data; another number is another layout. */
const VERSION = 1;

/** What the machine has made of the log up to `index`. */
export interface PartitionState {
  readonly index: LogIndex;
  readonly data: Uint8Array;
}

export interface PartitionCheckpoint {
  /** All batches up to this entry are in `spans`; it is committed. */
  readonly index: LogIndex;
  /** Where the first span begins. */
  readonly baseOffset: Offset;
  readonly spans: readonly BatchSpan[];
  /** The rest of the state, as in a snapshot (partition-snapshot.ts). */
  readonly state: Uint8Array;
}

/**
 * Layout: version byte, index varlong, base offset varlong, number of spans varint, of each: log index varlong,
 * end offset varlong, maximum timestamp varlong, bytes varlong; then the state (varint.ts).
 */
export function encodePartitionCheckpoint(checkpoint: PartitionCheckpoint): Uint8Array {
  const { index, baseOffset, spans, state } = checkpoint;
  let size = 1 + varlongSize(index) + varlongSize(baseOffset) + varintSize(spans.length) + state.length;
  for (const span of spans) {
    size += varlongSize(span.index) + varlongSize(span.endOffset);
    size += varlongSize(span.maxTimestampMs) + varlongSize(span.bytes);
  }
  const bytes = new Uint8Array(size);
  bytes[0] = VERSION;
  let position = writeVarlong(bytes, 1, index);
  position = writeVarlong(bytes, position, baseOffset);
  position = writeVarint(bytes, position, spans.length);
  for (const span of spans) {
    position = writeVarlong(bytes, position, span.index);
    position = writeVarlong(bytes, position, span.endOffset);
    position = writeVarlong(bytes, position, span.maxTimestampMs);
    position = writeVarlong(bytes, position, span.bytes);
  }
  bytes.set(state, position);
  return bytes;
}

/** Reads what `encodePartitionCheckpoint` wrote, whose checksum was right. @throws InvariantError, MalformedBytesError */
export function decodePartitionCheckpoint(data: Uint8Array): PartitionCheckpoint {
  const cursor = new ByteCursor(data);
  const version = cursor.readByte();
  invariant(version === VERSION, 'partition checkpoint of an unknown version', { version });
  const index = asLogIndex(readVarlong(cursor));
  const baseOffset = asOffset(readVarlong(cursor));
  const spans: BatchSpan[] = [];
  for (let left = readVarint(cursor); left > 0; left--) {
    spans.push({
      index: asLogIndex(readVarlong(cursor)),
      endOffset: asOffset(readVarlong(cursor)),
      maxTimestampMs: readVarlong(cursor),
      bytes: readVarlong(cursor),
    });
  }
  return { index, baseOffset, spans, state: cursor.take(cursor.remainingBytes) };
}

/** What is left of the spans when the entries up to `compactedIndex` have gone, and where the first one begins. */
export function spansBehind(
  { spans, baseOffset }: PartitionCheckpoint,
  compactedIndex: LogIndex,
): Pick<PartitionCheckpoint, 'spans' | 'baseOffset'> {
  const behind = spans.filter((span) => span.index > compactedIndex);
  const gone = spans[spans.length - behind.length - 1];
  return { spans: behind, baseOffset: gone?.endOffset ?? baseOffset };
}
