/** Who waits for the records of one partition to reach an offset. */

import type { Offset } from '../records/offset.js';
import type { Clock } from './clock.js';
import { LIMITS } from './limits.js';

interface Poll {
  readonly offset: Offset;
  readonly wake: () => void;
}

export class OffsetPolls {
  readonly #clock: Clock;
  readonly #polls = new Set<Poll>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has `wake` called whenever there may be something at `offset`. The returned function ends that. */
  add(offset: Offset, wake: () => void): () => void {
    const poll: Poll = { offset, wake };
    this.#polls.add(poll);
    return () => {
      this.#polls.delete(poll);
    };
  }

  /** Resolves once there may be something at `offset`, and after `waitMs` at the latest; at once when too many wait. */
  reached(offset: Offset, waitMs: number): Promise<void> {
    if (this.#polls.size >= LIMITS.pollsMax) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        cancel();
        end();
        resolve();
      };
      const end = this.add(offset, finish);
      const cancel = this.#clock.schedule(waitMs, finish);
    });
  }

  /** Wakes whoever waits for an offset below this one. */
  wakeBelow(offset: Offset): void {
    for (const poll of this.#polls) if (poll.offset < offset) poll.wake();
  }

  wakeAll(): void {
    for (const poll of this.#polls) poll.wake();
  }
}
