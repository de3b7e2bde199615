/**
 * What a group was at the end of a journal file that has been copied into segments: what a checkpoint says
 * of it, and what the journal goes on from behind the checkpoint.
 */
import { INITIAL_HARD_STATE } from './hard-state.js';
import type { Segment } from './segment.js';
import { StoredLog } from './stored-log.js';
import { invariant } from '../invariant.js';
import type { Snapshot } from '../raft/log.js';
import { decodeMembership } from '../raft/membership.js';
import type { MembershipAt } from '../raft/memberships.js';
import { Terms } from '../raft/terms.js';
import {
  asLogIndex,
  asTerm,
  ENTRY_KIND,
  type GroupId,
  type HardState,
  type LogIndex,
  type Term,
} from '../raft/types.js';

/** What a state machine has made of the log up to `index`; it is fed only what is behind. */
export interface MachineState {
  /** Committed, and in segments. */
  readonly index: LogIndex;
  /** Opaque to storage. */
  readonly data: Uint8Array;
}

/** Where the frames of a RECORD_BATCH have its offsets (Kafka's record batch, version 2). */
const LAST_OFFSET_DELTA_BYTE = 23;
const MAX_TIMESTAMP_BYTE = 35;
const BATCH_HEADER_BYTES = 61;

export class StoredGroup {
  readonly log: StoredLog;
  hardState: HardState = INITIAL_HARD_STATE;
  snapshot: Snapshot | undefined;
  memberships: MembershipAt[] = [];
  terms = new Terms(asLogIndex(0), asTerm(0));
  machine: MachineState | undefined;
  /** Last entry, copied or about to be. */
  lastIndex = asLogIndex(0);
  /** Next entry begins a new segment, as the last file holds others in its place. */
  mustBeginSegment = false;
  /** Offset at which the records go on; undefined until an entry copied since the start tells. */
  nextOffset: number | undefined;

  constructor(group: GroupId, segmentsDirectory: string, incarnation: string) {
    this.log = new StoredLog(group, segmentsDirectory, incarnation);
  }

  get group(): GroupId {
    return this.log.group;
  }

  /** Takes in an entry; those at its index and behind are replaced. Returns the segments that are gone. */
  appendEntry(index: LogIndex, term: Term, kind: number, payload: Buffer): Segment[] {
    const gone = index <= this.lastIndex ? this.#cutFrom(index) : [];
    invariant(index === this.lastIndex + 1, 'a log has no gaps', { group: this.group, index });
    this.terms.push(index, term);
    if (kind === ENTRY_KIND.MEMBERSHIP) {
      this.memberships.push({ index, membership: decodeMembership(payload) });
    }
    this.lastIndex = index;
    return gone;
  }

  /**
   * Offset of the first record of an entry about to be appended; where records go on, when it has none;
   * undefined when that is not known.
   */
  offsetOf(kind: number, payload: Buffer): number | undefined {
    if (kind !== ENTRY_KIND.RECORD_BATCH || payload.length < BATCH_HEADER_BYTES) return this.nextOffset;
    const base = Number(payload.readBigUInt64BE(0));
    this.nextOffset = base + payload.readUInt32BE(LAST_OFFSET_DELTA_BYTE) + 1;
    return base;
  }

  /** As `GroupLog.install`. Returns the segments that are gone. */
  install(snapshot: Snapshot): Segment[] {
    const { index, term } = snapshot;
    const base = this.snapshot?.index ?? 0;
    const keepsRest = index >= base && index <= this.lastIndex && this.terms.at(index) === term;
    this.snapshot = snapshot;
    this.hardState = {
      ...this.hardState,
      commit: asLogIndex(Math.max(this.hardState.commit, index)),
    };
    if (keepsRest) {
      this.terms.beginAfter(index, term);
      this.memberships = this.memberships.filter((logged) => logged.index > index);
      return this.log.forgetTo(index);
    }
    const gone = this.#cutFrom(asLogIndex(1));
    this.terms = new Terms(index, term);
    this.memberships = [];
    this.lastIndex = index;
    return gone;
  }

  #cutFrom(index: LogIndex): Segment[] {
    this.terms.cutFrom(index);
    this.memberships = this.memberships.filter((logged) => logged.index < index);
    this.lastIndex = asLogIndex(index - 1);
    this.mustBeginSegment = true;
    this.nextOffset = undefined;
    return this.log.cutFrom(index);
  }
}

/** Greatest timestamp of the records of an entry, in milliseconds; -1 for none. */
export function maxTimestampOf(kind: number, payload: Buffer): number {
  if (kind !== ENTRY_KIND.RECORD_BATCH || payload.length < BATCH_HEADER_BYTES) return -1;
  return Number(payload.readBigInt64BE(MAX_TIMESTAMP_BYTE));
}
