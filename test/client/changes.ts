/** Changes of leadership and messages of a watch, as brokers send them, and who reads them. */
import { LeadershipCause } from '../../gen/bellwether/v1/leadership.js';
import type { LeadershipChange } from '../../gen/bellwether/v1/leadership.js';
import type { WatchLeadershipResponse } from '../../gen/bellwether/v1/partition_service.js';
import type { LeadershipChange as Change } from '../../src/client/index.js';

/** orders/0 moves from n1, which was killed, to n2. */
export function change(sequence: number, different: Partial<LeadershipChange> = {}): LeadershipChange {
  return {
    sequence,
    topic: 'orders',
    partition: 0,
    leader: 'n2',
    term: 4,
    previousLeader: 'n1',
    previousTerm: 3,
    cause: LeadershipCause.CONNECTION_LOST,
    changedAtMs: 1_700_000_000_123,
    timeline: { detectMs: 3.125, electMs: 6, commitMs: 5.0625 },
    ...different,
  };
}

/** The first message of a stream; brokers of before do not tell `lastSequence`. */
export function position(value: number, lastSequence?: number): WatchLeadershipResponse {
  return { event: { $case: 'position', value }, lastSequence };
}

/** A later message. */
export function changed(sequence: number, different?: Partial<LeadershipChange>): WatchLeadershipResponse {
  return { event: { $case: 'change', value: change(sequence, different) }, lastSequence: undefined };
}

/** The same change once its first write is known. */
export function withFirstWrite(sequence: number): WatchLeadershipResponse {
  return changed(sequence, {
    timeline: { ...change(sequence).timeline, commitMs: 5.0625, firstWriteMs: 2.25 },
  });
}

/** The next `count` changes, as their sequences. */
export async function take(watch: AsyncIterable<Change>, count: number): Promise<number[]> {
  const taken: number[] = [];
  for await (const { sequence } of watch) {
    taken.push(sequence);
    if (taken.length === count) break;
  }
  return taken;
}
