/** Counts how often leadership of a topic went from one broker to another, while it goes on. */
import type { BellwetherClient } from '../client/types.js';
import { BellwetherError } from '../errors.js';

export interface FailoverCount {
  readonly count: number;
  /** Ends the count. */
  stop(): Promise<void>;
}

/** Begins with what comes next; what a broken watch did not tell is not counted. */
export function countFailovers(client: BellwetherClient, topic: string): FailoverCount {
  const stop = new AbortController();
  let count = 0;
  let lastSequence = 0;
  const watching = (async () => {
    for await (const { sequence, leader, previousLeader } of client.watchLeadership({
      topics: [topic],
      signal: stop.signal,
      timeoutMs: WATCH_TIMEOUT_MS,
    })) {
      // A change comes again when its first write is known.
      if (sequence <= lastSequence) continue;
      lastSequence = sequence;
      if (previousLeader !== undefined && previousLeader !== leader) count += 1;
    }
  })().catch((error: unknown) => {
    if (!(error instanceof BellwetherError)) throw error;
  });
  return {
    get count() {
      return count;
    },
    async stop() {
      stop.abort();
      await watching;
    },
  };
}

/** How long the watch may find no broker, in milliseconds. */
const WATCH_TIMEOUT_MS = 60_000;
