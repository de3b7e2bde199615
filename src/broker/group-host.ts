/**
 * One replica of one group on this broker: the Raft core, its log, its state machine, and those who wait
 * for an entry to be durable or committed. Has no timers and no thread of its own: the scheduler drives it.
 */

import { invariant } from '../invariant.js';
import type { LogObserver, Snapshot } from '../raft/log.js';
import type { Message } from '../raft/messages.js';
import type { ProposeResult } from '../raft/leader.js';
import type { Raft } from '../raft/raft.js';
import type { ReadRefusal } from '../raft/reads.js';
import type { Ready } from '../raft/ready.js';
import type { ReadId } from '../raft/state.js';
import { asLogIndex, type EntryKind, type GroupId, type LogIndex, type Term } from '../raft/types.js';
import type { GroupLog } from '../storage/group-log.js';
import type { JournalWrite } from '../storage/journal.js';
import type { MachineState } from '../storage/stored-group.js';
import type { Outbox } from './outbox.js';

/** What is kept on top of a log. */
export interface GroupMachine extends LogObserver {
  /** Entries up to `index` are committed; called with rising indexes. */
  committedTo(index: LogIndex): void;
  /** Entries up to here are needed no more, once a snapshot stands for them; committed. 0 for none. */
  compactable(): LogIndex;
  /** The state as of `appliedIndex`, the last entry that was applied; for `restored`, here or elsewhere. */
  snapshot(appliedIndex: LogIndex): Uint8Array;
  /** Entries up to `index` are gone from the log. */
  compactedTo(index: LogIndex): void;
  /**
   * What it has made of the log up to an entry that is committed and not behind `storedTo`, which stands in
   * segments. Undefined, or left out, when a restart may as well feed it all entries.
   */
  checkpoint?(storedTo: LogIndex, segmentStarts: readonly LogIndex[]): MachineState | undefined;
  /** How long its segments should get; left out for 64 MiB. */
  readonly segmentBytes?: number;
  /** Begins with a state that `checkpoint` gave. Returns the entry behind which it is to be fed. */
  resumed?(state: MachineState): LogIndex;
}

/**
 * What became of a proposed entry: it is committed, or another entry is committed in its place, or this
 * replica was dropped and will not know.
 */
export type CommitVerdict = 'committed' | 'superseded' | 'dropped';

/**
 * What became of a linearizable read: it may be answered from the state machine as it is now, or this
 * replica stopped leading before a quorum had confirmed it.
 */
export type ReadVerdict = 'confirmed' | 'refused';

/** A read that waits, with what stops the wait; or why there is none. */
export type ReadTicket =
  { readonly ok: true; stop(): void } | { readonly ok: false; readonly reason: ReadRefusal };

interface CommitWaiter {
  readonly term: Term;
  settle(verdict: CommitVerdict): void;
}

interface Unsent {
  readonly sequence: number;
  readonly messages: readonly Message[];
}

/** Number of the core's last write among those collected; undefined when nothing is to be written. */
type Collected = { readonly raftSequence: number } | undefined;

interface Write {
  readonly journalSequence: number;
  readonly raftSequence: number;
}

export class GroupHost {
  readonly id: GroupId;
  readonly raft: Raft;
  readonly log: GroupLog;
  readonly #machine: GroupMachine;
  /** Messages that wait for a write, in the order of the writes. */
  #unsent: Unsent[] = [];
  #writes: Write[] = [];
  #persistedSequence = 0;
  #appliedIndex: LogIndex;
  #isDropped = false;
  readonly #commitWaiters = new Map<LogIndex, Set<CommitWaiter>>();
  readonly #durableWaiters = new Map<LogIndex, Set<() => void>>();
  readonly #readWaiters = new Map<ReadId, (verdict: ReadVerdict) => void>();

  /** @param appliedIndex What was given to the machine of a state that is ahead of the log's snapshot. */
  constructor(id: GroupId, raft: Raft, log: GroupLog, machine: GroupMachine, appliedIndex = 0) {
    this.id = id;
    this.raft = raft;
    this.log = log;
    this.#machine = machine;
    // What the snapshot stands for was given to the machine with it.
    this.#appliedIndex = asLogIndex(Math.max(log.snapshot?.index ?? 0, appliedIndex));
  }

  /** Every entry up to here has been applied to the state machine. */
  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  /** True for a replica that is gone, with all that it had on disk. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  propose(kind: EntryKind, payload: Uint8Array): ProposeResult {
    return this.raft.propose(kind, payload);
  }

  /**
   * Calls back once it is known what was committed at `index`. That may be long after this replica lost
   * the leadership, or never; the returned function stops waiting. A truncation here proves nothing: a
   * replica that still has the entry may become leader and commit it (Raft figure 8).
   */
  onCommitted(index: LogIndex, term: Term, settle: (verdict: CommitVerdict) => void): () => void {
    invariant(index > this.#appliedIndex, 'waiting for what is not applied yet', { index });
    return addTo(this.#commitWaiters, index, { term, settle });
  }

  /** Calls back once this replica's disk has everything up to `index`; the returned function stops waiting. */
  onDurable(index: LogIndex, settle: () => void): () => void {
    return addTo(this.#durableWaiters, index, settle);
  }

  /**
   * Asks for a linearizable read and calls back in the pass that knows what became of it. What was
   * acknowledged before the call is in the state machine then, if it is confirmed.
   */
  requestRead(settle: (verdict: ReadVerdict) => void): ReadTicket {
    const asked = this.raft.requestRead();
    if (!asked.ok) return asked;
    this.#readWaiters.set(asked.id, settle);
    return {
      ok: true,
      stop: () => {
        this.#readWaiters.delete(asked.id);
      },
    };
  }

  /** Takes the core's Ready: entries become readable and are put to `writes`, messages to `outbox`. */
  collect(nowMs: number, writes: JournalWrite[], outbox: Outbox): Collected {
    const collected = this.#collect(nowMs, writes, outbox);
    if (!this.#compact()) return collected;
    return this.#collect(nowMs, writes, outbox) ?? collected;
  }

  #collect(nowMs: number, writes: JournalWrite[], outbox: Outbox): Collected {
    const ready = this.raft.ready(nowMs);
    if (ready.hardState !== undefined) {
      writes.push({ kind: 'hardState', group: this.id, state: ready.hardState });
    }
    if (ready.snapshot !== undefined) this.#install(ready.snapshot, writes);
    if (ready.entries.length > 0) this.log.append(ready.entries);
    if (ready.entries.length > 0) writes.push({ kind: 'entries', group: this.id, entries: ready.entries });
    for (const message of ready.messages) outbox.add(this.id, message);
    if (ready.messagesAfterPersist.length > 0) {
      this.#unsent.push({ sequence: ready.sequence, messages: ready.messagesAfterPersist });
      this.#sendDurable(outbox);
    }
    this.#apply(ready.commitIndex);
    this.#settleReads(ready);
    return ready.hardState === undefined ? undefined : { raftSequence: ready.sequence };
  }

  get segmentBytes(): number | undefined {
    return this.#machine.segmentBytes;
  }

  /** For a checkpoint: what the machine has come to. */
  machineState(): MachineState | undefined {
    return this.#machine.checkpoint?.(this.log.storedLastIndex, this.log.segmentStarts);
  }

  /** Notes on which write of the journal the last Ready rides. */
  submitted(journalSequence: number, raftSequence: number): void {
    this.#writes.push({ journalSequence, raftSequence });
  }

  /** Takes in that the journal is durable up to `journalSequence`. */
  persisted(nowMs: number, journalSequence: number, outbox: Outbox): void {
    let done = 0;
    for (const write of this.#writes) {
      if (write.journalSequence > journalSequence) break;
      this.#persistedSequence = write.raftSequence;
      done += 1;
    }
    if (done === 0) return;
    this.#writes = this.#writes.slice(done);
    this.raft.persisted(nowMs, this.#persistedSequence);
    this.#sendDurable(outbox);
    const { durableIndex } = this.raft;
    for (const [index, waiters] of this.#durableWaiters) {
      if (index > durableIndex) continue;
      this.#durableWaiters.delete(index);
      for (const settle of waiters) settle();
    }
  }

  /** This replica is gone: nobody who waits for it will hear anything else (I19). */
  dropped(): void {
    this.#isDropped = true;
    for (const waiters of this.#commitWaiters.values()) {
      for (const waiter of waiters) waiter.settle('dropped');
    }
    for (const waiters of this.#durableWaiters.values()) for (const settle of waiters) settle();
    for (const id of [...this.#readWaiters.keys()]) this.#settleRead(id, 'refused');
    this.#commitWaiters.clear();
    this.#durableWaiters.clear();
  }

  /** The log begins with a snapshot from now on: one made here, or one that a leader sent. */
  #install(snapshot: Snapshot, writes: JournalWrite[]): void {
    this.log.install(snapshot);
    writes.push({ kind: 'snapshot', group: this.id, snapshot });
    if (snapshot.index > this.#appliedIndex) this.#appliedIndex = snapshot.index;
  }

  /** Lets the log go that the machine needs no more, as far as it is on disk. True when there was any. */
  #compact(): boolean {
    const index = this.#machine.compactable();
    if (index === 0 || index > this.raft.durableIndex) return false;
    this.raft.compact(index, this.#machine.snapshot(this.#appliedIndex));
    this.#machine.compactedTo(index);
    return true;
  }

  #sendDurable(outbox: Outbox): void {
    let done = 0;
    for (const { sequence, messages } of this.#unsent) {
      if (sequence > this.#persistedSequence) break;
      for (const message of messages) outbox.add(this.id, message);
      done += 1;
    }
    if (done > 0) this.#unsent = this.#unsent.slice(done);
  }

  #settleReads({ confirmedReads, refusedReads }: Ready): void {
    for (const { id, index } of confirmedReads) {
      invariant(index <= this.#appliedIndex, 'a confirmed read finds its state applied (I18)', { index });
      this.#settleRead(id, 'confirmed');
    }
    for (const id of refusedReads) this.#settleRead(id, 'refused');
  }

  #settleRead(id: ReadId, verdict: ReadVerdict): void {
    const settle = this.#readWaiters.get(id);
    this.#readWaiters.delete(id);
    settle?.(verdict);
  }

  #apply(commitIndex: LogIndex): void {
    if (commitIndex <= this.#appliedIndex) return;
    const from = this.#appliedIndex + 1;
    this.#machine.committedTo(commitIndex);
    this.#appliedIndex = commitIndex;
    if (this.#commitWaiters.size === 0) return;
    for (let index = from; index <= commitIndex; index++) {
      const at = asLogIndex(index);
      const waiters = this.#commitWaiters.get(at);
      if (waiters === undefined) continue;
      this.#commitWaiters.delete(at);
      const term = this.raft.termAt(at);
      for (const waiter of waiters) waiter.settle(waiter.term === term ? 'committed' : 'superseded');
    }
  }
}

function addTo<W>(map: Map<LogIndex, Set<W>>, index: LogIndex, waiter: W): () => void {
  const waiters = map.get(index) ?? new Set<W>();
  waiters.add(waiter);
  map.set(index, waiters);
  return () => {
    waiters.delete(waiter);
    if (waiters.size === 0 && map.get(index) === waiters) map.delete(index);
  };
}
