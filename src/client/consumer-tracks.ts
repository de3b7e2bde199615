/** What a consumer knows of each of its partitions, over all iterations. */
import { BellwetherError } from '../errors.js';
import { checkedOption } from './checked-option.js';
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
  checkedOption('partitions', partitions.length, 1, PARTITIONS_MAX);
  const tracks = new Map<string, Track>();
  for (const { topic, partition, from } of partitions) {
    const ref = { topic, partition };
    const name = partitionName(ref);
    if (tracks.has(name)) throw invalid(`${name} is named twice`, 'partitions');
    const start = from ?? (group === undefined ? 'earliest' : 'committed');
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

export function invalid(message: string, field: string): BellwetherError {
  return new BellwetherError('INVALID_REQUEST', message, { metadata: { field } });
}
