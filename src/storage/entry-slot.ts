/** What is kept in memory for one entry: where it stands in the journal, and its payload while cached. */
import type { JournalFile } from './journal-file.js';
import type { Entry, EntryKind, Term } from '../raft/types.js';

/** Invariant: `entry` is held, or `file` is known and the frame at `position` can be read back. */
export class EntrySlot {
  readonly term: Term;
  readonly kind: EntryKind;
  readonly payloadBytes: number;
  /** Undefined once evicted. */
  entry: Entry | undefined;
  /** Undefined until the writer has given the frame its place. */
  file: JournalFile | undefined;
  /** Byte in `file` at which the frame begins. */
  position: number;
  /** False once the entry is no longer in the log. */
  live = true;
  /** Neighbours in the payload cache; `cached` says whether it is there. */
  cached = false;
  older: EntrySlot | undefined;
  newer: EntrySlot | undefined;

  private constructor(
    term: Term,
    kind: EntryKind,
    payloadBytes: number,
    entry: Entry | undefined,
    file: JournalFile | undefined,
    position: number,
  ) {
    this.term = term;
    this.kind = kind;
    this.payloadBytes = payloadBytes;
    this.entry = entry;
    this.file = file;
    this.position = position;
    this.older = undefined;
    this.newer = undefined;
  }

  /** A new entry, on its way to the journal. */
  static held(entry: Entry): EntrySlot {
    return new EntrySlot(entry.term, entry.kind, entry.payload.length, entry, undefined, 0);
  }

  /** An entry that recovery found. */
  static stored(
    term: Term,
    kind: EntryKind,
    payloadBytes: number,
    file: JournalFile,
    position: number,
  ): EntrySlot {
    return new EntrySlot(term, kind, payloadBytes, undefined, file, position);
  }
}
