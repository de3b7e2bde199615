/** SDK call that tells where a partition begins and ends. */
import { LogServiceService, OffsetPosition as WirePosition } from '../../gen/bellwether/v1/log_service.js';
import type { Session } from './session.js';
import type { CallOptions, ListedOffset, OffsetPosition, PartitionRef } from './types.js';

const POSITIONS = { earliest: WirePosition.EARLIEST, latest: WirePosition.LATEST } as const;

/** Asks the leader. The latest offset is linearizable: a quorum confirms the leader first. */
export async function listOffsets(
  session: Session,
  ref: PartitionRef,
  at: OffsetPosition,
  options: CallOptions | undefined,
): Promise<ListedOffset> {
  const { offset, term } = await session.call({
    method: LogServiceService.listOffsets,
    request: () => ({ topic: ref.topic, partition: ref.partition, at: POSITIONS[at], timestampMs: 0 }),
    effect: 'read',
    route: session.leaderOf(ref),
    options,
  });
  return { offset, term };
}
