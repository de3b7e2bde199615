/**
 * What a partition keeps of one consumer group: its committed offset, and the generation that fences older
 * members of the group. Pure.
 *
 * A group that counts generations raises its own with each change of who reads what. Its commits are ordered
 * with those of every other member by the log of the partition, so the rule below decides the same on every
 * replica, and a member that was replaced can never set the offset back.
 */

import { invariant } from '../invariant.js';
import type { LogIndex } from '../raft/types.js';
import type { ByteCursor } from '../records/byte-cursor.js';
import { asOffset, type Offset } from '../records/offset.js';
import {
  readVarint,
  readVarlong,
  varintSize,
  varlongSize,
  writeVarint,
  writeVarlong,
} from '../records/varint.js';

/** The committed offset of one consumer group. */
export interface GroupOffset {
  /** Next offset that the group will read. */
  readonly offset: Offset;
  /** From 0 to 2^31 - 1; undefined for a group that counts none. */
  readonly generation: number | undefined;
  /** By the clock of the leader that appended the commit, in milliseconds since the Unix epoch. */
  readonly committedAtMs: number;
}

/** Who commits. */
export interface Committer {
  readonly generation: number | undefined;
  /** Take the generation for this member alone: it must be higher than the one that is stored. */
  readonly claim: boolean;
}

/**
 * True when a commit may not take the place of what is stored: its generation is lower; or it claims one that
 * is not higher; or it has none, though the group counts them here.
 */
export function isFenced(stored: GroupOffset | undefined, { generation, claim }: Committer): boolean {
  if (stored?.generation === undefined) return false;
  if (generation === undefined) return true;
  return claim ? generation <= stored.generation : generation < stored.generation;
}

/** A generation that is undefined is written as this. */
const NO_GENERATION = -1;

/** Layout: offset varlong, generation varint (-1 for none), time of the commit varlong (varint.ts). */
export function groupOffsetSize({ offset, generation, committedAtMs }: GroupOffset): number {
  return varlongSize(offset) + varintSize(generation ?? NO_GENERATION) + varlongSize(committedAtMs);
}

/** Writes at `position` and returns where it ended. */
export function writeGroupOffset(
  bytes: Uint8Array,
  position: number,
  { offset, generation, committedAtMs }: GroupOffset,
): number {
  const next = writeVarint(
    bytes,
    writeVarlong(bytes, position, asOffset(offset)),
    generation ?? NO_GENERATION,
  );
  return writeVarlong(bytes, next, committedAtMs);
}

/** Reads what `writeGroupOffset` wrote. @throws MalformedBytesError when it ends too early, or InvariantError. */
export function readGroupOffset(cursor: ByteCursor): GroupOffset {
  const offset = asOffset(readVarlong(cursor));
  const generation = readVarint(cursor);
  const committedAtMs = readVarlong(cursor);
  invariant(generation >= NO_GENERATION, 'a generation counts from 0', { generation });
  invariant(committedAtMs >= 0, 'a commit has a time', { committedAtMs });
  return { offset, generation: generation === NO_GENERATION ? undefined : generation, committedAtMs };
}

/** What became of an offset commit. */
export interface CommitSettlement {
  readonly index: LogIndex;
  /** The generation that is stored and refused it; undefined when the commit took effect. */
  readonly fencedBy: number | undefined;
}
