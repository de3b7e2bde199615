/**
 * Chooses the replicas of new partitions. Pure.
 *
 * The preferred leader is the live broker that is preferred leader least often; the others are chosen by racks
 * not used yet, then fewest replicas, then the order in which brokers were given, counted from the
 * leader on, so that equal brokers take turns. Of those chosen the one goes first that least often comes
 * after this leader: what a broker led falls to all others when it dies, not to one of them.
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
  /** Partitions that it is to lead, by the broker that comes after it; none where it is missing. */
  readonly heirs: ReadonlyMap<BrokerId, number>;
}

/** Counts what each of `ids` holds by preference, in the given order. */
export function candidatesOf(
  state: ClusterState,
  ids: readonly BrokerId[],
  alive: ReadonlySet<BrokerId>,
): Candidate[] {
  const leaders = new Map<BrokerId, number>();
  const replicas = new Map<BrokerId, number>();
  const heirs = new Map<BrokerId, Map<BrokerId, number>>();
  for (const topic of state.topics.values()) {
    for (const partition of topic.partitions) {
      partition.replicas.forEach((id, position) => {
        replicas.set(id, (replicas.get(id) ?? 0) + 1);
        if (position === 0) leaders.set(id, (leaders.get(id) ?? 0) + 1);
      });
      const [leader, heir] = partition.replicas;
      if (leader === undefined || heir === undefined) continue;
      const counts = heirs.get(leader) ?? new Map<BrokerId, number>();
      heirs.set(leader, counts.set(heir, (counts.get(heir) ?? 0) + 1));
    }
  }
  return ids.map((id) => ({
    id,
    rack: state.brokers.get(id)?.rack ?? '',
    alive: alive.has(id),
    leaderCount: leaders.get(id) ?? 0,
    replicaCount: replicas.get(id) ?? 0,
    heirs: heirs.get(id) ?? new Map<BrokerId, number>(),
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
  const loads = candidates.map((candidate, order) => ({
    ...candidate,
    heirs: new Map(candidate.heirs),
    order,
  }));
  return Array.from({ length: partitionCount }, () => placeOne(loads, replicationFactor));
}

interface Load extends Candidate {
  leaderCount: number;
  replicaCount: number;
  readonly heirs: Map<BrokerId, number>;
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
  return [leader.id, ...inTurn(leader, chosen.slice(1))];
}

/** The followers, those first that come after this leader least often. */
function inTurn({ heirs }: Load, followers: readonly Load[]): readonly BrokerId[] {
  const times = ({ id }: Load): number => heirs.get(id) ?? 0;
  const ids = [...followers].sort((a, b) => times(a) - times(b)).map(({ id }) => id);
  const [heir] = ids;
  if (heir !== undefined) heirs.set(heir, (heirs.get(heir) ?? 0) + 1);
  return ids;
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
