/** The state machine of group 0: holds commands until Raft commits them, then applies them. Pure. */

import { type Entry, ENTRY_KIND, type LogIndex } from '../raft/types.js';
import { type ClusterChange, ClusterState } from './cluster-state.js';
import { type ClusterCommand, type CommandResult, decodeCommand } from './commands.js';

interface Pending {
  readonly index: LogIndex;
  readonly command: ClusterCommand;
}

/** A command that was applied. */
export interface Applied {
  readonly index: LogIndex;
  readonly result: CommandResult;
  readonly change: ClusterChange;
}

export class ClusterLog {
  readonly state = new ClusterState();
  #pending: Pending[] = [];

  appended(entry: Entry): void {
    if (entry.kind !== ENTRY_KIND.CLUSTER_COMMAND) return;
    this.#pending.push({ index: entry.index, command: decodeCommand(entry.payload) });
  }

  truncatedFrom(index: LogIndex): void {
    this.#pending = this.#pending.filter((pending) => pending.index < index);
  }

  /** Applies every command up to `index`, in order. */
  committedTo(index: LogIndex): readonly Applied[] {
    const due = this.#pending.filter((pending) => pending.index <= index);
    this.#pending = this.#pending.slice(due.length);
    return due.map(({ index: at, command }) => ({ index: at, ...this.state.apply(command) }));
  }
}
