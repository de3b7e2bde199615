/** What a watch has told already, so that it goes on at another broker without a gap and without a duplicate. */
import type { LeadershipChange as WireChange } from '../../gen/bellwether/v1/leadership.js';
import type { WatchLeadershipResponse } from '../../gen/bellwether/v1/partition_service.js';
import { BellwetherError } from '../errors.js';

/** Changes whose first write is awaited, at most; that of an older one is not told any more. */
export const AWAITED_FIRST_WRITES_MAX = 65_536;

/** The progress of one watch, over all its streams. */
export class WatchProgress {
  #sequence: number | undefined;
  readonly #firstWritesAwaited = new Set<number>();

  /** `sequence` is the last one known to the caller; undefined to begin with what comes next. */
  constructor(sequence: number | undefined) {
    this.#sequence = sequence;
  }

  /** Everything up to it has been told, or was not asked for; undefined before the watch has begun. */
  get sequence(): number | undefined {
    return this.#sequence;
  }

  /**
   * Takes the first message of a stream.
   *
   * @throws BellwetherError HISTORY_TRIMMED when the stream begins too late.
   */
  begin({ event }: WatchLeadershipResponse): WireChange | undefined {
    if (event?.$case !== 'position') return this.take({ event });
    if (this.#sequence !== undefined && event.value > this.#sequence) {
      throw trimmed(this.#sequence, event.value);
    }
    this.#sequence ??= event.value;
    return undefined;
  }

  /** Takes a later message. The change to tell; undefined when there is none, or it has been told. */
  take({ event }: WatchLeadershipResponse): WireChange | undefined {
    if (event?.$case !== 'change') return undefined; // Of a newer broker.
    const change = event.value;
    const { sequence } = change;
    const hasFirstWrite = change.timeline?.firstWriteMs !== undefined;
    if (this.#sequence === undefined || sequence > this.#sequence) {
      this.#sequence = sequence;
      if (!hasFirstWrite) this.#awaitFirstWrite(sequence);
      return change;
    }
    const isNews = hasFirstWrite && this.#firstWritesAwaited.delete(sequence);
    return isNews ? change : undefined;
  }

  #awaitFirstWrite(sequence: number): void {
    this.#firstWritesAwaited.add(sequence);
    if (this.#firstWritesAwaited.size <= AWAITED_FIRST_WRITES_MAX) return;
    const [oldest] = this.#firstWritesAwaited;
    if (oldest !== undefined) this.#firstWritesAwaited.delete(oldest);
  }
}

function trimmed(sequence: number, position: number): BellwetherError {
  const message =
    `the broker goes on behind sequence ${position}; what came after ${sequence} is lost: ` +
    `watch --after ${position} (afterSequence ${position})`;
  return new BellwetherError('HISTORY_TRIMMED', message, {
    metadata: { after_sequence: String(sequence), trimmed_sequence: String(position) },
  });
}
