/** What a consumer knows of each of its partitions, over all iterations. */
import { BellwetherError } from '../errors.js';
import { checkList, checkRef, checkText } from './checked-argument.js';
import { checkedChoice, checkedOption, isObject } from './checked-option.js';
import { partitionName } from './metadata-cache.js';
import type { PartitionFeed } from './partition-feed.js';
import type { ConsumedPartition, StartPosition } from './types-consumer.js';
import type { PartitionRef } from './types-base.js';

/** Partitions of one consumer at most: each has a stream of its own. */
const PARTITIONS_MAX = 1000;

/** One partition. */
export interface Track {
  readonly ref: PartitionRef;
  from: StartPosition;
  /** Behind what was handed out. */
  position: number | undefined;
  /** Behind what was handled: handed out, and the next was asked for. */
  handled: number | undefined;
  committed: number | undefined;
  isPaused: boolean;
  feed: PartitionFeed | undefined;
}

/** By topic and partition. @throws BellwetherError INVALID_REQUEST */
export function tracksOf(
  partitions: readonly ConsumedPartition[],
  group: string | undefined,
): ReadonlyMap<string, Track> {
  checkList('partitions', partitions);
  if (group !== undefined) checkText('group', group);
  checkedOption('partitions', partitions.length, 1, PARTITIONS_MAX);
  const tracks = new Map<string, Track>();
  for (const [index, each] of partitions.entries()) {
    checkRef(each, `partitions[${index}]`);
    const { topic, partition, from } = each;
    const ref = { topic, partition };
    const name = partitionName(ref);
    if (tracks.has(name)) throw invalid(`${name} is named twice`, 'partitions');
    const start = from ?? (group === undefined ? 'earliest' : 'committed');
    checkStart(start);
    if (start === 'committed' && group === undefined) throw invalid("'committed' needs a group", 'group');
    tracks.set(name, {
      ref,
      from: start,
      position: typeof start === 'number' ? start : undefined,
      handled: undefined,
      committed: undefined,
      isPaused: false,
      feed: undefined,
    });
  }
  return tracks;
}

function checkStart(from: StartPosition): void {
  if (typeof from === 'number') checkedOption('from', from, 0, Number.MAX_SAFE_INTEGER);
  else if (isObject(from)) checkedOption('from.timestampMs', from.timestampMs, 0, Number.MAX_SAFE_INTEGER);
  else checkedChoice<StartPosition>('from', from, ['earliest', 'latest', 'committed']);
}

export function invalid(message: string, field: string): BellwetherError {
  return new BellwetherError('INVALID_REQUEST', message, { metadata: { field } });
}
