/**
 * The simulated time: one queue of events, ordered by time and then by insertion. Between two events
 * everything that waits only for promises comes to rest, so the order of all that happens is fixed.
 */

/** Whose event it is: a process may be paused, which holds its events, or dead, which drops them. */
export interface Owner {
  readonly state: 'running' | 'paused' | 'dead';
  /** Takes an event that came due during the pause. */
  hold(run: () => void): void;
}

/** The world outside: the network, the faults, the clients. */
export const OUTSIDE: Owner = { state: 'running', hold: () => undefined };

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly owner: Owner;
  run: (() => void) | undefined;
}

export class Scheduler {
  #nowMs = 0;
  #sequence = 0;
  #events = 0;
  /** A binary heap by `isBefore`. */
  readonly #heap: Event[] = [];
  readonly #afterEvent: (owner: Owner) => void;

  /** @param afterEvent Called when an event and all that follows from it at once has happened. */
  constructor(afterEvent: (owner: Owner) => void) {
    this.#afterEvent = afterEvent;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that have happened. */
  get events(): number {
    return this.#events;
  }

  /** Runs `run` as an event of `owner`, `delayMs` from now. The returned function cancels. */
  after(delayMs: number, owner: Owner, run: () => void): () => void {
    const event: Event = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      sequence: this.#sequence,
      owner,
      run,
    };
    this.#sequence += 1;
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  /** Lets time pass up to `endMs`, or until `isDone`, which is asked after every event. */
  async runUntil(endMs: number, isDone: () => boolean = () => false): Promise<void> {
    // A tick that is asked for outside of any promise comes before the promises that wait.
    await Promise.resolve();
    await settled();
    while (!isDone()) {
      const event = this.#heap[0];
      if (event === undefined || event.atMs > endMs) {
        this.#nowMs = Math.max(this.#nowMs, endMs);
        return;
      }
      this.#pop();
      const { run, owner } = event;
      if (run === undefined || owner.state === 'dead') continue;
      this.#nowMs = event.atMs;
      if (owner.state === 'paused') {
        owner.hold(() => event.run?.());
        continue;
      }
      this.#events += 1;
      event.run = undefined;
      run();
      await settled();
      this.#afterEvent(owner);
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, below)) {
        child += 1;
        below = right;
      }
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

/** Resolves after everything that waits for promises only: Node runs ticks when no microtask is left. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}
