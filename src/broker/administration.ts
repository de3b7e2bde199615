/** Changes who the brokers are and where replicas are, and tells how far that has come. */

import type { BrokerRegistration, PartitionAssignment } from '../cluster/cluster-types.js';
import { hostsOf, isSettled } from '../cluster/desired.js';
import { type Move, planEvacuation } from '../cluster/evacuation.js';
import { BellwetherError } from '../errors.js';
import type { BrokerId } from '../raft/types.js';
import { asOffset, type Offset } from '../records/offset.js';
import type { Broker } from './broker.js';
import { leaderReplica } from './data.js';
import { submitCommand } from './submit.js';

/** Reassignments of one RemoveBroker that are under way to the controller at the same time. */
const MOVES_AT_ONCE = 64;

/** Times that RemoveBroker looks again for partitions that were placed on the broker meanwhile. */
const EVACUATION_ROUNDS_MAX = 3;

/** Admits a broker. @throws BellwetherError BROKER_ALREADY_EXISTS, BROKER_CHANGE_REFUSED, or as submitCommand. */
export async function addBroker(
  broker: Broker,
  id: BrokerId,
  peerAddress: string,
  timeoutMs: number,
): Promise<void> {
  await submitCommand(broker, { kind: 'addBroker', id, peerAddress }, timeoutMs);
}

/**
 * Has everything moved off a broker and lets it go then. Returns once that is decided; the leaders do it in
 * the background. Called again it goes on where it was: it also moves what was placed on it meanwhile.
 *
 * @throws BellwetherError BROKER_NOT_FOUND, BROKER_CHANGE_REFUSED (nothing was changed), or as submitCommand.
 */
export async function removeBroker(broker: Broker, id: BrokerId, timeoutMs: number): Promise<void> {
  const { clock } = broker;
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  const leftMs = (): number => deadlineMs - clock.monotonicMs();
  for (let round = 0; round < EVACUATION_ROUNDS_MAX; round += 1) {
    const moves = evacuationOf(broker, id);
    if (round > 0 && moves.length === 0) return;
    await submitMoves(broker, moves, leftMs);
    await submitCommand(broker, { kind: 'removeBroker', id }, leftMs());
  }
}

function evacuationOf(broker: Broker, id: BrokerId): readonly Move[] {
  const plan = planEvacuation(broker.cluster.state, id, (each) => broker.isAlive(each));
  if (!('stranded' in plan)) return plan;
  const { topic, partition } = plan.stranded;
  throw new BellwetherError(
    'BROKER_CHANGE_REFUSED',
    `no other active broker can take the replica of ${topic}/${String(partition)} on ${id}; add a broker first`,
    { metadata: { broker: id, topic, partition: String(partition) } },
  );
}

async function submitMoves(broker: Broker, moves: readonly Move[], leftMs: () => number): Promise<void> {
  const rest = [...moves];
  const worker = async (): Promise<void> => {
    for (let move = rest.shift(); move !== undefined; move = rest.shift()) {
      await submitCommand(broker, { kind: 'reassignPartition', ...move }, leftMs());
    }
  };
  await Promise.all(Array.from({ length: Math.min(MOVES_AT_ONCE, moves.length) }, worker));
}

/**
 * Declares a disk lost. A broker that is heard has its disk: whoever names it has mistaken the name, or
 * wants it removed.
 *
 * @throws BellwetherError BROKER_NOT_FOUND, BROKER_CHANGE_REFUSED, or as submitCommand.
 */
export async function replaceBroker(broker: Broker, id: BrokerId, timeoutMs: number): Promise<void> {
  if (broker.cluster.state.brokers.get(id)?.status === 'ACTIVE' && broker.isAlive(id)) {
    throw new BellwetherError(
      'BROKER_CHANGE_REFUSED',
      `broker ${id} is running with the disk that would be declared lost; stop it first, or, to have it leave, remove it`,
      { metadata: { broker: id, status: 'ACTIVE' } },
    );
  }
  await submitCommand(broker, { kind: 'replaceBroker', id }, timeoutMs);
}

/** Moves the replicas of a partition. @throws BellwetherError REASSIGNMENT_REFUSED, or as submitCommand. */
export async function reassignPartition(broker: Broker, move: Move, timeoutMs: number): Promise<void> {
  await submitCommand(broker, { kind: 'reassignPartition', ...move }, timeoutMs);
}

/** Moves the replicas back. @throws BellwetherError NO_REASSIGNMENT, or as submitCommand. */
export async function cancelReassignment(
  broker: Broker,
  topic: string,
  partition: number,
  timeoutMs: number,
): Promise<void> {
  await submitCommand(broker, { kind: 'cancelReassignment', topic, partition }, timeoutMs);
}

/** The partitions whose members are not yet where they belong, as this broker knows; by topic and number. */
export function listReassignments(broker: Broker): PartitionAssignment[] {
  const { state } = broker.cluster;
  return [...state.byGroup.values()]
    .filter(({ group }) => !isSettled(state, group))
    .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
}

export interface BrokerDescription extends BrokerRegistration {
  readonly alive: boolean;
  readonly controller: boolean;
  /** Partitions that it leads, as this broker knows. */
  readonly leaderCount: number;
  /** Partitions of which it keeps a replica, those on their way included. */
  readonly replicaCount: number;
}

/** All brokers, ordered by id. */
export function listBrokers(broker: Broker, controller: BrokerId): BrokerDescription[] {
  const { state } = broker.cluster;
  const counts = new Map<BrokerId, number>();
  for (const assignment of state.byGroup.values()) {
    for (const id of hostsOf(assignment)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...state.brokers.values()]
    .map((each) => ({
      ...each,
      alive: broker.isAlive(each.id),
      controller: each.id === controller,
      leaderCount: broker.table.countLedBy(each.id),
      replicaCount: counts.get(each.id) ?? 0,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

export interface MemberDescription {
  readonly broker: BrokerId;
  readonly role: 'leader' | 'voter' | 'learner';
  /** Highest log index that the member certainly has; for the leader the end of its own log. */
  readonly matchIndex: number;
  /** Entries that the member lacks. */
  readonly lagEntries: number;
  readonly alive: boolean;
}

/**
 * How far each member of a partition's group is, as its leader knows: the leader first, learners last.
 *
 * @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER, NO_LEADER.
 */
export function describeReplication(
  broker: Broker,
  topic: string,
  partition: number,
): { readonly term: number; readonly members: readonly MemberDescription[] } {
  const { group } = leaderReplica(broker, topic, partition);
  const { raft } = group;
  const others = [...raft.progress].filter(([id]) => id !== broker.id);
  const members = others.map(([id, { match }]): MemberDescription => {
    const role = raft.voters.includes(id) ? 'voter' : 'learner';
    const lagEntries = Math.max(0, raft.lastIndex - match);
    return { broker: id, role, matchIndex: match, lagEntries, alive: raft.isAlive(id) };
  });
  const self: MemberDescription = {
    broker: broker.id,
    role: 'leader',
    matchIndex: raft.lastIndex,
    lagEntries: 0,
    alive: true,
  };
  const voters = members.filter(({ role }) => role === 'voter');
  return { term: raft.term, members: [self, ...voters, ...members.filter(({ role }) => role === 'learner')] };
}

export interface DeleteRecordsRequest {
  readonly topic: string;
  readonly partition: number;
  /** Records below are deleted; undefined for all that are committed. */
  readonly before: number | undefined;
}

/**
 * Deletes the oldest records of a partition that this broker leads, on all replicas; returns the log start
 * offset.
 *
 * @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER, NO_LEADER, OFFSET_OUT_OF_RANGE, or as a
 * produce with acks all.
 */
export async function deleteRecords(
  broker: Broker,
  { topic, partition, before }: DeleteRecordsRequest,
  timeoutMs: number,
): Promise<Offset> {
  const replica = leaderReplica(broker, topic, partition);
  return replica.deleteRecords(before === undefined ? 'all' : asOffset(before), timeoutMs, () => {
    broker.wake(replica.group);
  });
}
