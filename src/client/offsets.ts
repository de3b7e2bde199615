/** SDK calls about the offsets that consumer groups have committed. */
import { OffsetServiceService } from '../../gen/bellwether/v1/offset_service.js';
import { checkList, checkRef, checkText } from './checked-argument.js';
import { checkedChoice, checkedOption } from './checked-option.js';
import type { Route } from './retry.js';
import type { Session } from './session.js';
import type { CallOptions, CommittedOffset, PartitionRef } from './types.js';
import type { CommitOptions, StoredOffset } from './types-offsets.js';

/** The greatest generation of a consumer group: an int32. */
export const GENERATION_MAX = 2_147_483_647;

/** Stores offsets. The last commit of a partition wins, so it may be sent again; a claim may not. */
export async function commitOffsets(
  session: Session,
  group: string,
  offsets: readonly CommittedOffset[],
  options: CommitOptions | undefined,
): Promise<void> {
  checkText('group', group);
  checkList('offsets', offsets);
  for (const [index, each] of offsets.entries()) {
    checkRef(each, `offsets[${index}]`);
    checkedOption('offset', each.offset, 0, Number.MAX_SAFE_INTEGER);
  }
  const { generation, claim = false } = options ?? {};
  if (generation !== undefined) checkedOption('generation', generation, 0, GENERATION_MAX);
  checkedChoice('claim', claim, [true, false]);
  await session.call({
    method: OffsetServiceService.commitOffsets,
    request: () => ({
      group,
      offsets: offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
      generation,
      claim,
    }),
    effect: claim ? 'write' : 'idempotent_write',
    route: routeTo(session, offsets),
    options,
    optionNames: { generation: true, claim: true },
  });
}

/** Reads offsets back; partitions without one are left out. */
export async function fetchOffsets(
  session: Session,
  group: string,
  partitions: readonly PartitionRef[],
  options: CallOptions | undefined,
): Promise<StoredOffset[]> {
  checkText('group', group);
  checkList('partitions', partitions);
  for (const [index, each] of partitions.entries()) checkRef(each, `partitions[${index}]`);
  const { offsets } = await session.call({
    method: OffsetServiceService.fetchOffsets,
    request: () => ({
      group,
      partitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
    }),
    effect: 'read',
    route: routeTo(session, partitions),
    options,
  });
  return offsets.map(({ topic, partition, offset, generation, committedAtMs }) => ({
    ...{ topic, partition, offset, generation, committedAtMs },
  }));
}

/** The leader of the first partition where it is known: any broker would pass the request on to it. */
function routeTo(session: Session, [first]: readonly PartitionRef[]): Route {
  return first === undefined ? session.anyBroker() : session.leaderOf(first, 'any');
}
