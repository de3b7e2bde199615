/** Messages between the replicas of one group. Pure; their wire form is proto/bellwether/raft/v1. */

import type { Membership } from './membership.js';
import type { BrokerId, Entry, LogIndex, Term } from './types.js';

interface Addressed {
  readonly from: BrokerId;
  readonly to: BrokerId;
  /** Current term of the sender, except in a pre-vote (see there). */
  readonly term: Term;
}

/**
 * How far the sender knows the log to be committed: whoever has the same entry there learns it too. A replica
 * that a restart made forget that a membership is committed may else need votes that it never gets (raft-rs,
 * "maybe_commit_by_vote").
 */
export interface CommitClaim {
  readonly commitIndex: LogIndex;
  /** Term of the entry there. */
  readonly commitTerm: Term;
}

/** Asks for a vote (Raft section 5.2), or whether one would be given (Ongaro's thesis section 9.6). */
export interface VoteRequest extends Addressed, CommitClaim {
  readonly kind: 'voteRequest';
  /** For a pre-vote `term` is the term that the candidate would campaign in, one above its own. */
  readonly preVote: boolean;
  /** The leader itself asked for this campaign, so that voters must not stick to it. */
  readonly leadershipTransfer: boolean;
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
}

/** Answers a `VoteRequest`. Sent only once the vote is durable. */
export interface VoteReply extends Addressed, CommitClaim {
  readonly kind: 'voteReply';
  readonly preVote: boolean;
  /** Term of the request: tells answers to an earlier campaign from those to this one. */
  readonly requestedTerm: Term;
  readonly granted: boolean;
}

/** Replicates entries, or with none carries the commit index (Raft section 5.3). */
export interface Append extends Addressed {
  readonly kind: 'append';
  readonly prevLogIndex: LogIndex;
  readonly prevLogTerm: Term;
  /** Inclusive. */
  readonly leaderCommit: LogIndex;
  /** At prevLogIndex + 1 and on, without gaps. */
  readonly entries: readonly Entry[];
  /** The last round of reads that the leader began in `term`; 0 for none so far. See reads.ts. */
  readonly readRound: number;
}

/** Answers an `Append`. Sent only once all that it claims is durable. */
export type AppendReply = AppendAccepted | AppendRejected;

interface AppendAnswer extends Addressed {
  readonly kind: 'appendReply';
  /** That of the request; 0 when the request was of an earlier term than `term`. */
  readonly readRound: number;
}

export interface AppendAccepted extends AppendAnswer {
  readonly accepted: true;
  /** The logs are equal up to here, inclusive, and the follower has all of it on disk. */
  readonly matchIndex: LogIndex;
  /** Commit index of the follower. */
  readonly commitIndex: LogIndex;
}

export interface AppendRejected extends AppendAnswer {
  readonly accepted: false;
  /** prevLogIndex of the refused request. */
  readonly rejectedIndex: LogIndex;
  /** Where the leader should look for a match next, and the follower's term there. */
  readonly hintIndex: LogIndex;
  readonly hintTerm: Term;
}

/** Why a leader hands over. Opaque to the core, which tells it to the successor. */
export type TransferCause = 'REQUESTED' | 'SHUTDOWN' | 'BALANCED' | 'REASSIGNED' | 'DISK_FULL';

/** Orders a caught-up follower to campaign at once (Ongaro's thesis section 3.10). */
export interface TimeoutNow extends Addressed {
  readonly kind: 'timeoutNow';
  readonly cause: TransferCause;
  /** Milliseconds for which the leader has refused writes, by its clock, when it gave the order. */
  readonly blockedMs: number;
}

/** Which snapshot a message is about: all three are equal only for the same bytes. */
interface OfSnapshot {
  /** The last entry that the snapshot stands for, and its term. */
  readonly snapshotIndex: LogIndex;
  readonly snapshotTerm: Term;
  /** CRC-32C of the whole data. */
  readonly checksum: number;
}

/**
 * One chunk of a snapshot, for a follower whose next entry the leader has no more (Raft section 7). The
 * first one is empty and asks how much of it the follower has already.
 */
export interface InstallSnapshot extends Addressed, OfSnapshot {
  readonly kind: 'installSnapshot';
  /** In force at `snapshotIndex`. */
  readonly membership: Membership;
  /** Bytes of the whole data. */
  readonly totalBytes: number;
  /** Byte of the data at which `chunk` begins. */
  readonly offset: number;
  readonly chunk: Uint8Array;
}

/** Answers an `InstallSnapshot`. Sent only once all that it claims is durable. */
export interface SnapshotReply extends Addressed, OfSnapshot {
  readonly kind: 'snapshotReply';
  /** Bytes that the follower has, from the first on. */
  readonly receivedBytes: number;
  /** The follower has the snapshot, or a log that covers it, on disk: its log matches up to `snapshotIndex`. */
  readonly installed: boolean;
}

/** What a leader sends to have its log copied. */
export type Replication = Append | InstallSnapshot;

/** What a follower answers to it. */
export type ReplicationReply = AppendReply | SnapshotReply;

export type Message = VoteRequest | VoteReply | Replication | ReplicationReply | TimeoutNow;
