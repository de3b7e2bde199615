/** Committed offsets of consumer groups, from whichever broker leads each partition. */

import type { PartitionAssignment } from '../cluster/cluster-state.js';
import { type BrokerId, ENTRY_KIND } from '../raft/types.js';
import { asOffset, type Offset } from '../records/offset.js';
import type { Broker } from './broker.js';
import { offsetCommitPayload } from './partition-host.js';
import { noLeader } from './refusals.js';

export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  /** Next offset that the group will read. */
  readonly offset: number;
}

/**
 * Stores offsets on a quorum of each partition.
 *
 * @throws BellwetherError as `produce`; partitions before the failing one may have been stored.
 */
export async function commitOffsets(
  broker: Broker,
  consumerGroup: string,
  offsets: readonly OffsetToCommit[],
  timeoutMs: number,
): Promise<void> {
  broker.checkServing();
  const targets = offsets.map(({ topic, partition, offset }) => ({
    assignment: broker.assignment(topic, partition),
    payload: offsetCommitPayload(consumerGroup, asOffset(offset)),
  }));
  await Promise.all(
    targets.map(async ({ assignment, payload }) => {
      const leader = await leaderOf(broker, assignment, timeoutMs);
      const request = { group: assignment.group, kind: ENTRY_KIND.COMMIT_OFFSETS, payload };
      if (leader !== broker.id) {
        await broker.transport.submit(leader, request, timeoutMs);
        return;
      }
      const partition = broker.replica(assignment.group);
      if (partition === undefined) throw broker.elsewhere(assignment.group, assignment);
      await partition.commitOffset(payload, timeoutMs, () => {
        broker.wake(partition.group);
      });
    }),
  );
}

/** Committed offsets, in the order asked for; undefined where the group has committed none. */
export async function fetchOffsets(
  broker: Broker,
  consumerGroup: string,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
  timeoutMs: number,
): Promise<(Offset | undefined)[]> {
  broker.checkServing();
  const assignments = partitions.map(({ topic, partition }) => broker.assignment(topic, partition));
  const leaders = await Promise.all(assignments.map((assignment) => leaderOf(broker, assignment, timeoutMs)));
  const found = new Map<PartitionAssignment, Offset | undefined>();
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
): Promise<readonly (Offset | undefined)[]> {
  if (leader !== broker.id) {
    const groups = led.map(({ group }) => group);
    return broker.transport.readOffsets(leader, consumerGroup, groups, timeoutMs);
  }
  return led.map(({ group }) => broker.replica(group)?.log.committedOffset(consumerGroup));
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
