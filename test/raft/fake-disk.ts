/**
 * The disk of one replica, after the contract in ready.ts: writes finish in order, entries are readable
 * from the moment they are handed over, and a crash loses what was not synced.
 */

import { invariant } from '../../src/invariant.js';
import type { EntrySource, Snapshot } from '../../src/raft/log.js';
import type { Recovered } from '../../src/raft/raft.js';
import { asLogIndex, asTerm, type Entry, type HardState, type LogIndex } from '../../src/raft/types.js';
import { DiskLog } from './disk-log.js';

interface PendingWrite {
  readonly sequence: number;
  readonly hardState: HardState | undefined;
  readonly snapshot: Snapshot | undefined;
  readonly entries: readonly Entry[];
}

/** How much of the unsynced writes reached the disk before a crash: whole writes, then a torn one. */
export interface Survived {
  readonly writes: number;
  /**
   * Of the write behind the whole ones: its hard state, then its snapshot and its entries, counted together.
   * Undefined: nothing of it.
   */
  readonly tornEntries: number | undefined;
}

const NOTHING: Survived = { writes: 0, tornEntries: undefined };

export class FakeDisk implements EntrySource {
  /** What is handed over, durable or not. */
  readonly readable = new DiskLog();
  /** What survives a crash. */
  readonly durable = new DiskLog();
  hardState: HardState = { term: asTerm(0), votedFor: undefined, commit: asLogIndex(0) };
  #pending: PendingWrite[] = [];

  get pendingWrites(): number {
    return this.#pending.length;
  }

  entries(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] {
    const { baseIndex, lastIndex } = this.readable;
    invariant(from > baseIndex && from < to && to <= lastIndex + 1, 'a read inside the log', { from, to });
    const result: Entry[] = [];
    let bytes = 0;
    for (const entry of this.readable.entries.slice(from - baseIndex - 1, to - baseIndex - 1)) {
      bytes += entry.payload.length;
      if (result.length > 0 && bytes > bytesMax) break;
      result.push(entry);
    }
    return result;
  }

  write(
    sequence: number,
    hardState: HardState | undefined,
    entries: readonly Entry[],
    snapshot?: Snapshot,
  ): void {
    this.#pending.push({ sequence, hardState, snapshot, entries });
    if (snapshot !== undefined) this.readable.install(snapshot);
    for (const entry of entries) this.readable.put(entry);
  }

  /** Finishes the oldest write and returns its sequence; undefined when none is pending. */
  sync(): number | undefined {
    const write = this.#pending.shift();
    if (write === undefined) return undefined;
    this.#store(write, Infinity);
    return write.sequence;
  }

  /** Loses what was not synced, but for what `survived` tells. */
  crash(survived: Survived = NOTHING): void {
    const lost = this.#pending;
    this.#pending = [];
    for (const write of lost.slice(0, survived.writes)) this.#store(write, Infinity);
    const torn = lost[survived.writes];
    if (torn !== undefined && survived.tornEntries !== undefined) this.#store(torn, survived.tornEntries);
    this.readable.copyOf(this.durable);
  }

  recover(): Recovered {
    return { hardState: this.hardState, log: this.durable.recover() };
  }

  #store({ hardState, snapshot, entries }: PendingWrite, parts: number): void {
    if (hardState !== undefined) this.hardState = hardState;
    let left = parts;
    if (snapshot !== undefined) {
      if (left === 0) return;
      this.durable.install(snapshot);
      left -= 1;
    }
    for (const entry of entries.slice(0, left)) this.durable.put(entry);
  }
}
