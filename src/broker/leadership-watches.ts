/**
 * Streams the history of leadership to whoever watches it. A watch is a position in the history, which is its
 * buffer: a watcher that takes nothing holds up nobody, and ends when what it has not seen is dropped.
 */

import { BellwetherError } from '../errors.js';
import type { ClusterChange } from '../cluster/cluster-types.js';
import type { LeadershipChange } from '../cluster/leadership-change.js';
import type { LeadershipHistoryView } from '../cluster/leadership-history.js';
import { LIMITS } from './limits.js';

/** Where a watch sends what it has. */
export interface WatchSink {
  /** True while nothing more should be sent; call `resume` of the watch once that is over. */
  readonly isFull: boolean;
  changed(change: LeadershipChange): void;
  /** The watch is over; nothing follows. */
  ended(error: BellwetherError): void;
}

export interface WatchRequest {
  /** Empty for all. */
  readonly topics: readonly string[];
  /** Undefined to begin with what comes next. */
  readonly afterSequence: number | undefined;
}

/** A watch under way. */
export interface Watch {
  /** Where it began: nothing up to this sequence follows. */
  readonly position: number;
  /** The newest change that there was then; below `position` for a watch of what is far ahead. */
  readonly lastSequence: number;
  /** Sends what has come about, as far as the sink takes it. The first call begins the watch. */
  resume(): void;
  /** Ends it without a word. */
  stop(): void;
}

interface Watcher {
  readonly topics: ReadonlySet<string>;
  readonly sink: WatchSink;
  readonly position: number;
  /** The last change that was sent or passed over. */
  sequence: number;
}

export class LeadershipWatches {
  readonly #history: () => LeadershipHistoryView;
  readonly #watchers = new Set<Watcher>();
  #over: BellwetherError | undefined;

  constructor(history: () => LeadershipHistoryView) {
    this.#history = history;
  }

  /**
   * Begins a watch, behind `afterSequence` or behind what there is now. A position that the history has not come
   * to is good: another broker may be ahead.
   *
   * @throws BellwetherError HISTORY_TRIMMED, TOO_MANY_WATCHES, and what `end` was given
   */
  watch({ topics, afterSequence }: WatchRequest, sink: WatchSink): Watch {
    if (this.#over !== undefined) throw this.#over;
    const { trimmedSequence, lastSequence } = this.#history();
    const position = afterSequence ?? lastSequence;
    if (position < trimmedSequence) throw historyTrimmed(position, trimmedSequence);
    if (this.#watchers.size >= LIMITS.leadershipWatchesMax) throw tooManyWatches();
    const watcher = { topics: new Set(topics), sink, position, sequence: position };
    this.#watchers.add(watcher);
    return {
      position,
      lastSequence,
      resume: () => {
        this.#send(watcher);
      },
      stop: () => {
        this.#watchers.delete(watcher);
      },
    };
  }

  /** Takes in what group 0 has applied. */
  changed(changes: readonly ClusterChange[]): void {
    for (const change of changes) {
      if (change.kind !== 'leadershipRecorded') continue;
      for (const watcher of [...this.#watchers]) {
        for (const known of change.leadership) this.#update(watcher, known);
        this.#send(watcher);
      }
    }
  }

  /** Another state took the place of the one before. */
  restored(): void {
    for (const watcher of [...this.#watchers]) this.#send(watcher);
  }

  /** Ends all watches, and those to come: the broker stops. */
  end(error: BellwetherError): void {
    this.#over = error;
    for (const { sink } of this.#watchers) sink.ended(error);
    this.#watchers.clear();
  }

  /** What became known later of a change that was sent already; a sink that is full can do without. */
  #update({ topics, sink, position, sequence }: Watcher, change: LeadershipChange): void {
    if (change.sequence <= position || change.sequence > sequence || sink.isFull) return;
    if (topics.size === 0 || topics.has(change.topic)) sink.changed(change);
  }

  #send(watcher: Watcher): void {
    const { topics, sink } = watcher;
    const history = this.#history();
    while (this.#watchers.has(watcher) && !sink.isFull && watcher.sequence < history.lastSequence) {
      if (watcher.sequence < history.trimmedSequence) {
        this.#watchers.delete(watcher);
        sink.ended(tooSlow(watcher.sequence, history.trimmedSequence));
        return;
      }
      watcher.sequence += 1;
      const change = history.at(watcher.sequence);
      if (change === undefined) continue;
      if (topics.size === 0 || topics.has(change.topic)) sink.changed(change);
    }
  }
}

/** The oldest position that is left, ready to be pasted. */
function goOn(trimmed: number): string {
  return `all behind ${String(trimmed)} are kept: watch --after ${String(trimmed)} (after_sequence ${String(trimmed)})`;
}

function historyTrimmed(position: number, trimmed: number): BellwetherError {
  return new BellwetherError(
    'HISTORY_TRIMMED',
    `changes behind ${String(position)} are dropped; ${goOn(trimmed)}`,
    { metadata: { after_sequence: String(position), trimmed_sequence: String(trimmed) } },
  );
}

function tooSlow(sequence: number, trimmed: number): BellwetherError {
  return new BellwetherError(
    'WATCH_TOO_SLOW',
    `the watch has come to ${String(sequence)}, and changes behind it are dropped meanwhile; ${goOn(trimmed)}`,
    { metadata: { sequence: String(sequence), trimmed_sequence: String(trimmed) } },
  );
}

function tooManyWatches(): BellwetherError {
  const max = String(LIMITS.leadershipWatchesMax);
  return new BellwetherError('TOO_MANY_WATCHES', `this broker serves ${max} watches already`, {
    metadata: { watches_max: max },
  });
}
