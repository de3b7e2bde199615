/**
 * What the core wants done. Pure.
 *
 * The contract of whoever drives the core, in this order:
 * 1. Make `entries` readable through the `EntrySource`, and write `hardState`, `snapshot` and `entries`, in
 *    this order, behind everything written before. A snapshot takes the place of the entries up to its
 *    index, where the log has that entry with its term; else of the whole log. An entry at an index that
 *    exists replaces it and all behind it.
 * 2. Send `messages` at once; they promise nothing that the write must hold.
 * 3. Send `messagesAfterPersist` once write `sequence` and all before it are on disk, then call
 *    `persisted(sequence)`. When all those are on disk already, send them at once.
 * 4. Apply the committed entries up to `commitIndex`.
 * 5. Answer `confirmedReads` from the state so applied, and refuse `refusedReads`.
 *
 * Further Readys may be taken before the write of an earlier one is done; writes finish in order.
 */

import type { Snapshot } from './log.js';
import type { Message } from './messages.js';
import type { ConfirmedRead, RaftState, ReadId } from './state.js';
import { asLogIndex, type Entry, type HardState, type LogIndex } from './types.js';

export interface Ready {
  /** Number of the last write handed out, this one included; 0 before the first. */
  readonly sequence: number;
  /**
   * Undefined when nothing must be written. Its commit index covers only entries of earlier writes, so
   * that no torn write leaves it ahead of the log.
   */
  readonly hardState: HardState | undefined;
  /** A new one: the log was compacted, or replaced by a leader's. */
  readonly snapshot: Snapshot | undefined;
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly messagesAfterPersist: readonly Message[];
  /** Inclusive. */
  readonly commitIndex: LogIndex;
  /** Reads that a quorum confirmed, none at an index beyond `commitIndex`. */
  readonly confirmedReads: readonly ConfirmedRead[];
  /** Reads that were waiting when this replica stopped leading. */
  readonly refusedReads: readonly ReadId[];
}

/**
 * True when the disk does not say yet that the membership in force is committed, and can: a restart that
 * forgot it would need the votes of who was removed, and may be gone. The same for all commits where they are
 * to be persisted: the entries that a write carries itself are not covered by the commit index that it holds.
 */
function owesCommit({ config, log, commitWritten }: RaftState): boolean {
  const { membershipIndex, commitIndex, handedOutIndex } = log;
  const known = Math.min(commitIndex, handedOutIndex);
  if (config.persistCommit) return known > commitWritten;
  return membershipIndex > commitWritten && membershipIndex <= known;
}

/** Notes that the write at hand says that the log is committed up to `commit`. */
function wroteCommit(state: RaftState, commit: LogIndex): void {
  const { membershipIndex } = state.log;
  if (state.commitWritten < membershipIndex && membershipIndex <= commit) {
    state.membershipSequence = state.writeSequence;
  }
  if (commit > state.commitWritten) state.commitWritten = commit;
}

/** Takes everything that is to be done out of the state. */
export function takeReady(state: RaftState): Ready {
  const { log } = state;
  const writes = state.hardStateDirty || log.hasUnwritten || owesCommit(state);
  if (writes) state.writeSequence += 1;
  const writtenBefore = log.handedOutIndex;
  const { snapshot, entries } = log.takeUnwritten(state.writeSequence);
  const commit = asLogIndex(Math.min(log.commitIndex, writtenBefore));
  if (writes) wroteCommit(state, asLogIndex(Math.max(commit, snapshot?.index ?? 0)));
  const ready: Ready = {
    sequence: state.writeSequence,
    hardState: writes ? { term: state.term, votedFor: state.votedFor, commit } : undefined,
    snapshot,
    entries,
    messages: state.messages,
    messagesAfterPersist: state.messagesAfterPersist,
    commitIndex: log.commitIndex,
    confirmedReads: state.confirmedReads,
    refusedReads: state.refusedReads,
  };
  state.hardStateDirty = false;
  state.messages = [];
  state.messagesAfterPersist = [];
  state.confirmedReads = [];
  state.refusedReads = [];
  return ready;
}
