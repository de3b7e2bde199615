/** Rebuilds each group's hard state and log from the frames of the journal, in their order. */
import { EntrySlot } from './entry-slot.js';
import { GroupLog } from './group-log.js';
import type { GroupLogContext } from './group-log-context.js';
import { INITIAL_HARD_STATE } from './hard-state.js';
import { FRAME_TYPE, type FrameHeader } from './journal-frame.js';
import type { JournalFile } from './journal-file.js';
import { decodeSnapshotPayload, SNAPSHOT_LAYOUT } from './snapshot-frame.js';
import { storageCorrupt } from './storage-errors.js';
import type { MachineState, StoredGroup } from './stored-group.js';
import { InvariantError } from '../invariant.js';
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
  /** What its state machine had come to at the last checkpoint. */
  readonly machine?: MachineState | undefined;
}

const utf8 = new TextDecoder();

export class JournalReplay {
  readonly groups = new Map<GroupId, RecoveredGroup>();
  readonly #context: GroupLogContext;

  /** @param stored What the checkpoint says of the groups. */
  constructor(context: GroupLogContext, stored: Iterable<StoredGroup> = []) {
    this.#context = context;
    for (const found of stored) {
      const { group, hardState, machine } = found;
      this.groups.set(group, { hardState, log: GroupLog.stored(found, context), machine });
    }
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
    const refuse = (what: string): never => {
      throw storageCorrupt(file.path, position, `group ${group}: ${what}`);
    };
    if (header.type === FRAME_TYPE.HARD_STATE) {
      const hardState = hardStateAfter(before, header, payload, refuse);
      this.groups.set(group, { ...before, hardState });
    } else if (header.type === FRAME_TYPE.SNAPSHOT) {
      const hardState = applySnapshot(before, header, payload, refuse);
      this.groups.set(group, { ...before, hardState });
    } else {
      checkEntry(before, header, refuse);
      const { kind, index, term } = header;
      const slot = EntrySlot.stored(asTerm(term), kind as EntryKind, payload.length, file, position);
      try {
        before.log.restore(asLogIndex(index), slot, payload);
      } catch (error) {
        if (!(error instanceof InvariantError)) throw error;
        refuse(`entry ${index} is no membership: ${error.message}`);
      }
    }
  }
}

type Refuse = (what: string) => never;

function hardStateAfter(
  { hardState, log }: RecoveredGroup,
  header: Readonly<FrameHeader>,
  payload: Buffer,
  refuse: Refuse,
): HardState {
  const term = asTerm(header.term);
  const commit = asLogIndex(header.index);
  if (term < hardState.term) refuse(`the term falls from ${hardState.term} to ${term}`);
  if (commit > log.lastIndex) refuse(`commit index ${commit} is beyond the last entry ${log.lastIndex}`);
  if (commit < log.firstIndex - 1) refuse(`commit index ${commit} is before the snapshot of the log`);
  return { term, votedFor: header.kind === 0 ? undefined : utf8.decode(payload), commit };
}

function checkEntry({ hardState, log }: RecoveredGroup, header: Readonly<FrameHeader>, refuse: Refuse): void {
  const { index, term } = header;
  if (index === 0 || index > log.lastIndex + 1) {
    refuse(`entry ${index} follows entry ${log.lastIndex}`);
  }
  if (index <= hardState.commit) refuse(`entry ${index} replaces a committed one`);
  if (term > hardState.term) refuse(`entry ${index} has a term above the group's ${hardState.term}`);
  if (term < log.termAt(asLogIndex(index - 1))) refuse(`the term falls at entry ${index}`);
}

/** The same rule as when it was written: `GroupLog.install`. */
function applySnapshot(
  { hardState, log }: RecoveredGroup,
  header: Readonly<FrameHeader>,
  payload: Buffer,
  refuse: Refuse,
): HardState {
  const term = asTerm(header.term);
  const index = asLogIndex(header.index);
  const parts = header.kind === SNAPSHOT_LAYOUT ? decodeSnapshotPayload(payload) : undefined;
  if (parts === undefined) return refuse(`the snapshot at ${index} has an unknown layout`);
  if (term > hardState.term) refuse(`the snapshot at ${index} has a term above the group's`);
  const snapshot = { index, term, ...parts };
  const objection = log.objectionTo(snapshot);
  if (objection !== undefined) refuse(objection);
  const replacedLog = log.restoreSnapshot(snapshot);
  if (replacedLog && index <= hardState.commit) {
    refuse(`the snapshot at ${index} replaces a committed entry`);
  }
  return { ...hardState, commit: asLogIndex(Math.max(hardState.commit, index)) };
}
