/** SDK call that tells where a partition begins and ends, or has records of a time on. */
import { LogServiceService, OffsetPosition as WirePosition } from '../../gen/bellwether/v1/log_service.js';
import { checkRef } from './checked-argument.js';
import { checkedChoice, checkedOption, isObject } from './checked-option.js';
import type { Session } from './session.js';
import type { CallOptions, ListedOffset, OffsetPosition, PartitionRef } from './types.js';

const POSITIONS = { earliest: WirePosition.EARLIEST, latest: WirePosition.LATEST } as const;

/** Asks the leader. But for the earliest offset the answer is linearizable: a quorum confirms the leader first. */
export async function listOffsets(
  session: Session,
  ref: PartitionRef,
  at: OffsetPosition,
  options: CallOptions | undefined,
): Promise<ListedOffset> {
  checkRef(ref);
  const wanted = toWire(at);
  const { offset, term, timestampMs } = await session.call({
    method: LogServiceService.listOffsets,
    request: () => ({ topic: ref.topic, partition: ref.partition, ...wanted }),
    effect: 'read',
    route: session.leaderOf(ref),
    options,
  });
  return { offset, term, timestampMs };
}

function toWire(at: OffsetPosition): { readonly at: WirePosition; readonly timestampMs: number } {
  if (!isObject(at)) {
    return {
      at: POSITIONS[checkedChoice<'earliest' | 'latest'>('at', at, ['earliest', 'latest'])],
      timestampMs: 0,
    };
  }
  const timestampMs = checkedOption('timestampMs', at.timestampMs, 0, Number.MAX_SAFE_INTEGER);
  return { at: WirePosition.TIMESTAMP, timestampMs };
}
