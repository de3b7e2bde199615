/** The state machine of group 0: holds commands until Raft commits them, then applies them. Pure. */

import { decodeMembership, type Membership } from '../raft/membership.js';
import { type Entry, ENTRY_KIND, type LogIndex } from '../raft/types.js';
import { ClusterState } from './cluster-state.js';
import type { ClusterChange } from './cluster-types.js';
import { type ClusterCommand, type CommandResult, decodeCommand } from './commands.js';

/** An entry that is not committed yet: a command, or a membership of group 0 itself. */
type Pending =
  | { readonly index: LogIndex; readonly command: ClusterCommand }
  | { readonly index: LogIndex; readonly membership: Membership };

/** An entry that was applied. */
export interface Applied {
  readonly index: LogIndex;
  readonly result: CommandResult;
  readonly changes: readonly ClusterChange[];
}

export class ClusterLog {
  readonly state = new ClusterState();
  #pending: Pending[] = [];

  appended({ index, kind, payload }: Entry): void {
    if (kind === ENTRY_KIND.CLUSTER_COMMAND) this.#pending.push({ index, command: decodeCommand(payload) });
    if (kind === ENTRY_KIND.MEMBERSHIP) this.#pending.push({ index, membership: decodeMembership(payload) });
  }

  truncatedFrom(index: LogIndex): void {
    this.#pending = this.#pending.filter((pending) => pending.index < index);
  }

  /** Applies every entry up to `index`, in order. */
  committedTo(index: LogIndex): readonly Applied[] {
    const due = this.#pending.filter((pending) => pending.index <= index);
    this.#pending = this.#pending.slice(due.length);
    return due.map((pending) => this.#apply(pending));
  }

  #apply(pending: Pending): Applied {
    const { index } = pending;
    if ('command' in pending) return { index, ...this.state.apply(pending.command) };
    const changes = this.state.clusterMembershipCommitted(index, pending.membership);
    return { index, result: { ok: true }, changes };
  }
}
