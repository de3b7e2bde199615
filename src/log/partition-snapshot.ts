/**
 * The data of a partition's snapshot: what its state machine had come to when the snapshot was taken. Pure.
 *
 * The snapshot stands for the entries up to its index, and the log keeps the later ones. The state is that of
 * the applied index, which may be later: some entries that have taken effect still hold records that are
 * wanted.
 */

import { invariant } from '../invariant.js';
import { asLogIndex, type LogIndex } from '../raft/types.js';
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
import { type GroupOffset, groupOffsetSize, readGroupOffset, writeGroupOffset } from './group-offset.js';
import { type Producers, producersSize, readProducers, writeProducers } from './producer-snapshot.js';

/** First byte of the data; another number is another layout. */
const VERSION = 2;

export interface PartitionSnapshot {
  /** Entries up to here have taken effect. */
  readonly appliedIndex: LogIndex;
  readonly logStartOffset: Offset;
  /** Where the first batch behind the snapshot begins: the end offset of what is gone. */
  readonly baseOffset: Offset;
  readonly committedOffsets: ReadonlyMap<string, GroupOffset>;
  readonly producers: Producers;
}

/**
 * Layout: version byte, applied index varlong, log start offset varlong, base offset varlong, number of
 * consumer groups varint, of each, by name: size varint, name in UTF-8, and as group-offset.ts says; then the
 * producers (producer-snapshot.ts). Numbers as in varint.ts.
 *
 * The same state gives the same bytes on every replica (I17).
 */
export function encodePartitionSnapshot(snapshot: PartitionSnapshot): Uint8Array {
  const { appliedIndex, logStartOffset, baseOffset } = snapshot;
  const groups = [...snapshot.committedOffsets].sort(([a], [b]) => (a < b ? -1 : 1));
  const bytes = new Uint8Array(sizeOf(snapshot));
  bytes[0] = VERSION;
  let position = writeVarlong(bytes, 1, appliedIndex);
  position = writeVarlong(bytes, position, logStartOffset);
  position = writeVarlong(bytes, position, baseOffset);
  position = writeVarint(bytes, position, groups.length);
  for (const [group, offset] of groups) {
    position = writeVarint(bytes, position, utf8Size(group));
    position = writeUtf8(bytes, position, group);
    position = writeGroupOffset(bytes, position, offset);
  }
  position = writeProducers(bytes, position, snapshot.producers);
  invariant(position === bytes.length, 'a snapshot has the size that was computed');
  return bytes;
}

function sizeOf(snapshot: PartitionSnapshot): number {
  const { appliedIndex, logStartOffset, baseOffset, committedOffsets, producers } = snapshot;
  let size = 1 + varlongSize(appliedIndex) + varlongSize(logStartOffset) + varlongSize(baseOffset);
  size += varintSize(committedOffsets.size) + producersSize(producers);
  for (const [group, offset] of committedOffsets) {
    const groupSize = utf8Size(group);
    size += varintSize(groupSize) + groupSize + groupOffsetSize(offset);
  }
  return size;
}

/**
 * Reads what `encodePartitionSnapshot` wrote. Damage breaks an invariant: the data comes out of the journal
 * or from the leader, and its checksum was right.
 */
export function decodePartitionSnapshot(data: Uint8Array): PartitionSnapshot {
  const cursor = new ByteCursor(data);
  try {
    const version = cursor.readByte();
    invariant(version === VERSION, 'partition snapshot of an unknown version', { version });
    const appliedIndex = asLogIndex(readVarlong(cursor));
    const logStartOffset = asOffset(readVarlong(cursor));
    const baseOffset = asOffset(readVarlong(cursor));
    const committedOffsets = new Map<string, GroupOffset>();
    for (let left = readVarint(cursor); left > 0; left--) {
      const group = decodeUtf8(cursor.take(readVarint(cursor)));
      committedOffsets.set(group, readGroupOffset(cursor));
    }
    const producers = readProducers(cursor);
    invariant(cursor.remainingBytes === 0, 'bytes follow a partition snapshot', {
      remainingBytes: cursor.remainingBytes,
    });
    invariant(baseOffset <= logStartOffset, 'what is gone was deleted', { baseOffset, logStartOffset });
    return { appliedIndex, logStartOffset, baseOffset, committedOffsets, producers };
  } catch (error) {
    invariant(!(error instanceof MalformedBytesError), 'partition snapshot is malformed', {
      error: String(error),
    });
    throw error;
  }
}
