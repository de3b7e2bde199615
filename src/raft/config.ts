/** Settings of one Raft group, with their bounds. Pure: random numbers come in as a function. */

import { invariant } from '../invariant.js';
import type { BrokerId, LogIndex } from './types.js';

export interface RaftTuning {
  /**
   * A campaign that voters on live links leave without an answer is given up after this long, and who granted
   * a vote waits as long for the winner; drawn from [min, max). A safety net, not a pace: a voter that is
   * lost, and a call that fails, count as refusals at once. Above what a busy broker takes for the votes of
   * thousands of groups: to ask again earlier is more work for brokers that have too much of it already.
   */
  readonly electionTimeoutMsMin: number;
  readonly electionTimeoutMsMax: number;
  /** Longest pause before a campaign that follows failed ones. */
  readonly campaignBackoffMsMax: number;
  /** A leader that is heard without a live link is believed, and a candidate awaited, for this long. */
  readonly unconfirmedLeaderMs: number;
  /**
   * How much later each next-preferred replica campaigns, so that votes are not split. Above the time
   * that a round of votes takes on the local network (KRaft calls it the strict exponential backoff).
   */
  readonly rankDelayMs: number;
  /**
   * A replica that joins without knowing a leader waits this long to be found by one, but for the first
   * voter of a new group.
   */
  readonly leaderDiscoveryMs: number;
  /**
   * A leader that hears from no quorum for this long steps down (CheckQuorum). Short: that a link is down is
   * known by a timeout already, and writes are refused from then on; those who refuse them should soon be
   * able to say that they do not lead, so that clients look elsewhere.
   */
  readonly checkQuorumMs: number;
  /** An append without answer on a live link is sent again after this long. */
  readonly retransmitMs: number;
  /**
   * How long a commit index waits for an append with entries that carries it to the followers, before it is sent
   * by itself. Nobody waits for it there: followers serve no reads, and a new leader commits its own no-op.
   */
  readonly commitRideMs: number;
  /** Payload bytes in one append; one larger entry still goes alone. */
  readonly appendBytesMax: number;
  /** Appends on the way to one follower. */
  readonly inflightMessagesMax: number;
  /** Payload bytes on the way to one follower; one larger append still goes alone. */
  readonly inflightBytesMax: number;
  /** Payload bytes that a leader accepts beyond its commit index. */
  readonly uncommittedBytesMax: number;
  /** Bytes of one chunk of a snapshot. */
  readonly snapshotChunkBytes: number;
  /** Bytes of a whole snapshot, without the records, which are sent as log. */
  readonly snapshotBytesMax: number;
  /** A learner that lacks no more entries than this is caught up. */
  readonly caughtUpEntriesMax: number;
  /** Linearizable reads of one group that wait for a quorum to confirm its leader. */
  readonly waitingReadsMax: number;
  /** A replica that lost the leadership is preferred last for this long. */
  readonly deposedCooldownMs: number;
  /** A transfer whose target has not caught up after this long is given up. */
  readonly transferCatchUpMs: number;
}

export const DEFAULT_RAFT_TUNING: RaftTuning = {
  electionTimeoutMsMin: 400,
  electionTimeoutMsMax: 800,
  campaignBackoffMsMax: 300,
  unconfirmedLeaderMs: 300,
  rankDelayMs: 10,
  leaderDiscoveryMs: 50,
  checkQuorumMs: 50,
  retransmitMs: 1_000,
  commitRideMs: 10,
  appendBytesMax: 1_048_576,
  inflightMessagesMax: 64,
  inflightBytesMax: 4_194_304,
  uncommittedBytesMax: 8_388_608,
  snapshotChunkBytes: 262_144,
  snapshotBytesMax: 67_108_864,
  caughtUpEntriesMax: 64,
  waitingReadsMax: 10_000,
  deposedCooldownMs: 60_000,
  transferCatchUpMs: 2_000,
};

export interface RaftConfig {
  readonly id: BrokerId;
  /**
   * The voters that the group was made with, the preferred leader first; the same on every replica, one that
   * came later included. Memberships in the log take their place. Empty for a replica that knows none yet.
   */
  readonly voters: readonly BrokerId[];
  /**
   * A replica that is made while its group is at work may have been there before, and have forgotten what it
   * acknowledged. It neither votes nor campaigns until its log reaches this entry, which is committed and is
   * behind all that it can have acknowledged (B12). Left out by one that was there from the start.
   */
  readonly votesFrom?: LogIndex;
  /**
   * Write the commit index by itself too, so that a restart knows it, and tell followers of it at once. For
   * rarely written groups.
   */
  readonly persistCommit: boolean;
  readonly tuning: RaftTuning;
  /**
   * False once the broker is about to stop: it campaigns no more and takes no leadership over, and never will
   * again. Left out: always true.
   */
  readonly mayLead?: () => boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export function validateRaftConfig(config: RaftConfig): void {
  const { tuning } = config;
  invariant(new Set(config.voters).size === config.voters.length, 'voters are distinct');
  invariant(tuning.electionTimeoutMsMin > 0, 'election timeout is positive');
  invariant(tuning.electionTimeoutMsMax > tuning.electionTimeoutMsMin, 'election timeout has a range');
  invariant(tuning.inflightMessagesMax > 0 && tuning.inflightBytesMax > 0, 'the window is open');
}
