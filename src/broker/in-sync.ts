/**
 * Which replicas of a led group are in sync: observed and reported, never used to commit.
 *
 * As in Kafka, a follower is in sync while it was level with the leader's log end within the last
 * `replicaLagMsMax`: it need not be level at this instant, which under load it never is.
 */

import type { ClusterState } from '../cluster/cluster-state.js';
import type { Raft } from '../raft/raft.js';
import type { BrokerId, LogIndex } from '../raft/types.js';
import type { GroupHost } from './group-host.js';
import type { LeaderTable } from './leader-table.js';
import { LIMITS } from './limits.js';

/** What of a broker says whom it may hand over to. */
interface Standings {
  readonly cluster: { readonly state: ClusterState };
  readonly table: LeaderTable;
  isAlive(broker: BrokerId): boolean;
}

/** Of a group that is led here: a live voter with a disk that stays in the cluster, level lately, that lacks little now. */
export function isFitToLead(standings: Standings, { id, raft }: GroupHost, target: BrokerId): boolean {
  const { cluster, table } = standings;
  return (
    standings.isAlive(target) &&
    cluster.state.brokers.get(target)?.status === 'ACTIVE' &&
    raft.voters.includes(target) &&
    raft.isCaughtUp(target) &&
    table.leaderOf(id)?.inSyncReplicas.includes(target) === true
  );
}

interface Mark {
  /** A log end that the leader had; a follower that has reached it was level until the log grew on. */
  index: LogIndex;
  /** When the log was first seen longer than `index`; undefined while it is not. */
  grownAtMs: number | undefined;
  /** When the follower was last known level; undefined before it was. */
  levelAtMs: number | undefined;
}

export class InSyncReplicas {
  readonly #marks = new Map<BrokerId, Mark>();

  /** The replicas in sync, in preference order, the leader included. Call on the leader only. */
  observe(raft: Raft, self: BrokerId, nowMs: number): readonly BrokerId[] {
    return raft.voters.filter((voter) => voter === self || this.#isInSync(raft, voter, nowMs));
  }

  #isInSync(raft: Raft, follower: BrokerId, nowMs: number): boolean {
    const match = raft.progress.get(follower)?.match;
    if (match === undefined || !raft.isAlive(follower)) {
      this.#marks.delete(follower);
      return false;
    }
    let mark = this.#marks.get(follower);
    if (mark === undefined) {
      mark = { index: raft.lastIndex, grownAtMs: undefined, levelAtMs: undefined };
      this.#marks.set(follower, mark);
    }
    if (raft.lastIndex > mark.index) mark.grownAtMs ??= nowMs;
    if (match >= mark.index) {
      mark.levelAtMs = match >= raft.lastIndex ? nowMs : mark.grownAtMs;
      mark.index = raft.lastIndex;
      mark.grownAtMs = undefined;
    }
    return mark.levelAtMs !== undefined && nowMs - mark.levelAtMs <= LIMITS.replicaLagMsMax;
  }
}
