/**
 * The recent changes of leadership of all groups, in the order in which group 0 took them in. Pure.
 *
 * Part of the cluster metadata, so that it survives the broker that it is about and is the same everywhere:
 * sequence numbers are given here, as the commands are applied. A report that comes twice is kept once.
 */

import { invariant } from '../invariant.js';
import type { GroupId } from '../raft/types.js';
import type { FirstWriteReport, LeadershipChange, LeadershipReport } from './leadership-change.js';

/** What is kept: of one group, and of all together. The oldest goes first. */
export interface HistoryBounds {
  readonly perGroupMax: number;
  readonly changesMax: number;
}

export const HISTORY_BOUNDS: HistoryBounds = { perGroupMax: 8, changesMax: 10_000 };

/** The history as others see it. */
export type LeadershipHistoryView = Pick<
  LeadershipHistory,
  'lastSequence' | 'trimmedSequence' | 'size' | 'at' | 'ofGroup' | 'newestFirst' | 'find'
>;

/** What a history consists of. */
export interface HistoryParts {
  readonly lastSequence: number;
  readonly trimmedSequence: number;
  /** The greatest term of each group whose change was dropped. */
  readonly floors: Iterable<readonly [GroupId, number]>;
  /** Ascending by sequence. */
  readonly changes: Iterable<LeadershipChange>;
}

export class LeadershipHistory {
  readonly #bounds: HistoryBounds;
  #lastSequence = 0;
  #trimmedSequence = 0;
  /** Ascending by sequence: that is the order in which they were put in. */
  readonly #changes = new Map<number, LeadershipChange>();
  /** Sequences of each group, ascending. */
  readonly #ofGroup = new Map<GroupId, number[]>();
  /** A change of a term up to here was dropped, or may have been: its report must not come back. */
  readonly #floors = new Map<GroupId, number>();

  constructor(bounds: HistoryBounds = HISTORY_BOUNDS) {
    this.#bounds = bounds;
  }

  static of({ lastSequence, trimmedSequence, floors, changes }: HistoryParts): LeadershipHistory {
    const history = new LeadershipHistory();
    for (const [group, term] of floors) history.#floors.set(group, term);
    for (const change of changes) history.#put(change);
    invariant(history.#lastSequence <= lastSequence, 'no change is ahead of the sequence', { lastSequence });
    history.#lastSequence = lastSequence;
    history.#trimmedSequence = trimmedSequence;
    return history;
  }

  get parts(): HistoryParts {
    return {
      lastSequence: this.#lastSequence,
      trimmedSequence: this.#trimmedSequence,
      floors: this.#floors,
      changes: this.#changes.values(),
    };
  }

  /** Of the newest change ever recorded; 0 for none. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** The greatest sequence that was dropped: everything behind it is here, without gaps. */
  get trimmedSequence(): number {
    return this.#trimmedSequence;
  }

  get size(): number {
    return this.#changes.size;
  }

  /**
   * Takes a report in; undefined for one that is known, or older than what is kept.
   *
   * @param exists False for a group that was deleted: nobody reports of it any more.
   */
  record(
    report: LeadershipReport,
    { topic, partition }: { readonly topic: string; readonly partition: number },
    exists: (group: GroupId) => boolean,
  ): LeadershipChange | undefined {
    const { group, term } = report;
    if (term <= (this.#floors.get(group) ?? 0) || this.find(group, term) !== undefined) return undefined;
    const sequence = this.#lastSequence + 1;
    // Fields that JSON has left out are the same as those that it never had.
    const { detectUs, electUs, blockedUs } = report;
    const phases = { detectUs, electUs, blockedUs, firstWriteUs: undefined };
    const change = { ...report, ...phases, sequence, topic, partition };
    this.#put(change);
    const ofGroup = this.#ofGroup.get(group) ?? [];
    if (ofGroup.length > this.#bounds.perGroupMax) this.#drop(ofGroup[0], exists);
    if (this.#changes.size > this.#bounds.changesMax) this.#drop(this.#changes.keys().next().value, exists);
    return change;
  }

  /** Takes in when the first write was; undefined when that is known, or the change is not here. */
  firstWrite({ group, term, firstWriteUs }: FirstWriteReport): LeadershipChange | undefined {
    const known = this.find(group, term);
    if (known === undefined || known.firstWriteUs !== undefined) return undefined;
    const change = { ...known, firstWriteUs };
    this.#changes.set(known.sequence, change);
    return change;
  }

  find(group: GroupId, term: number): LeadershipChange | undefined {
    // Asked for each report of thousands that come at once: it makes no list.
    for (const sequence of this.#ofGroup.get(group) ?? []) {
      const change = this.#changes.get(sequence);
      if (change?.term === term) return change;
    }
    return undefined;
  }

  /** The changes of one group, the newest first. */
  ofGroup(group: GroupId): LeadershipChange[] {
    const found: LeadershipChange[] = [];
    for (const sequence of this.#ofGroup.get(group) ?? []) {
      const change = this.#changes.get(sequence);
      if (change !== undefined) found.push(change);
    }
    return found.reverse();
  }

  /** The change with this sequence; undefined for one that was dropped, or is to come. */
  at(sequence: number): LeadershipChange | undefined {
    return this.#changes.get(sequence);
  }

  newestFirst(): LeadershipChange[] {
    return [...this.#changes.values()].reverse();
  }

  /** The group is deleted: nothing more comes of it. What is known of it stays until it is the oldest. */
  groupDeleted(group: GroupId): void {
    this.#floors.delete(group);
  }

  #put(change: LeadershipChange): void {
    this.#lastSequence = change.sequence;
    this.#changes.set(change.sequence, change);
    const ofGroup = this.#ofGroup.get(change.group);
    if (ofGroup === undefined) this.#ofGroup.set(change.group, [change.sequence]);
    else ofGroup.push(change.sequence);
  }

  #drop(sequence: number | undefined, exists: (group: GroupId) => boolean): void {
    const change = sequence === undefined ? undefined : this.#changes.get(sequence);
    if (change === undefined) return;
    const { group, term } = change;
    this.#changes.delete(change.sequence);
    const rest = (this.#ofGroup.get(group) ?? []).filter((each) => each !== change.sequence);
    if (rest.length === 0) this.#ofGroup.delete(group);
    else this.#ofGroup.set(group, rest);
    this.#trimmedSequence = Math.max(this.#trimmedSequence, change.sequence);
    if (exists(group)) this.#floors.set(group, Math.max(this.#floors.get(group) ?? 0, term));
  }
}
