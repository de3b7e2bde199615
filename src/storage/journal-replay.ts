/** Rebuilds each group's hard state and log from the frames of the journal, in their order. */
import { EntrySlot } from './entry-slot.js';
import { GroupLog, type GroupLogContext } from './group-log.js';
import { FRAME_TYPE, type FrameHeader } from './journal-frame.js';
import type { JournalFile } from './journal-file.js';
import { storageCorrupt } from './storage-errors.js';
import {
  asGroupId,
  asLogIndex,
  asTerm,
  type EntryKind,
  type GroupId,
  type HardState,
} from '../raft/types.js';

/** What the journal holds for one group. */
export interface RecoveredGroup {
  readonly hardState: HardState;
  readonly log: GroupLog;
}

/** Before anything is known of a group. */
export const INITIAL_HARD_STATE: HardState = {
  term: asTerm(0),
  votedFor: undefined,
  commit: asLogIndex(0),
};

const utf8 = new TextDecoder();

export class JournalReplay {
  readonly groups = new Map<GroupId, RecoveredGroup>();
  readonly #context: GroupLogContext;

  constructor(context: GroupLogContext) {
    this.#context = context;
  }

  /**
   * Applies one good frame.
   *
   * @throws STORAGE_CORRUPT when it does not follow from the frames before: `Journal.submit` never writes
   * such a one, so something is missing or of another journal.
   */
  apply(file: JournalFile, header: Readonly<FrameHeader>, payload: Buffer, position: number): void {
    const group = asGroupId(header.group);
    if (header.type === FRAME_TYPE.DROP_GROUP) {
      this.groups.delete(group);
      return;
    }
    const before = this.groups.get(group) ?? {
      hardState: INITIAL_HARD_STATE,
      log: new GroupLog(group, this.#context),
    };
    const { hardState, log } = before;
    const refuse = (what: string): never => {
      throw storageCorrupt(file.path, position, `group ${group}: ${what}`);
    };
    const index = asLogIndex(header.index);
    const term = asTerm(header.term);
    if (header.type === FRAME_TYPE.HARD_STATE) {
      if (term < hardState.term) refuse(`the term falls from ${hardState.term} to ${term}`);
      if (index > log.lastIndex) refuse(`commit index ${index} is beyond the last entry ${log.lastIndex}`);
      const votedFor = header.kind === 0 ? undefined : utf8.decode(payload);
      this.groups.set(group, { hardState: { term, votedFor, commit: index }, log });
      return;
    }
    if (index === 0 || index > log.lastIndex + 1) {
      refuse(`entry ${index} follows entry ${log.lastIndex}`);
    }
    if (index <= hardState.commit) refuse(`entry ${index} replaces a committed one`);
    if (term > hardState.term) refuse(`entry ${index} has a term above the group's ${hardState.term}`);
    if (term < log.termAt(asLogIndex(index - 1))) refuse(`the term falls at entry ${index}`);
    log.restore(index, EntrySlot.stored(term, header.kind as EntryKind, payload.length, file, position));
  }
}
