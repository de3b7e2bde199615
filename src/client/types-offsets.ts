/** The SDK's public types of committed offsets. */
import type { CallOptions, CommittedOffset } from './types-base.js';

/** What a partition has stored of a consumer group. */
export interface StoredOffset extends CommittedOffset {
  /** That the last commit gave; undefined for a group that counts none. */
  readonly generation: number | undefined;
  /** When the leader took the commit, by its clock, in milliseconds since the Unix epoch. */
  readonly committedAtMs: number;
}

export interface CommitOptions extends CallOptions {
  /**
   * Generation of the member that commits, from 0 to 2^31 - 1. A partition refuses one that is lower than what it
   * has stored, so that a member that was replaced cannot set the offset back. Undefined for a group that counts
   * none: refused once any is stored.
   */
  readonly generation?: number | undefined;
  /**
   * Take the generation for this member alone: it must be higher than the stored one, so of two members that claim
   * the same one wins. Not sent again when in doubt: the second time it would be refused by itself. Default false.
   */
  readonly claim?: boolean | undefined;
}
