/**
 * The disk of one replica, after the contract in ready.ts: writes finish in order, entries are readable
 * from the moment they are handed over, and a crash loses what was not synced.
 */

import { invariant } from '../../src/invariant.js';
import type { EntrySource } from '../../src/raft/log.js';
import type { Recovered } from '../../src/raft/raft.js';
import { asLogIndex, asTerm, type Entry, type HardState, type LogIndex } from '../../src/raft/types.js';

interface PendingWrite {
  readonly sequence: number;
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
}

/** How much of the unsynced writes reached the disk before a crash: whole writes, then a torn one. */
export interface Survived {
  readonly writes: number;
  /** Entries of the write behind the whole ones; its hard state comes first. Undefined: nothing of it. */
  readonly tornEntries: number | undefined;
}

const NOTHING: Survived = { writes: 0, tornEntries: undefined };

export class FakeDisk implements EntrySource {
  /** Entries that are handed over, durable or not; the entry at index i stands at i - 1. */
  readonly readable: Entry[] = [];
  /** Entries that survive a crash. */
  readonly durable: Entry[] = [];
  hardState: HardState = { term: asTerm(0), votedFor: undefined, commit: asLogIndex(0) };
  #pending: PendingWrite[] = [];

  get pendingWrites(): number {
    return this.#pending.length;
  }

  entries(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] {
    invariant(from >= 1 && from < to && to <= this.readable.length + 1, 'a read inside the log', {
      from,
      to,
      length: this.readable.length,
    });
    const result: Entry[] = [];
    let bytes = 0;
    for (const entry of this.readable.slice(from - 1, to - 1)) {
      bytes += entry.payload.length;
      if (result.length > 0 && bytes > bytesMax) break;
      result.push(entry);
    }
    return result;
  }

  write(sequence: number, hardState: HardState | undefined, entries: readonly Entry[]): void {
    this.#pending.push({ sequence, hardState, entries });
    for (const entry of entries) put(this.readable, entry);
  }

  /** Finishes the oldest write and returns its sequence; undefined when none is pending. */
  sync(): number | undefined {
    const write = this.#pending.shift();
    if (write === undefined) return undefined;
    this.#store(write.hardState, write.entries);
    return write.sequence;
  }

  /** Loses what was not synced, but for what `survived` tells. */
  crash(survived: Survived = NOTHING): void {
    const lost = this.#pending;
    this.#pending = [];
    for (const write of lost.slice(0, survived.writes)) this.#store(write.hardState, write.entries);
    const torn = lost[survived.writes];
    if (torn !== undefined && survived.tornEntries !== undefined) {
      this.#store(torn.hardState, torn.entries.slice(0, survived.tornEntries));
    }
    this.readable.splice(0, this.readable.length, ...this.durable);
  }

  recover(): Recovered {
    const terms = this.durable.map((entry) => entry.term);
    return {
      hardState: this.hardState,
      log: { lastIndex: asLogIndex(terms.length), termAt: (index) => terms[index - 1] ?? asTerm(0) },
    };
  }

  #store(hardState: HardState | undefined, entries: readonly Entry[]): void {
    if (hardState !== undefined) this.hardState = hardState;
    for (const entry of entries) put(this.durable, entry);
  }
}

function put(log: Entry[], entry: Entry): void {
  invariant(entry.index >= 1 && entry.index <= log.length + 1, 'a log on disk has no gaps', {
    index: entry.index,
    length: log.length,
  });
  log.length = entry.index - 1;
  log.push(entry);
}
