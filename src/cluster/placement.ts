/**
 * Chooses the replicas of new partitions. Pure.
 *
 * The preferred leader is the live broker that is preferred leader least often; the others follow by racks
 * not used yet, then fewest replicas, then the order in which brokers were given, counted from the
 * leader on, so that equal brokers take turns.
 */

import { invariant } from '../invariant.js';
import type { BrokerId } from '../raft/types.js';
import type { ClusterState } from './cluster-state.js';

export interface Candidate {
  readonly id: BrokerId;
  readonly rack: string;
  readonly alive: boolean;
  readonly leaderCount: number;
  readonly replicaCount: number;
}

/** Counts what each of `ids` holds by preference, in the given order. */
export function candidatesOf(
  state: ClusterState,
  ids: readonly BrokerId[],
  alive: ReadonlySet<BrokerId>,
): Candidate[] {
  const leaders = new Map<BrokerId, number>();
  const replicas = new Map<BrokerId, number>();
  for (const topic of state.topics.values()) {
    for (const partition of topic.partitions) {
      partition.replicas.forEach((id, position) => {
        replicas.set(id, (replicas.get(id) ?? 0) + 1);
        if (position === 0) leaders.set(id, (leaders.get(id) ?? 0) + 1);
      });
    }
  }
  return ids.map((id) => ({
    id,
    rack: state.brokers.get(id)?.rack ?? '',
    alive: alive.has(id),
    leaderCount: leaders.get(id) ?? 0,
    replicaCount: replicas.get(id) ?? 0,
  }));
}

/**
 * @returns For each partition `replicationFactor` distinct brokers, the preferred leader first.
 */
export function placeReplicas(
  candidates: readonly Candidate[],
  partitionCount: number,
  replicationFactor: number,
): BrokerId[][] {
  invariant(replicationFactor >= 1 && replicationFactor <= candidates.length, 'enough brokers', {
    replicationFactor,
    brokers: candidates.length,
  });
  const loads = candidates.map((candidate, order) => ({ ...candidate, order }));
  return Array.from({ length: partitionCount }, () => placeOne(loads, replicationFactor));
}

interface Load extends Candidate {
  leaderCount: number;
  replicaCount: number;
  readonly order: number;
}

function placeOne(loads: Load[], replicationFactor: number): BrokerId[] {
  const leader = least(loads, (load) => [
    load.alive ? 0 : 1,
    load.leaderCount,
    load.replicaCount,
    load.order,
  ]);
  const chosen = [leader];
  while (chosen.length < replicationFactor) {
    const racks = new Set(chosen.map((load) => load.rack));
    const left = loads.filter((load) => !chosen.includes(load));
    chosen.push(
      least(left, (load) => [
        load.rack !== '' && racks.has(load.rack) ? 1 : 0,
        load.replicaCount,
        (load.order - leader.order + loads.length) % loads.length,
      ]),
    );
  }
  leader.leaderCount += 1;
  for (const load of chosen) load.replicaCount += 1;
  return chosen.map((load) => load.id);
}

/** The element whose key is smallest, compared number by number. */
function least(loads: readonly Load[], key: (load: Load) => readonly number[]): Load {
  const sorted = [...loads].sort((a, b) => {
    const left = key(a);
    const right = key(b);
    const at = left.findIndex((value, i) => value !== right[i]);
    return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
  });
  const first = sorted[0];
  invariant(first !== undefined, 'there is a broker left to choose');
  return first;
}
