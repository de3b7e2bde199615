/**
 * The ready loop: drives all groups of a broker. One pass takes every group that has something to do,
 * puts all their writes on one journal write, and sends each peer what all groups have for it. Groups
 * with nothing to do cost nothing.
 */

import type { GroupId } from '../raft/types.js';
import type { Journal, JournalWrite } from '../storage/journal.js';
import type { Clock } from './clock.js';
import { DeadlineQueue } from './deadline-queue.js';
import type { GroupHost } from './group-host.js';
import { LIMITS } from './limits.js';
import type { Outbox } from './outbox.js';

/** What the loop needs of the journal. */
type WrittenTo = Pick<Journal, 'listen' | 'submit'>;

interface Submitted {
  readonly journalSequence: number;
  readonly atMs: number;
  readonly groups: readonly GroupHost[];
}

export interface SchedulerEvents {
  /** A group went through the loop; its role, term or commit index may have changed. */
  groupAdvanced(group: GroupHost): void;
  /** The disk failed, or an invariant is broken: nothing is driven any more. */
  failed(error: unknown): void;
}

export class Scheduler {
  readonly #clock: Clock;
  readonly #journal: WrittenTo;
  readonly #outbox: Outbox;
  readonly #events: SchedulerEvents;
  readonly #groups = new Map<GroupId, GroupHost>();
  readonly #deadlines = new DeadlineQueue();
  #ready = new Set<GroupHost>();
  #submitted: Submitted[] = [];
  /** Writes that belong to no group's Ready, such as the end of a group. */
  #extraWrites: JournalWrite[] = [];
  #passPlanned = false;
  /** When a pass was planned last. */
  #plannedMs = -Infinity;
  #stopped = false;
  #timerMs = Infinity;
  #lastWriteMs = -Infinity;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, journal: WrittenTo, outbox: Outbox, events: SchedulerEvents) {
    this.#clock = clock;
    this.#journal = journal;
    this.#outbox = outbox;
    this.#events = events;
    journal.listen({
      onDurable: (sequence) => {
        this.#guarded(() => {
          this.#durable(sequence);
        });
      },
      onFailed: (error) => {
        this.#fail(error);
      },
      machineState: (group) => this.#groups.get(group)?.machineState(),
      segmentBytes: (group) => this.#groups.get(group)?.segmentBytes,
    });
  }

  get groups(): ReadonlyMap<GroupId, GroupHost> {
    return this.#groups;
  }

  /** When the oldest write that the disk has not confirmed was submitted; Infinity for none. */
  get oldestWriteMs(): number {
    return this.#submitted[0]?.atMs ?? Infinity;
  }

  /** True once nothing was written for a while. */
  get isIdle(): boolean {
    return this.#clock.monotonicMs() - this.#lastWriteMs > LIMITS.idleAfterMs;
  }

  add(group: GroupHost): void {
    this.#groups.set(group.id, group);
    this.wake(group);
  }

  /** Drops a group, here or only on disk, and all it has there. */
  remove(id: GroupId): void {
    const group = this.#groups.get(id);
    if (group !== undefined) this.#ready.delete(group);
    this.#groups.delete(id);
    this.#extraWrites.push({ kind: 'dropGroup', group: id });
    this.#plan();
  }

  /** Has `group` looked at in the next pass: something was put in. */
  wake(group: GroupHost): void {
    this.#ready.add(group);
    this.#plan();
  }

  /** Has what the outbox holds sent with the next pass. */
  wakeOutbox(): void {
    this.#plan();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  #plan(): void {
    if (this.#passPlanned || this.#stopped) return;
    this.#passPlanned = true;
    const pass = (): void => {
      this.#passPlanned = false;
      this.#guarded(() => {
        this.#pass();
      });
    };
    const nowMs = this.#clock.monotonicMs();
    const hasRested = nowMs - this.#plannedMs >= LIMITS.restMs;
    this.#plannedMs = nowMs;
    // Nothing is gained by waiting then: what comes while this is written shares the next write. A turn of the event
    // loop, and with it another one before the sockets are written to, is a good part of what a record alone takes.
    if (hasRested && this.#submitted.length === 0) this.#clock.soon(pass);
    else this.#clock.defer(pass);
  }

  #guarded(act: () => void): void {
    if (this.#stopped) return;
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.stop();
    this.#events.failed(error);
  }

  #pass(): void {
    const nowMs = this.#clock.monotonicMs();
    const ready = this.#ready;
    this.#ready = new Set();
    // A group that was dropped may be made anew in this pass: the end of the old one goes first.
    this.#submitExtra();
    const writes: JournalWrite[] = [];
    const wrote: { group: GroupHost; raftSequence: number }[] = [];
    for (const group of ready) {
      if (this.#groups.get(group.id) !== group) continue;
      const write = group.collect(nowMs, writes, this.#outbox);
      if (write !== undefined) wrote.push({ group, raftSequence: write.raftSequence });
      this.#deadlines.note(group.id, group.raft.deadlineMs);
      this.#events.groupAdvanced(group);
    }
    if (writes.length > 0) {
      const journalSequence = this.#journal.submit(writes);
      for (const { group, raftSequence } of wrote) group.submitted(journalSequence, raftSequence);
      this.#lastWriteMs = nowMs;
      this.#submitted.push({ journalSequence, atMs: nowMs, groups: wrote.map(({ group }) => group) });
    }
    // And behind what was written for it in this pass.
    this.#submitExtra();
    this.#outbox.flush();
    this.#armTimer(nowMs);
  }

  #submitExtra(): void {
    if (this.#extraWrites.length === 0) return;
    this.#journal.submit(this.#extraWrites);
    this.#extraWrites = [];
  }

  /** Goes on in the same turn: what waited for the disk must not wait for the loop as well. */
  #durable(sequence: number): void {
    const nowMs = this.#clock.monotonicMs();
    let done = 0;
    for (const { journalSequence, groups } of this.#submitted) {
      if (journalSequence > sequence) break;
      for (const group of groups) {
        // What a dropped replica had says nothing any more.
        if (this.#groups.get(group.id) !== group) continue;
        group.persisted(nowMs, sequence, this.#outbox);
        this.#ready.add(group);
      }
      done += 1;
    }
    if (done > 0) this.#submitted = this.#submitted.slice(done);
    this.#pass();
  }

  #armTimer(nowMs: number): void {
    const firstMs = this.#deadlines.firstMs;
    if (firstMs === this.#timerMs) return;
    this.#cancelTimer?.();
    this.#timerMs = firstMs;
    if (firstMs === Infinity) return;
    this.#cancelTimer = this.#clock.schedule(firstMs - nowMs, () => {
      this.#timerMs = Infinity;
      const lateMs = this.#clock.monotonicMs() - firstMs;
      // What peers have sent meanwhile is taken in first: it may be the answer that is waited for.
      this.#clock.defer(() => {
        this.#guarded(() => {
          this.#tickDue(lateMs);
        });
      });
    });
  }

  /**
   * By as much as this loop was held up, by the election of all groups of a broker for one, its peers were held
   * up as well: who is to campaign before this broker gets that time too, or votes are split by the hundred.
   */
  #tickDue(lateMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    for (const id of this.#deadlines.takeDue(nowMs)) {
      const group = this.#groups.get(id);
      if (group === undefined) continue;
      const { role, deadlineMs } = group.raft;
      const { electionLagMsMin, electionLagMsMax } = LIMITS;
      const overdueMs = nowMs - deadlineMs;
      if (role !== 'leader' && lateMs >= electionLagMsMin && overdueMs >= 0 && overdueMs < electionLagMsMax) {
        this.#deadlines.note(id, nowMs + Math.min(lateMs, electionLagMsMax));
        continue;
      }
      group.raft.tick(nowMs);
      this.#ready.add(group);
    }
    this.#pass();
  }
}
