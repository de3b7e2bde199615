/**
 * Chooses where the replicas of a broker go that is to be removed. Pure.
 *
 * The other replicas stay where they are, and the new one takes the place of the old in the order of
 * preference. It goes to a broker that is alive, on a rack that the partition does not use yet, with the
 * fewest replicas; of equals to the one that was entered first.
 */

import type { BrokerId } from '../raft/types.js';
import type { ClusterState } from './cluster-state.js';
import type { PartitionAssignment } from './cluster-types.js';
import { placeOf } from './desired.js';

/** Where the replicas of one partition are to be. */
export interface Move {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly BrokerId[];
}

/** A partition for which there is no broker left. */
export interface Stranded {
  readonly stranded: PartitionAssignment;
}

/** A move for every partition that belongs on `leaving`, ordered by group; or the first without a way out. */
export function planEvacuation(
  state: ClusterState,
  leaving: BrokerId,
  isAlive: (id: BrokerId) => boolean,
): readonly Move[] | Stranded {
  const loads = new Map<BrokerId, number>();
  for (const { id, status } of state.brokers.values()) {
    if (status === 'ACTIVE' && id !== leaving) loads.set(id, 0);
  }
  const count = (id: BrokerId): void => {
    const load = loads.get(id);
    if (load !== undefined) loads.set(id, load + 1);
  };
  const assignments = [...state.byGroup.values()];
  for (const assignment of assignments) placeOf(assignment).forEach(count);
  const moves: Move[] = [];
  for (const assignment of assignments) {
    const place = placeOf(assignment);
    if (!place.includes(leaving)) continue;
    const next = substitute(state, place, leaving, loads, isAlive);
    if (next === undefined) return { stranded: assignment };
    count(next);
    const { topic, partition } = assignment;
    moves.push({ topic, partition, replicas: place.map((id) => (id === leaving ? next : id)) });
  }
  return moves;
}

/** The best broker beside those of `place`; undefined when there is none. */
function substitute(
  { brokers }: ClusterState,
  place: readonly BrokerId[],
  leaving: BrokerId,
  loads: ReadonlyMap<BrokerId, number>,
  isAlive: (id: BrokerId) => boolean,
): BrokerId | undefined {
  const rackOf = (id: BrokerId): string => brokers.get(id)?.rack ?? '';
  const others = place.filter((id) => id !== leaving);
  const racks = new Set(others.map(rackOf).filter((rack) => rack !== ''));
  const choices = [...loads]
    .filter(([id]) => !place.includes(id))
    .map(([id, load]) => ({ id, load, dead: isAlive(id) ? 0 : 1, crowded: racks.has(rackOf(id)) ? 1 : 0 }))
    .sort((a, b) => a.dead - b.dead || a.crowded - b.crowded || a.load - b.load);
  return choices[0]?.id;
}
