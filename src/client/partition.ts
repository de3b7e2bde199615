/**
 * SDK calls about leadership: who leads, and move it; and the metadata of the cluster. What explains
 * leadership is in leadership-history.ts and watch-leadership.ts.
 */
import { MetadataServiceService } from '../../gen/bellwether/v1/metadata_service.js';
import { PartitionServiceService } from '../../gen/bellwether/v1/partition_service.js';
import { checkRef, checkText, checkTexts } from './checked-argument.js';
import { checkedChoice, checkedOption, checkNames } from './checked-option.js';
import { toFailover, toPartitionLeader } from './convert-leadership.js';
import { toMetadata } from './convert.js';
import { LEADER_LOOK_UP_EXPECTED_MS } from './session.js';
import type { Session } from './session.js';
import type { FailoverResult, PartitionLeader } from './leadership-types.js';
import type { CallOptions, ClusterMetadata, FailoverRequest } from './types.js';
import type { PartitionLeaderOptions, PartitionRef } from './types.js';

/** What a failover may take by right beyond maxBlockMs, in milliseconds: an election or two. */
export const FAILOVER_EXPECTED_MS = 2000;

const INT32_MAX = 2 ** 31 - 1;

/** How long a live leader may be held up when the caller names no bound, in milliseconds. */
export const MAX_BLOCK_DEFAULT_MS = 1000;

/** Who leads a partition, from any broker, or linearizable from the leader. Waits while an election runs. */
export async function partitionLeader(
  session: Session,
  ref: PartitionRef,
  options: PartitionLeaderOptions | undefined,
): Promise<PartitionLeader> {
  checkRef(ref);
  const { linearizable = false } = options ?? {};
  checkedChoice('linearizable', linearizable, [true, false]);
  const response = await session.call({
    method: PartitionServiceService.partitionLeader,
    request: () => ({ topic: ref.topic, partition: ref.partition, linearizable }),
    effect: 'read',
    route: linearizable ? session.leaderOf(ref) : session.anyBroker(),
    expectedMs: LEADER_LOOK_UP_EXPECTED_MS,
    silentMs: 0,
    options,
    optionNames: { linearizable: true },
  });
  session.cache.adopt(ref, { address: response.leaderAddress, term: response.term });
  return toPartitionLeader(response);
}

const FAILOVER_FIELDS = {
  topic: true,
  partition: true,
  failedLeader: true,
  expectedTerm: true,
  target: true,
  maxBlockMs: true,
  dryRun: true,
} as const;

/** @throws BellwetherError INVALID_REQUEST, naming the field, when one is of the wrong kind */
export function checkMove({
  target,
  expectedTerm,
  maxBlockMs,
  dryRun = false,
}: Pick<FailoverRequest, 'target' | 'expectedTerm' | 'maxBlockMs' | 'dryRun'>): void {
  if (target !== undefined) checkText('target', target);
  if (expectedTerm !== undefined) checkedOption('expectedTerm', expectedTerm, 0, INT32_MAX);
  if (maxBlockMs !== undefined) checkedOption('maxBlockMs', maxBlockMs, 0, INT32_MAX);
  checkedChoice('dryRun', dryRun, [true, false]);
}

/** Moves leadership away from a broker. Not asked of that broker itself, if there is another. */
export async function partitionFailover(
  session: Session,
  request: FailoverRequest,
  options: CallOptions | undefined,
): Promise<FailoverResult> {
  checkNames('partitionFailover', request, FAILOVER_FIELDS);
  checkRef(request, 'request');
  checkText('failedLeader', request.failedLeader);
  checkMove(request);
  const { topic, partition, failedLeader, expectedTerm, target, maxBlockMs, dryRun = false } = request;
  const response = await session.call({
    method: PartitionServiceService.partitionFailover,
    request: () => ({ topic, partition, failedLeader, expectedTerm, target, maxBlockMs, dryRun }),
    effect: 'idempotent_write',
    route: session.anyBroker(session.directory.addressOf(failedLeader)),
    expectedMs: FAILOVER_EXPECTED_MS + (maxBlockMs ?? MAX_BLOCK_DEFAULT_MS),
    options,
  });
  const result = toFailover(response);
  if (result.outcome === 'WOULD_MOVE') return result; // Nothing that is known has changed.
  const address = session.directory.addressOf(response.newLeader);
  if (address === undefined) session.cache.forget(request);
  else session.cache.adopt(request, { address, term: response.newTerm });
  return result;
}

/** Brokers, topics and leaders. What it tells is remembered for later calls. */
export async function metadata(
  session: Session,
  topics: readonly string[],
  options: CallOptions | undefined,
): Promise<ClusterMetadata> {
  checkTexts('topics', topics);
  const response = await session.call({
    method: MetadataServiceService.metadata,
    request: () => ({ topics: [...topics] }),
    effect: 'read',
    route: session.anyBroker(),
    options,
  });
  const result = toMetadata(response);
  session.directory.learn(result.brokers);
  for (const { topic, partitions } of result.topics) {
    for (const { partition, leader, term } of partitions) {
      const address = leader === undefined ? undefined : session.directory.addressOf(leader);
      if (address !== undefined) session.cache.adopt({ topic, partition }, { address, term });
    }
  }
  return result;
}
