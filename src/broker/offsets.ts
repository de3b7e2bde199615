/** Committed offsets of consumer groups, from whichever broker leads each partition. */

import type { PartitionAssignment } from '../cluster/cluster-types.js';
import { BellwetherError } from '../errors.js';
import type { Committer, GroupOffset } from '../log/group-offset.js';
import { encodeOffsetCommit } from '../log/offset-commit.js';
import { type BrokerId, ENTRY_KIND } from '../raft/types.js';
import { asOffset } from '../records/offset.js';
import type { Broker } from './broker.js';
import type { RequestedCommit } from './offset-commits.js';
import type { PartitionHost } from './partition-host.js';
import { noLeader } from './refusals.js';

/** Who commits for a group that counts no generations. */
const NO_GENERATIONS: Committer = { generation: undefined, claim: false };

export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  /** Next offset that the group will read. */
  readonly offset: number;
}

/**
 * Stores offsets on a quorum of each partition.
 *
 * @throws BellwetherError FENCED_GENERATION when any partition refused the committer, or as `produce`, once
 * the fate of every partition is known. Its outcome is NOT_APPLIED only when that is so for all of them, or
 * for those that fenced the committer: sending it again would not help.
 */
export async function commitOffsets(
  broker: Broker,
  consumerGroup: string,
  offsets: readonly OffsetToCommit[],
  timeoutMs: number,
  committer: Committer = NO_GENERATIONS,
): Promise<void> {
  broker.checkServing();
  const targets = offsets.map(({ topic, partition, offset }) => ({
    assignment: broker.assignment(topic, partition),
    commit: { group: consumerGroup, offset: asOffset(offset), ...committer },
  }));
  const commits = targets.map(({ assignment, commit }) => commitOne(broker, assignment, commit, timeoutMs));
  const failures: unknown[] = [];
  for (const commit of await Promise.allSettled(commits)) {
    if (commit.status === 'rejected') failures.push(commit.reason);
  }
  if (failures.length > 0) throw failureOf(failures, commits.length);
}

async function commitOne(
  broker: Broker,
  assignment: PartitionAssignment,
  commit: RequestedCommit,
  timeoutMs: number,
): Promise<void> {
  const deadlineMs = broker.clock.monotonicMs() + timeoutMs;
  const leader = await leaderOf(broker, assignment, timeoutMs);
  const leftMs = deadlineMs - broker.clock.monotonicMs();
  if (leader !== broker.id) {
    // The leader says when it took the commit.
    const payload = encodeOffsetCommit({ ...commit, committedAtMs: 0 });
    const request = { group: assignment.group, kind: ENTRY_KIND.COMMIT_OFFSETS, payload };
    await broker.transport.submit(leader, request, leftMs);
    return;
  }
  const partition = broker.replica(assignment.group);
  if (partition === undefined) throw broker.elsewhere(assignment.group, assignment);
  await partition.commitOffset(commit, leftMs, () => {
    broker.wake(partition.group);
  });
}

/** The one error for a call of which a part failed: no better than its worst part. */
function failureOf(failures: readonly unknown[], count: number): unknown {
  const [first] = failures;
  const fenced = failures.filter(
    (error) => error instanceof BellwetherError && error.reason === 'FENCED_GENERATION',
  );
  if (fenced[0] instanceof BellwetherError) {
    const { message, metadata } = fenced[0];
    const text = `${String(fenced.length)} of ${String(count)} offsets were refused: ${message}`;
    const counted = { ...metadata, refused: String(fenced.length), offsets: String(count) };
    return new BellwetherError('FENCED_GENERATION', text, { metadata: counted });
  }
  const unsure = failures.find((error) => !isNotApplied(error));
  if (unsure !== undefined) return unsure;
  if (failures.length === count || !(first instanceof BellwetherError)) return first;
  const { message, metadata } = first;
  return new BellwetherError(
    'COMMIT_TIMEOUT',
    `${String(failures.length)} of ${String(count)} offsets were not stored: ${message}`,
    { metadata },
  );
}

function isNotApplied(error: unknown): boolean {
  return error instanceof BellwetherError && error.outcome === 'NOT_APPLIED';
}

/** Committed offsets, in the order asked for; undefined where the group has committed none. */
export async function fetchOffsets(
  broker: Broker,
  consumerGroup: string,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
  timeoutMs: number,
): Promise<(GroupOffset | undefined)[]> {
  broker.checkServing();
  const assignments = partitions.map(({ topic, partition }) => broker.assignment(topic, partition));
  const leaders = await Promise.all(assignments.map((assignment) => leaderOf(broker, assignment, timeoutMs)));
  const found = new Map<PartitionAssignment, GroupOffset | undefined>();
  await Promise.all(
    [...new Set(leaders)].map(async (leader) => {
      const led = assignments.filter((_, i) => leaders[i] === leader);
      const offsets = await readFrom(broker, leader, consumerGroup, led, timeoutMs);
      led.forEach((assignment, i) => found.set(assignment, offsets[i]));
    }),
  );
  return assignments.map((assignment) => found.get(assignment));
}

async function readFrom(
  broker: Broker,
  leader: BrokerId,
  consumerGroup: string,
  led: readonly PartitionAssignment[],
  timeoutMs: number,
): Promise<readonly (GroupOffset | undefined)[]> {
  if (leader !== broker.id) {
    const groups = led.map(({ group }) => group);
    return broker.transport.readOffsets(leader, consumerGroup, groups, timeoutMs);
  }
  const replicas = led.map((assignment) => {
    const replica = broker.replica(assignment.group);
    if (replica === undefined) throw broker.elsewhere(assignment.group, assignment);
    return replica;
  });
  return committedOffsets(broker, replicas, consumerGroup, timeoutMs);
}

/**
 * Committed offsets of partitions that this broker leads, each once a quorum has confirmed that it does: a
 * leader that was deposed and does not know it would tell older ones.
 */
export function committedOffsets(
  broker: Broker,
  partitions: readonly PartitionHost[],
  consumerGroup: string,
  timeoutMs: number,
): Promise<(GroupOffset | undefined)[]> {
  return Promise.all(
    partitions.map(async (partition) => {
      await partition.confirmLeadership(timeoutMs, () => {
        broker.wake(partition.group);
      });
      return partition.log.committedOffset(consumerGroup);
    }),
  );
}

async function leaderOf(
  broker: Broker,
  assignment: PartitionAssignment,
  timeoutMs: number,
): Promise<BrokerId> {
  const leader = await broker.table.waitFor(assignment.group, timeoutMs, () => true);
  if (leader === undefined) throw noLeader(assignment);
  return leader.leader;
}
