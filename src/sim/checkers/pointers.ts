/** I14: a replica's pointers keep their order. */

import type { PartitionLog } from '../../log/partition-log.js';
import type { ReplicaView } from './replica-view.js';
import { Violation } from './violation.js';

export function checkPointers(
  { applied, base, commit, durable, host, group, broker }: ReplicaView,
  log: PartitionLog | undefined,
): void {
  const last = host.raft.lastIndex;
  if (isOrdered([applied, commit, last]) && base <= commit && durable <= last && isLogOrdered(log)) return;
  const facts = { group, broker, base, applied, commit, durable, last };
  const { logStartOffset: start, highWatermark, logEndOffset: end } = log ?? {};
  throw new Violation('I14', 'pointers keep their order', { ...facts, start, highWatermark, end });
}

function isLogOrdered(log: PartitionLog | undefined): boolean {
  return log === undefined || isOrdered([log.logStartOffset, log.highWatermark, log.logEndOffset]);
}

function isOrdered([a, b, c]: readonly [number, number, number]): boolean {
  return a <= b && b <= c;
}
