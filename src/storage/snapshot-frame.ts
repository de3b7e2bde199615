/**
 * The payload of a SNAPSHOT frame: what a snapshot holds besides its index and term, which stand in the
 * frame's header.
 *
 * | byte  | size | field                                                        |
 * | ----- | ---- | ------------------------------------------------------------ |
 * | 0     | 4    | bytes of the membership, little-endian                       |
 * | 4     | m    | membership, in ASCII as in an entry of that kind             |
 * | 4 + m |      | data of the state machine, to the end                        |
 *
 * The header's `kind` is the number of this layout.
 */
import { InvariantError } from '../invariant.js';
import type { Snapshot } from '../raft/log.js';
import { decodeMembership, encodeMembership } from '../raft/membership.js';

/** Another number is another layout. */
export const SNAPSHOT_LAYOUT = 1;

const MEMBERSHIP_START = 4;

export function encodeSnapshotPayload(snapshot: Snapshot): Buffer {
  const membership = encodeMembership(snapshot.membership);
  const payload = Buffer.allocUnsafe(MEMBERSHIP_START + membership.length + snapshot.data.length);
  payload.writeUInt32LE(membership.length, 0);
  payload.set(membership, MEMBERSHIP_START);
  payload.set(snapshot.data, MEMBERSHIP_START + membership.length);
  return payload;
}

/**
 * Reads what `encodeSnapshotPayload` wrote; the data is a copy.
 *
 * @returns Undefined when it is anything else.
 */
export function decodeSnapshotPayload(payload: Buffer): Pick<Snapshot, 'membership' | 'data'> | undefined {
  if (payload.length < MEMBERSHIP_START) return undefined;
  const dataStart = MEMBERSHIP_START + payload.readUInt32LE(0);
  if (dataStart > payload.length) return undefined;
  try {
    const membership = decodeMembership(payload.subarray(MEMBERSHIP_START, dataStart));
    return { membership, data: Uint8Array.from(payload.subarray(dataStart)) };
  } catch (error) {
    if (error instanceof InvariantError) return undefined;
    throw error;
  }
}
