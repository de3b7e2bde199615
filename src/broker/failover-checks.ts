/** What is looked at before leadership is moved: whether it may be, and who would lead then. */

import { BellwetherError } from '../errors.js';
import type { PartitionAssignment } from '../cluster/cluster-types.js';
import { hostsOf } from '../cluster/desired.js';
import type { LeadershipReport } from '../cluster/leadership-change.js';
import { quorumSize } from '../raft/quorum.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import type { LeaderTable } from './leader-table.js';
import type { PeerTransport } from './peer-port.js';
import { noLeader } from './refusals.js';

export interface FailoverRequest {
  readonly failedLeader: BrokerId;
  readonly expectedTerm: number | undefined;
  readonly target: BrokerId | undefined;
  readonly maxBlockMs: number;
  /** Check everything, move nothing. */
  readonly dryRun: boolean;
}

export interface FailoverContext {
  readonly self: BrokerId;
  readonly clock: Clock;
  readonly table: LeaderTable;
  readonly transport: PeerTransport;
  /** What the history tells of a leadership; undefined where it has not come yet. */
  recorded(group: GroupId, term: number): LeadershipReport | undefined;
  isAlive(broker: BrokerId): boolean;
  groupOf(id: GroupId): GroupHost | undefined;
  wake(group: GroupHost): void;
}

/** @throws BellwetherError INVALID_REQUEST for a broker that holds no replica. */
export function checkReplica(assignment: PartitionAssignment, failedLeader: BrokerId): void {
  const { topic, partition } = assignment;
  const replicas = hostsOf(assignment);
  if (replicas.includes(failedLeader)) return;
  throw new BellwetherError(
    'INVALID_REQUEST',
    `failed_leader: broker ${failedLeader} holds no replica of ${topic}/${String(partition)}`,
    { metadata: { field: 'failed_leader', replicas: replicas.join(',') } },
  );
}

/** @throws BellwetherError FENCED_TERM when the caller expects another term than the newest one known. */
export function checkTerm(
  { table }: FailoverContext,
  { group, topic, partition }: PartitionAssignment,
  expectedTerm: number | undefined,
): void {
  const term = table.newestTerm(group);
  if (expectedTerm === undefined || expectedTerm === term) return;
  throw new BellwetherError(
    'FENCED_TERM',
    `${topic}/${String(partition)} is in term ${String(term)}, not ${String(expectedTerm)}`,
    {
      metadata: {
        topic,
        partition: String(partition),
        term: String(term),
        expected_term: String(expectedTerm),
      },
    },
  );
}

/** @throws BellwetherError TARGET_NOT_ELIGIBLE for a target that cannot lead, as far as this broker can see. */
export function checkTarget(
  context: FailoverContext,
  assignment: PartitionAssignment,
  { target, failedLeader }: FailoverRequest,
): void {
  if (target === undefined) return;
  const problem = !hostsOf(assignment).includes(target)
    ? 'holds no replica'
    : target === failedLeader
      ? 'is the failed leader'
      : context.isAlive(target)
        ? undefined
        : 'is not heard from';
  if (problem === undefined) return;
  throw new BellwetherError('TARGET_NOT_ELIGIBLE', `broker ${target} ${problem}`, { metadata: { target } });
}

/**
 * Who would lead if the leadership were moved now, as far as this broker can see: the target, else whom the
 * leader would choose where this broker leads, else the first voter in order of preference that is heard from
 * and was in sync.
 *
 * @throws BellwetherError NO_LEADER when nobody could be elected, TARGET_NOT_ELIGIBLE when the target is none
 * that votes.
 */
export function successorOf(
  context: FailoverContext,
  assignment: PartitionAssignment,
  { target, failedLeader }: FailoverRequest,
): BrokerId {
  const { voters } = assignment.membership;
  const live = voters.filter((voter) => context.isAlive(voter));
  if (live.length < quorumSize(voters.length)) throw noLeader(assignment);
  const candidates = live.filter((voter) => voter !== failedLeader);
  if (target !== undefined) {
    if (candidates.includes(target)) return target;
    throw new BellwetherError('TARGET_NOT_ELIGIBLE', `broker ${target} does not vote yet`, {
      metadata: { target },
    });
  }
  const nowMs = context.clock.monotonicMs();
  const chosen = context.groupOf(assignment.group)?.raft.successor(nowMs);
  if (chosen !== undefined) return chosen;
  const inSync = context.table.leaderOf(assignment.group)?.inSyncReplicas ?? [];
  const successor = candidates.find((voter) => inSync.includes(voter)) ?? candidates[0];
  if (successor === undefined) throw noLeader(assignment);
  return successor;
}
