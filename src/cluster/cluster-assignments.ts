/**
 * Commands about topics and where their replicas are: create, delete, reassign, cancel, and what the leaders
 * report. Pure.
 */

import { invariant } from '../invariant.js';
import type { Membership } from '../raft/membership.js';
import { asLogIndex, type BrokerId, type LogIndex } from '../raft/types.js';
import { accepted, type ClusterTables, refused, type Verdict } from './cluster-tables.js';
import type { PartitionAssignment } from './cluster-types.js';
import type { CreateTopic, MembershipChanged, ReassignPartition } from './commands.js';
import { isInPlace, placeOf } from './desired.js';
import { altered } from './topic-config.js';

export function createTopic(tables: ClusterTables, command: CreateTopic): Verdict {
  const { topic, replicationFactor, assignments, config = {} } = command;
  if (tables.topics.has(topic)) {
    return refused('TOPIC_ALREADY_EXISTS', `topic ${topic} exists`, { topic });
  }
  const wrong = assignments.flat().find((id) => tables.brokers.get(id)?.status !== 'ACTIVE');
  if (wrong !== undefined) {
    return refused(
      'REASSIGNMENT_REFUSED',
      `broker ${wrong} has ceased to be active since the replicas of ${topic} were placed; create it again`,
      { topic, broker: wrong },
    );
  }
  const partitions = assignments.map((replicas, partition): PartitionAssignment => {
    invariant(replicas.length === replicationFactor, 'every partition has its replicas', { partition });
    const membership = { index: asLogIndex(0), voters: replicas, learners: [] };
    const group = tables.takeGroup();
    return { topic, partition, group, initial: replicas, replicas, target: undefined, membership };
  });
  const created = { topic, replicationFactor, config: altered({}, config, []), partitions };
  tables.addTopic(created);
  return accepted({ kind: 'topicCreated', topic: created });
}

export function deleteTopic(tables: ClusterTables, name: string): Verdict {
  const topic = tables.topics.get(name);
  if (topic === undefined) {
    return refused('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${name}`, { topic: name });
  }
  tables.deleteTopic(topic);
  return accepted({ kind: 'topicDeleted', topic }, ...tables.settleBrokers());
}

/** Says where the replicas of a partition belong from now on; a later command takes the place of an earlier. */
export function reassignPartition(tables: ClusterTables, command: ReassignPartition): Verdict {
  const { topic, partition, replicas } = command;
  const known = tables.topics.get(topic)?.partitions[partition];
  if (known === undefined) return unknownPartition(topic, partition);
  const wrong = replicas.find((id) => !mayHold(tables, known, id));
  if (wrong !== undefined) {
    const status = tables.brokers.get(wrong)?.status;
    const why = status === undefined ? `the cluster has no broker ${wrong}` : `broker ${wrong} is ${status}`;
    return refused('REASSIGNMENT_REFUSED', `${why}: it cannot take a replica of ${nameOf(known)}`, {
      topic,
      partition: String(partition),
      broker: wrong,
      ...(status !== undefined && { status }),
    });
  }
  if (replicas.length === 0 || new Set(replicas).size < replicas.length) {
    return refused('REASSIGNMENT_REFUSED', 'the replicas must be at least one broker, none of them twice', {
      topic,
      partition: String(partition),
      replicas: replicas.join(),
    });
  }
  if (sameOrder(placeOf(known), replicas)) return accepted();
  return moved(tables, { ...known, target: replicas });
}

/** Moves the replicas back to where they were before the reassignment. */
export function cancelReassignment(tables: ClusterTables, topic: string, partition: number): Verdict {
  const known = tables.topics.get(topic)?.partitions[partition];
  if (known === undefined) return unknownPartition(topic, partition);
  if (known.target === undefined) {
    return refused('NO_REASSIGNMENT', `${nameOf(known)} is not being reassigned`, {
      topic,
      partition: String(partition),
    });
  }
  return moved(tables, { ...known, target: known.replicas });
}

/** Takes in what the leader of a partition has committed. Old news, and news of a deleted group, say nothing. */
export function membershipChanged(tables: ClusterTables, command: MembershipChanged): Verdict {
  const { group, index, voters, learners } = command;
  const known = tables.assignment(group);
  if (known === undefined || index <= known.membership.index) return accepted();
  return moved(tables, { ...known, membership: { index, voters, learners } });
}

/** Takes in what group 0 itself has committed. */
export function clusterMembershipCommitted(
  tables: ClusterTables,
  index: LogIndex,
  { voters, learners }: Membership,
): Verdict {
  if (index <= tables.clusterMembership.index) return accepted();
  const membership = { index, voters, learners };
  tables.clusterMembership = membership;
  return accepted({ kind: 'clusterMembershipChanged', membership }, ...tables.settleBrokers());
}

/** Stores an assignment whose target or members changed; a target that is reached ends the reassignment. */
function moved(tables: ClusterTables, assignment: PartitionAssignment): Verdict {
  const { target } = assignment;
  const reached = target !== undefined && isInPlace(assignment);
  const after = reached ? { ...assignment, replicas: target, target: undefined } : assignment;
  const change = tables.putAssignment(after);
  return accepted(change, ...tables.settleBrokers());
}

/** True for a broker that may be given a replica, or keep the one that it has while its disk is replaced. */
function mayHold(tables: ClusterTables, { replicas }: PartitionAssignment, id: BrokerId): boolean {
  const status = tables.brokers.get(id)?.status;
  if (status === 'REPLACING' || status === 'JOINING') return replicas.includes(id);
  return status === 'ACTIVE';
}

function sameOrder(a: readonly BrokerId[], b: readonly BrokerId[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

function unknownPartition(topic: string, partition: number): Verdict {
  return refused('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${topic}/${String(partition)}`, {
    topic,
    partition: String(partition),
  });
}

function nameOf({ topic, partition }: PartitionAssignment): string {
  return `${topic}/${String(partition)}`;
}
