/**
 * The state machine of group 0: holds commands until Raft commits them, then applies them. Pure.
 *
 * It decides by itself when a snapshot may take the place of old commands: the state has all of their effect.
 */

import { invariant } from '../invariant.js';
import type { Snapshot } from '../raft/log.js';
import { decodeMembership, type Membership } from '../raft/membership.js';
import { asLogIndex, type Entry, ENTRY_KIND, type LogIndex } from '../raft/types.js';
import { decodeClusterSnapshot, encodeClusterSnapshot } from './cluster-snapshot.js';
import { ClusterState } from './cluster-state.js';
import type { ClusterChange } from './cluster-types.js';
import { type ClusterCommand, type CommandResult, decodeCommand } from './commands.js';

/** How often group 0 takes a snapshot. */
export interface SnapshotSpacing {
  /** Entries that stay behind a snapshot, so that a broker that missed a few gets these and not the state. */
  readonly keptEntries: number;
  /** Entries applied since the last snapshot before the next one is taken. */
  readonly intervalEntries: number;
  /** Bytes of commands applied since the last snapshot before the next one is taken, however few they are. */
  readonly intervalBytes: number;
}

/**
 * The state is written whole each time: so many entries are about as large as the state of a thousand
 * partitions, and a restart replays them in milliseconds.
 */
export const SNAPSHOT_SPACING: SnapshotSpacing = {
  keptEntries: 256,
  intervalEntries: 1_024,
  intervalBytes: 8_388_608,
};

/** An entry that is not committed yet: a command, or a membership of group 0 itself. */
type Pending = { readonly index: LogIndex; readonly bytes: number } & (
  { readonly command: ClusterCommand } | { readonly membership: Membership }
);

/** An entry that was applied. */
export interface Applied {
  readonly index: LogIndex;
  readonly result: CommandResult;
  readonly changes: readonly ClusterChange[];
}

export class ClusterLog {
  readonly #spacing: SnapshotSpacing;
  #state = new ClusterState();
  #pending: Pending[] = [];
  #committedIndex = asLogIndex(0);
  /** Effects of entries up to here are in the state, committed here or not: a snapshot may be ahead. */
  #effectIndex = asLogIndex(0);
  /** Entries up to here are gone. */
  #compactedIndex = asLogIndex(0);
  /** Of the commands applied since. */
  #bytesApplied = 0;

  constructor(spacing: SnapshotSpacing = SNAPSHOT_SPACING) {
    this.#spacing = spacing;
  }

  /** Changes in place with `committedTo`; `restored` puts another object there, if it knows more. */
  get state(): ClusterState {
    return this.#state;
  }

  appended({ index, kind, payload }: Entry): void {
    invariant(index > this.#compactedIndex, 'entries follow the snapshot', { index });
    if (index <= this.#effectIndex) return;
    const bytes = payload.length;
    if (kind === ENTRY_KIND.CLUSTER_COMMAND) {
      this.#pending.push({ index, bytes, command: decodeCommand(payload) });
    }
    if (kind === ENTRY_KIND.MEMBERSHIP) {
      this.#pending.push({ index, bytes, membership: decodeMembership(payload) });
    }
  }

  truncatedFrom(index: LogIndex): void {
    this.#pending = this.#pending.filter((pending) => pending.index < index);
  }

  /** Applies every entry up to `index`, in order. */
  committedTo(index: LogIndex): readonly Applied[] {
    const due = this.#pending.filter((pending) => pending.index <= index);
    this.#pending = this.#pending.slice(due.length);
    const applied = due.map((pending) => this.#apply(pending));
    if (index > this.#committedIndex) this.#committedIndex = index;
    if (index > this.#effectIndex) this.#effectIndex = index;
    return applied;
  }

  /** Where the next snapshot is due to stand; 0 while none is. */
  compactable(): LogIndex {
    const { keptEntries, intervalEntries, intervalBytes } = this.#spacing;
    const behind = this.#committedIndex - this.#compactedIndex - keptEntries;
    const due = behind > intervalEntries || (behind > 0 && this.#bytesApplied > intervalBytes);
    return asLogIndex(due ? this.#committedIndex - keptEntries : 0);
  }

  /**
   * The data of a snapshot at any index that is applied.
   *
   * @param appliedIndex Index of the last `committedTo`.
   */
  snapshot(appliedIndex: LogIndex): Uint8Array {
    invariant(appliedIndex === this.#committedIndex, 'a snapshot is taken of what has been applied', {
      appliedIndex,
      committedIndex: this.#committedIndex,
    });
    return encodeClusterSnapshot({ appliedIndex: this.#effectIndex, state: this.#state });
  }

  /**
   * Begins anew with a snapshot. The entries that the log has behind it are appended again; those whose
   * effect the state has already are not applied, and not reported, once more.
   *
   * A snapshot may be older than the state, when the leader's is from before the one that this broker had:
   * then the state stays as it is. It never goes back: a broker must not take deleted topics up again.
   */
  restored({ index, data }: Snapshot): void {
    const { appliedIndex, state } = decodeClusterSnapshot(data);
    invariant(appliedIndex >= index, 'a snapshot stands for applied entries (I14)', { appliedIndex, index });
    invariant(index >= this.#committedIndex, 'what is applied never goes back (I13)', { index });
    if (appliedIndex > this.#effectIndex) {
      this.#state = state;
      this.#effectIndex = appliedIndex;
    }
    this.#pending = [];
    this.#committedIndex = index;
    this.#compactedIndex = index;
    this.#bytesApplied = 0;
  }

  /** Takes in that the entries up to `index` are gone: a snapshot taken here stands for them. */
  compactedTo(index: LogIndex): void {
    invariant(index <= this.#committedIndex, 'only committed entries are compacted', { index });
    if (index <= this.#compactedIndex) return;
    this.#compactedIndex = index;
    this.#bytesApplied = 0;
  }

  #apply(pending: Pending): Applied {
    const { index } = pending;
    this.#bytesApplied += pending.bytes;
    if ('command' in pending) return { index, ...this.#state.apply(pending.command) };
    const changes = this.#state.clusterMembershipCommitted(index, pending.membership);
    return { index, result: { ok: true }, changes };
  }
}
