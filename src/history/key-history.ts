/** The history of one key, sorted and indexed: who sent what, and where each value was seen. */
import { invariant } from '../invariant.js';
import { WITNESSES_MAX } from './anomaly.js';
import { KnownOffsets } from './known-offsets.js';
import type { Assign, Operation, Poll, Send } from './types.js';

/** A value at an offset, and the first operation that saw it there. */
export interface Sighting {
  readonly offset: number;
  readonly value: number;
  readonly operation: Send | Poll;
}

/** Everything that happened to one key. */
export class KeyHistory {
  readonly key: string;
  /** In the order of the history. */
  readonly sends: Send[] = [];
  /** Successful polls, and the assigns between them, in the order of the history. */
  readonly reads: (Poll | Assign)[] = [];
  readonly sendOf = new Map<number, Send>();
  /** First sighting of each value by a poll. */
  readonly readOf = new Map<number, Sighting>();
  /** First sighting of each offset, by a poll or by the sender to whom it was acknowledged. */
  readonly sightingAt = new Map<number, Sighting>();
  /** Values read at more than one offset: one sighting for each offset, at most `WITNESSES_MAX`. */
  readonly repeated = new Map<number, Sighting[]>();
  /** Offsets with more than one value: one sighting for each value, at most `WITNESSES_MAX`. */
  readonly disputed = new Map<number, Sighting[]>();
  readonly known = new KnownOffsets(() => this.sightingAt.keys());
  /** -1 while nothing was read. */
  highestRead = -1;

  constructor(key: string) {
    this.key = key;
  }

  add(operation: Operation): void {
    if (operation.kind === 'send') this.#addSend(operation);
    else if (operation.kind === 'assign') this.reads.push(operation);
    else if (operation.outcome === 'ok') this.#addPoll(operation);
  }

  #addSend(send: Send): void {
    const { key, value, offset } = send;
    invariant(!this.sendOf.has(value), 'a value is sent to a key once', { key, value });
    this.sendOf.set(value, send);
    this.sends.push(send);
    if (send.outcome === 'ok' && offset !== undefined) this.#seeOffset({ offset, value, operation: send });
  }

  #addPoll(poll: Poll): void {
    this.reads.push(poll);
    for (const [offset, value] of poll.records) {
      if (offset > this.highestRead) this.highestRead = offset;
      const first = this.readOf.get(value);
      // What was read before at the same place, and nothing else there, adds nothing.
      if (first?.offset === offset && this.sightingAt.get(offset)?.value === value) continue;
      const sighting = { offset, value, operation: poll };
      if (first === undefined) this.readOf.set(value, sighting);
      else note(this.repeated, value, first, sighting, (other) => other.offset === offset);
      this.#seeOffset(sighting);
    }
  }

  #seeOffset(sighting: Sighting): void {
    const { offset, value } = sighting;
    const first = this.sightingAt.get(offset);
    if (first === undefined) this.sightingAt.set(offset, sighting);
    else note(this.disputed, offset, first, sighting, (other) => other.value === value);
  }
}

/** Adds `next` to the sightings that contradict `first`, unless it says the same as one of them. */
function note(
  conflicts: Map<number, Sighting[]>,
  id: number,
  first: Sighting,
  next: Sighting,
  isSame: (other: Sighting) => boolean,
): void {
  if (isSame(first)) return;
  const sightings = conflicts.get(id);
  if (sightings === undefined) conflicts.set(id, [first, next]);
  else if (sightings.length < WITNESSES_MAX && !sightings.some(isSame)) sightings.push(next);
}

/** The history of each key, in the order in which the keys first occur. */
export function historiesByKey(operations: Iterable<Operation>): KeyHistory[] {
  const byKey = new Map<string, KeyHistory>();
  for (const operation of operations) {
    let history = byKey.get(operation.key);
    if (history === undefined) byKey.set(operation.key, (history = new KeyHistory(operation.key)));
    history.add(operation);
  }
  return [...byKey.values()];
}
