/**
 * Which group must be looked at next: a binary heap of deadlines, one entry for each group that has one.
 * Groups without a deadline cost nothing. A group whose deadline moves later keeps its entry; it is
 * looked at once for nothing and queued again.
 */

import type { GroupId } from '../raft/types.js';

interface Item {
  readonly group: GroupId;
  readonly atMs: number;
}

export class DeadlineQueue {
  readonly #heap: Item[] = [];
  readonly #queuedAtMs = new Map<GroupId, number>();

  /** When the first is due; Infinity for never. */
  get firstMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  /** Notes that `group` is due at `atMs`, unless it is queued for no later already. */
  note(group: GroupId, atMs: number): void {
    if (atMs === Infinity || (this.#queuedAtMs.get(group) ?? Infinity) <= atMs) return;
    this.#queuedAtMs.set(group, atMs);
    this.#heap.push({ group, atMs });
    this.#up(this.#heap.length - 1);
  }

  /** Takes the groups that are due. */
  takeDue(nowMs: number): GroupId[] {
    const due: GroupId[] = [];
    while (this.firstMs <= nowMs) {
      const item = this.#pop();
      if (item === undefined) break;
      // An entry that an earlier deadline has overtaken.
      if (this.#queuedAtMs.get(item.group) !== item.atMs) continue;
      this.#queuedAtMs.delete(item.group);
      due.push(item.group);
    }
    return due;
  }

  #pop(): Item | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down();
    }
    return first;
  }

  #up(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfEarlier(at, parent)) return;
      at = parent;
    }
  }

  #down(): void {
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const child = this.#atMs(right) < this.#atMs(left) ? right : left;
      if (!this.#swapIfEarlier(child, at)) return;
      at = child;
    }
  }

  #atMs(position: number): number {
    return this.#heap[position]?.atMs ?? Infinity;
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const a = this.#heap[child];
    const b = this.#heap[parent];
    if (a === undefined || b === undefined || a.atMs >= b.atMs) return false;
    this.#heap[child] = b;
    this.#heap[parent] = a;
    return true;
  }
}
