/** The SDK's public types about leadership: who leads, how it came about, and where the time went. */

export interface PartitionLeader {
  readonly leader: string;
  readonly followers: readonly string[];
  readonly term: number;
  readonly leaderAddress: string;
  readonly inSyncReplicas: readonly string[];
  /** Exclusive; undefined when the answering broker holds no replica. */
  readonly highWatermark: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly leaderSinceMs: number;
}

export interface FailoverResult {
  /** Broker that leads now; in a dry run the one that would lead. */
  readonly newLeader: string;
  /** Its term. A dry run begins no term: it is the present one then, and a failover would have a newer one. */
  readonly newTerm: number;
  /** Milliseconds from the acceptance of the request to the first commit of the new term; 0 for no move. */
  readonly failoverMs: number;
  /** `WOULD_MOVE` is the answer to a dry run, and means that nothing was moved. */
  readonly outcome: 'MOVED' | 'ALREADY_MOVED' | 'WOULD_MOVE';
  /** Where the time went; undefined when this call moved nothing. */
  readonly timeline: LeadershipTimeline | undefined;
}

/** The leader after a transfer. */
export interface TransferResult {
  /** Broker that leads now, and has committed in its term. */
  readonly leader: string;
  readonly term: number;
  /** Milliseconds from the acceptance of the request to the first commit of the new term; 0 for no move. */
  readonly transferMs: number;
  readonly outcome: 'MOVED' | 'ALREADY_MOVED';
  /** Where the time went; undefined when this call moved nothing. */
  readonly timeline: LeadershipTimeline | undefined;
}

/**
 * Why leadership moved.
 * - `CREATED`: the first election of a new partition.
 * - `CONNECTION_LOST`: the connection to the leader broke: its process ended, or its host reset it.
 * - `HEARTBEAT_MISSED`: the leader was silent for too long: it hung, or the link to it is cut.
 * - `REQUESTED`: partitionFailover or transferLeadership asked for it.
 * - `SHUTDOWN`: the leader was being stopped, and handed over first.
 * - `DISK_STALLED`: the disk of the leader did not answer, so it gave up.
 * - `BALANCED`: leadership went back to the preferred leader.
 * - `REASSIGNED`: the replica of the leader was moved to another broker.
 * - `QUORUM_LOST`: the leader heard from no quorum any more, so it gave up.
 * - `RESTARTED`: the replicas that elected had been started again.
 * - `DISK_FULL`: the disk of the leader was short of room, and another broker's was not.
 * - `UNKNOWN`: the cluster does not know.
 * - `CAUSE_<n>`: cause number n of a newer broker, which this version has no name for.
 */
export type LeadershipCause =
  | 'CREATED'
  | 'CONNECTION_LOST'
  | 'HEARTBEAT_MISSED'
  | 'REQUESTED'
  | 'SHUTDOWN'
  | 'DISK_STALLED'
  | 'BALANCED'
  | 'REASSIGNED'
  | 'QUORUM_LOST'
  | 'RESTARTED'
  | 'DISK_FULL'
  | 'UNKNOWN'
  | `CAUSE_${number}`;

/**
 * Where the time of one change of leadership went. All in milliseconds with a fraction, by the monotonic
 * clock of one broker. The three phases follow each other: detect, elect, commit.
 */
export interface LeadershipTimeline {
  /** From the last sign of life of the old leader to its suspicion; undefined when it was not suspected. */
  readonly detectMs: number | undefined;
  /** From the suspicion, or the order to campaign, to the election; undefined when not known. */
  readonly electMs: number | undefined;
  /** From the election to the first commit of the new term: the partition can be written from then on. */
  readonly commitMs: number;
  /** The phases that are known, together. */
  readonly totalMs: number;
  /** For how long a live leader and its successor refused writes; undefined when nobody handed over. */
  readonly blockedMs: number | undefined;
  /** From the first commit to the first acknowledged record; undefined for none (yet), or none within 10 s. */
  readonly firstWriteMs: number | undefined;
}

/** One change of leadership. */
export interface LeadershipChange {
  /** Position in the history of the cluster, from 1; the same at every broker. */
  readonly sequence: number;
  readonly topic: string;
  /** Number of the partition, from 0. */
  readonly partition: number;
  /** Broker that took over. */
  readonly leader: string;
  readonly term: number;
  /** Broker that led before; undefined for none, or when it is not known. */
  readonly previousLeader: string | undefined;
  /** 0 for none. */
  readonly previousTerm: number;
  readonly cause: LeadershipCause;
  /** When the new leader had committed in its term, in milliseconds since the Unix epoch, by its clock. */
  readonly changedAtMs: number;
  /** Undefined when the broker does not tell. */
  readonly timeline: LeadershipTimeline | undefined;
}

/** Which failovers to list. */
export interface FailoverFilter {
  /** Default: all topics. */
  readonly topic?: string | undefined;
  /** Only this partition of `topic`, which must be given then. */
  readonly partition?: number | undefined;
  /** How many at most: 1 to 1000. Default 100. */
  readonly limit?: number | undefined;
}

/** How to watch. */
export interface WatchLeadershipOptions {
  /** Only these topics. Default: all, those created later included. */
  readonly topics?: readonly string[] | undefined;
  /** Begin behind this sequence: the last one that was received, from 0. Default: with what comes next. */
  readonly afterSequence?: number | undefined;
  /** Ends the watch when it aborts. The iteration is done then; it does not throw. */
  readonly signal?: AbortSignal | undefined;
  /** Longest time in milliseconds without any broker that answers: 1 to an hour. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /**
   * Called once, when a broker has taken the watch on: every change after this sequence will be told. A watch
   * that saw no change yet can be begun again behind it. `lastSequence` is that of the newest change so far: when
   * it is smaller, nothing is told until the history has passed `sequence`.
   */
  readonly onStart?: ((sequence: number, lastSequence: number | undefined) => void) | undefined;
}

/**
 * Why a replica does not lead, or may not take over now.
 * - `NOT_HEARD_FROM`: the answering broker does not hear from it.
 * - `LAGGING`: it has not everything that is committed.
 * - `COOLING_DOWN`: it failed, or was moved away from, a short while ago; `coolDownMs` says for how long yet.
 * - `LEARNER`: it is being added and does not vote yet.
 * - `NO_QUORUM`: it could lead, and no quorum of the replicas is heard from to elect it.
 * - `BALANCE_OFF`: it is preferred and could lead, but leadership is not moved back by itself.
 * - `BALANCE_PENDING`: it is preferred and could lead: leadership moves back soon.
 * - `OBSTACLE_<n>`: obstacle number n of a newer broker, which this version has no name for.
 */
export type LeadershipObstacle =
  | 'NOT_HEARD_FROM'
  | 'LAGGING'
  | 'COOLING_DOWN'
  | 'LEARNER'
  | 'NO_QUORUM'
  | 'BALANCE_OFF'
  | 'BALANCE_PENDING'
  | `OBSTACLE_${number}`;

/** What speaks for and against one replica. */
export interface ReplicaStanding {
  readonly broker: string;
  readonly leads: boolean;
  /** Empty for the leader, and for one that could take over but is not preferred. */
  readonly obstacles: readonly LeadershipObstacle[];
  /** Entries of the leader's log that it lacks; undefined when the leader could not be asked. */
  readonly lagEntries: number | undefined;
  /** Milliseconds for which it is still left alone; 0 for none. */
  readonly coolDownMs: number;
}

/** Why a partition is led as it is. */
export interface LeaderExplanation {
  /** Undefined while no leader is known. */
  readonly leader: string | undefined;
  /** Its term, or the newest one known. */
  readonly term: number;
  /** The first replica, which leads when nothing speaks against it. */
  readonly preferredLeader: string;
  /** The answer in one sentence, for people. */
  readonly summary: string;
  /** Every replica, in preference order. */
  readonly replicas: readonly ReplicaStanding[];
  /** The newest first, at most 8; the first election of the partition included. */
  readonly changes: readonly LeadershipChange[];
}
