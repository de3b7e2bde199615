/** A simulated machine: its disk, the broker process on it, and what becomes of it. */

import type { ClusterState } from '../cluster/cluster-state.js';
import { isSettled } from '../cluster/desired.js';
import { asGroupId, type BrokerId } from '../raft/types.js';
import type { SimDisk } from './disk.js';
import type { SimProcess } from './process.js';

export interface Machine {
  readonly id: BrokerId;
  disk: SimDisk;
  process: SimProcess | undefined;
  lives: number;
  clockAheadMs: number;
  /** Its broker may end by itself: its disk has failed on purpose, or is another one. */
  mayFail: boolean;
  /** Its disk is not the one that the cluster knows, or no broker may trust it: it takes part no more. */
  lost: 'wiped' | 'damaged' | undefined;
  incarnation: string | undefined;
  /** It was not there from the beginning, or not with this disk: its broker joins. */
  joins: boolean;
  /** It is being added, given another disk, or removed; or was removed. */
  joining: boolean;
  replacing: boolean;
  leaving: boolean;
  gone: boolean;
}

export function newMachine(id: BrokerId, disk: SimDisk, clockAheadMs: number, joins: boolean): Machine {
  return {
    id,
    disk,
    process: undefined,
    lives: 0,
    clockAheadMs,
    mayFail: false,
    lost: undefined,
    incarnation: undefined,
    joins,
    joining: joins,
    replacing: false,
    leaving: false,
    gone: false,
  };
}

/**
 * True while all groups have all their voters, three at least, none of them on a disk that was lost. A topic that
 * was made while only two brokers were ACTIVE has two replicas, and a quorum of two goes with either disk.
 */
export function canLoseDisk(machine: Machine, machines: readonly Machine[], state: ClusterState): boolean {
  if (machine.gone || machine.joining || machine.leaving) return false;
  if (machines.some(({ lost, gone }) => lost !== undefined && !gone)) return false;
  const groups = [asGroupId(0), ...state.byGroup.keys()];
  if (!groups.every((group) => isSettled(state, group))) return false;
  const voters = [
    state.clusterMembership,
    ...[...state.byGroup.values()].map(({ membership }) => membership),
  ];
  if (voters.some((membership) => membership.voters.length < 3)) return false;
  return state.brokers.get(machine.id)?.status === 'ACTIVE';
}
