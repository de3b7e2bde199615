/** SDK calls that explain: the recent failovers, and why a broker leads. */
import { PartitionServiceService } from '../../gen/bellwether/v1/partition_service.js';
import type { ExplainLeaderResponse } from '../../gen/bellwether/v1/partition_service.js';
import { BellwetherError } from '../errors.js';
import { checkRef, checkText } from './checked-argument.js';
import { checkedOption, checkNames } from './checked-option.js';
import { toChange, toExplanation } from './convert-leadership.js';
import type { FailoverFilter, LeaderExplanation, LeadershipChange } from './leadership-types.js';
import type { Route } from './retry.js';
import type { Session } from './session.js';
import type { CallOptions, PartitionRef } from './types.js';

/** How long the leader may take to add what only it knows, in milliseconds. Any other answer is good too. */
const LEADER_ANSWER_MAX_MS = 1000;

/** Stands for the broker's own limit. */
const LIMIT_DEFAULT = 0;
const INT32_MAX = 2 ** 31 - 1;

/** The recent failovers, the newest first, from any broker. */
export async function listFailovers(
  session: Session,
  filter: FailoverFilter,
  options: CallOptions | undefined,
): Promise<LeadershipChange[]> {
  checkNames('listFailovers', filter, { topic: true, partition: true, limit: true });
  const { topic, partition, limit } = filter;
  if (limit !== undefined) checkedOption('limit', limit, 1, INT32_MAX);
  if (partition !== undefined) checkedOption('partition', partition, 0, INT32_MAX);
  if (topic !== undefined) checkText('topic', topic);
  if (topic === undefined && partition !== undefined) {
    throw new BellwetherError('INVALID_REQUEST', 'a partition can be asked for only with its topic', {
      metadata: { field: 'topic' },
    });
  }
  const { failovers } = await session.call({
    method: PartitionServiceService.listFailovers,
    request: () => ({ topic: topic ?? '', partition, limit: limit ?? LIMIT_DEFAULT }),
    effect: 'read',
    route: session.anyBroker(),
    options,
  });
  return failovers.map(toChange);
}

/**
 * Why a partition is led as it is: as the leader sees it, else as any broker does.
 *
 * Whoever is asked first answers from memory and names the leader; looking it up first would wait for an
 * election, and what keeps a partition without a leader is what people ask about.
 */
export async function explainLeader(
  session: Session,
  ref: PartitionRef,
  options: CallOptions | undefined,
): Promise<LeaderExplanation> {
  checkRef(ref);
  const deadlineMs = performance.now() + session.timeoutMs(options);
  const answer = await explain(session, ref, session.leaderOf(ref, 'any'), options);
  const leaderAnswered = answer.replicas.some(({ lagEntries }) => lagEntries !== undefined);
  const remainingMs = Math.min(LEADER_ANSWER_MAX_MS, Math.floor(deadlineMs - performance.now()));
  if (answer.leader === '' || leaderAnswered || remainingMs < 1) return toExplanation(answer);
  session.cache.forget(ref); // Whoever was remembered has answered, and does not lead.
  const ofLeader = explain(session, ref, session.leaderOf(ref), { timeoutMs: remainingMs });
  return toExplanation(await ofLeader.catch(() => answer));
}

function explain(
  session: Session,
  { topic, partition }: PartitionRef,
  route: Route,
  options: CallOptions | undefined,
): Promise<ExplainLeaderResponse> {
  return session.call({
    method: PartitionServiceService.explainLeader,
    request: () => ({ topic, partition }),
    effect: 'read',
    route,
    options,
  });
}
