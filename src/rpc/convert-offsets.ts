/** Committed offsets of consumer groups in their wire forms. */

import type { GroupOffset as WireGroupOffset } from '../../gen/bellwether/raft/v1/raft_service.js';
import type { GroupOffset } from '../log/group-offset.js';
import { asOffset } from '../records/offset.js';

/** What another broker answered for one partition; undefined where the group has committed nothing. */
export function groupOffsetFromWire(wire: WireGroupOffset): GroupOffset | undefined {
  const { offset, generation, committedAtMs } = wire;
  return offset === undefined ? undefined : { offset: asOffset(offset), generation, committedAtMs };
}
