/**
 * Which entries in files of the journal nobody will read again, because a later frame that is durable says so: a
 * snapshot that stands for them, or the end of their group. A restart gets to that frame, whatever it finds before.
 *
 * So such an entry need not be copied into a segment, and a segment that has no others may be emptied before the
 * copying gets to the frame: a disk that has no room for a copy gets room by deletions all the same.
 */
import { asLogIndex, type GroupId, type LogIndex } from '../raft/types.js';

export class Superseded {
  /** Index of the newest durable snapshot of each group. */
  readonly #snapshots = new Map<GroupId, LogIndex>();
  /** How often a group has been dropped, durably, in files that are not copied yet. */
  readonly #dropsAhead = new Map<GroupId, number>();

  /** The group has a durable snapshot at `index`. Its snapshots never go back. */
  installed(group: GroupId, index: LogIndex): void {
    this.#snapshots.set(group, index);
  }

  /** The group is gone, durably; another may begin under its number. */
  dropped(group: GroupId): void {
    this.#snapshots.delete(group);
    this.#dropsAhead.set(group, (this.#dropsAhead.get(group) ?? 0) + 1);
  }

  /** The copying got to where the group was dropped: what follows is of another one. */
  dropTaken(group: GroupId): void {
    const left = (this.#dropsAhead.get(group) ?? 0) - 1;
    if (left > 0) this.#dropsAhead.set(group, left);
    else this.#dropsAhead.delete(group);
  }

  /** Entries up to here, of those that the copying is at, are needed no more; Infinity for all of them. */
  upTo(group: GroupId): number {
    return this.#dropsAhead.has(group) ? Infinity : (this.#snapshots.get(group) ?? asLogIndex(0));
  }
}
