/**
 * What has been submitted to the journal for one group, and the rules that every further write of the
 * group must keep, so that any prefix of the journal is a state that the group was in.
 */
import { frameBytes } from './journal-frame.js';
import { hardStateFrameBytes } from './frame-batch.js';
import type { GroupLog } from './group-log.js';
import type { PlannedWrite } from './journal-writer.js';
import { encodeSnapshotPayload } from './snapshot-frame.js';
import { invariant } from '../invariant.js';
import type { Snapshot } from '../raft/log.js';
import { asLogIndex, type Entry, type HardState, type LogIndex } from '../raft/types.js';

/** A write with its cost. */
export interface CostedWrite {
  readonly write: PlannedWrite;
  /** Bytes in the journal. */
  readonly bytes: number;
  readonly frameCount: number;
}

export class SubmittedGroup {
  readonly log: GroupLog;
  #state: HardState;
  #lastIndex: LogIndex;

  /** @param state What the journal holds for the group, as does `log`. */
  constructor(log: GroupLog, state: HardState) {
    this.log = log;
    this.#state = state;
    this.#lastIndex = log.lastIndex;
  }

  /**
   * Term and vote never go back (I13), nor does the commit hint. It is lowered to the last entry submitted
   * before, so that it never points beyond a log whose tail was torn.
   */
  planHardState(state: HardState): CostedWrite {
    const { term, votedFor } = this.#state;
    const group = this.log.group;
    invariant(state.term >= term, 'a term never falls', { group, from: term, to: state.term });
    invariant(
      state.term > term || votedFor === undefined || state.votedFor === votedFor,
      'a vote is never changed within a term',
      { group, term },
    );
    const hint = Math.min(state.commit, this.#lastIndex);
    const commit = asLogIndex(Math.max(hint, this.#state.commit));
    this.#state = { term: state.term, votedFor: state.votedFor, commit };
    return {
      write: { kind: 'hardState', group, state: this.#state },
      bytes: hardStateFrameBytes(this.#state),
      frameCount: 1,
    };
  }

  /** The term of an entry is in the journal before the entry, and nothing committed is replaced (I7). */
  planEntries(entries: readonly Entry[]): CostedWrite {
    const group = this.log.group;
    const slots = this.log.takeUnsubmitted(entries);
    let bytes = 0;
    for (const { index, term, payload } of entries) {
      const contiguous = index === this.#lastIndex + 1 || (bytes === 0 && index <= this.#lastIndex);
      invariant(contiguous, 'entries are submitted without gaps', { group, index, last: this.#lastIndex });
      invariant(index > this.#state.commit, 'a committed entry is never replaced', { group, index });
      invariant(term <= this.#state.term, 'a term is submitted before its entries', { group, index, term });
      this.#lastIndex = index;
      bytes += frameBytes(payload.length);
    }
    return { write: { kind: 'entries', group, entries, slots }, bytes, frameCount: entries.length };
  }

  /**
   * A snapshot stands for committed entries, so the commit hint is at least its index, and when it takes
   * the place of the whole log, nothing that was committed is in there behind it (I7).
   */
  planSnapshot(snapshot: Snapshot): CostedWrite {
    const { group } = this.log;
    const { index, term } = snapshot;
    const replacesLog = this.log.takeUnsubmittedSnapshot(snapshot);
    invariant(term <= this.#state.term, 'a term is submitted before its snapshot', { group, index, term });
    if (replacesLog) {
      invariant(index > this.#state.commit, 'a committed entry is never replaced', { group, index });
      this.#lastIndex = index;
    }
    const { commit } = this.#state;
    this.#state = { ...this.#state, commit: asLogIndex(Math.max(commit, index)) };
    const payload = encodeSnapshotPayload(snapshot);
    return {
      write: { kind: 'snapshot', group, index, term, payload },
      bytes: frameBytes(payload.length),
      frameCount: 1,
    };
  }
}
