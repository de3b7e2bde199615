import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { append, type Appended, committed, durable, type Proposal } from '../../src/broker/proposals.js';
import { noLeader } from '../../src/broker/refusals.js';
import { BellwetherError } from '../../src/errors.js';
import { asLogIndex, asTerm, ENTRY_KIND } from '../../src/raft/types.js';
import { append as appendMessage, entry } from '../raft/make.js';
import { rejection, settled, Watched } from './outcomes.js';
import { Replica, type ReplicaOptions } from './replica.js';

const TIMEOUT_MS = 500;
const SUBJECT = { topic: 'orders', partition: 0 };

class Rig extends Replica {
  constructor(options: ReplicaOptions = {}) {
    super(options);
    this.lead();
  }

  proposal(bytes = 10): Proposal {
    return {
      group: this.host,
      subject: SUBJECT,
      kind: ENTRY_KIND.RECORD_BATCH,
      payload: new Uint8Array(bytes),
      elsewhere: () => noLeader(SUBJECT),
    };
  }

  /** Appends an entry and waits for it. */
  write(wait = committed): { readonly appended: Appended; readonly done: Promise<void> } {
    const proposal = this.proposal();
    const appended = append(proposal);
    const done = wait(this.clock, proposal, appended, TIMEOUT_MS);
    done.catch(() => undefined);
    this.pump();
    return { appended, done };
  }
}

describe('append', () => {
  it('gives the entry its place in the log and its term', () => {
    const rig = new Rig();
    expect([append(rig.proposal()), append(rig.proposal())]).toMatchObject([
      { index: 2, term: 1 },
      { index: 3, term: 1 },
    ]);
  });

  const refusals: [string, string, (rig: Rig) => void][] = [
    ['NO_LEADER', 'this replica does not lead', (rig) => rig.follow('n2', 2)],
    [
      'NOT_ENOUGH_REPLICAS',
      'the leader hears no quorum',
      (rig) => ['n2', 'n3'].forEach((peer) => rig.raft.peerDown(rig.nowMs, peer)),
    ],
    [
      'NO_LEADER',
      'the leadership is being handed over',
      (rig) => rig.raft.transferLeadership(0, 'n2', 100, 'REQUESTED'),
    ],
    ['UNCOMMITTED_BYTES_EXCEEDED', 'too much is uncommitted', (rig) => void append(rig.proposal(90))],
  ];

  it.each(refusals)('refuses with %s, certainly not applied, when %s', async (reason, _when, arrange) => {
    const rig = new Rig({ tuning: { uncommittedBytesMax: 95 } });
    arrange(rig);
    const { lastIndex } = rig.raft;
    const error = await rejection(
      Promise.resolve().then(() => {
        append(rig.proposal());
      }),
    );
    expect([error.reason, error.outcome, rig.raft.lastIndex]).toEqual([reason, 'NOT_APPLIED', lastIndex]);
  });
});

describe('committed', () => {
  it('resolves when a quorum has the entry on disk, not before', async () => {
    const rig = new Rig();
    const { done } = rig.write();
    const watched = new Watched(done);
    expect(await watched.outcome()).toEqual({ state: 'pending' });
    rig.ack('n3');
    expect(await watched.outcome()).toMatchObject({ state: 'resolved' });
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('rejects with COMMIT_TIMEOUT, outcome unknown, while this replica leads', async () => {
    const rig = new Rig();
    const { done } = rig.write();
    rig.clock.advance(TIMEOUT_MS);
    const error = await rejection(done);
    expect([error.reason, error.outcome]).toEqual(['COMMIT_TIMEOUT', 'UNKNOWN']);
    rig.ack('n2');
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('rejects as not applied when another entry is committed in its place', async () => {
    const rig = new Rig();
    const { appended, done } = rig.write();
    rig.follow('n2', 2, [entry(appended.index, 2)], appended.index);
    const error = await rejection(done);
    expect([error.reason, error.outcome]).toEqual(['NO_LEADER', 'NOT_APPLIED']);
  });

  it('says nothing of an entry that was truncated only: it may still be committed (Raft figure 8)', async () => {
    const rig = new Rig();
    const { appended, done } = rig.write();
    const watched = new Watched(done);
    rig.follow('n2', 2, [entry(appended.index, 2)]);
    expect(await watched.outcome()).toEqual({ state: 'pending' });
    rig.clock.advance(TIMEOUT_MS);
    const error = await rejection(done);
    expect([error.reason, error.outcome]).toEqual(['LEADERSHIP_LOST', 'UNKNOWN']);
  });

  it("resolves when the successor commits the deposed leader's entry", async () => {
    const rig = new Rig();
    const { appended, done } = rig.write();
    rig.follow('n2', 2, [entry(appended.index + 1, 2)], appended.index + 1);
    await expect(done).resolves.toBeUndefined();
  });

  it('settles every wait with the truth, whatever a successor keeps and commits', async () => {
    const scenario = fc.record({
      writes: fc.integer({ min: 1, max: 12 }),
      acked: fc.integer({ min: 0, max: 12 }),
      kept: fc.integer({ min: 0, max: 12 }),
      known: fc.integer({ min: 0, max: 16 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ writes, acked, kept, known }) => {
        const rig = new Rig();
        const waits = Array.from({ length: writes }, () => rig.write());
        const first = waits[0]!.appended.index;
        const committedUpTo = first - 1 + Math.min(acked, writes);
        rig.ack('n2', asLogIndex(committedUpTo));
        // The next leader keeps some of the rest, has entries of its own behind it, and commits some.
        const keptUpTo = Math.max(committedUpTo, first - 1 + Math.min(kept, writes));
        const own = Array.from({ length: 4 }, (_, i) => entry(keptUpTo + 1 + i, 2));
        const commit = Math.min(first - 1 + known, keptUpTo + own.length);
        rig.follow('n3', 2, own, commit);
        await settled();
        rig.clock.advance(TIMEOUT_MS);
        const expected = waits.map(({ appended: { index } }) => {
          if (index <= committedUpTo) return 'applied';
          if (index > Math.max(commit, committedUpTo)) return 'LEADERSHIP_LOST';
          return index <= keptUpTo ? 'applied' : 'NO_LEADER';
        });
        const found = await Promise.all(
          waits.map(({ done }) =>
            done.then(
              () => 'applied',
              (error: unknown) => (error instanceof BellwetherError ? error.reason : error),
            ),
          ),
        );
        expect(found).toEqual(expected);
        expect(rig.clock.pendingTimers).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('durable', () => {
  it("resolves when this broker's own disk has the entry, whatever the others have", async () => {
    const rig = new Rig();
    rig.diskHangs = true;
    const { done } = rig.write(durable);
    const watched = new Watched(done);
    rig.ack('n2');
    rig.ack('n3');
    expect(await watched.outcome()).toEqual({ state: 'pending' });
    rig.syncDisk();
    expect(await watched.outcome()).toMatchObject({ state: 'resolved' });
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it('rejects with outcome unknown when the disk does not answer', async () => {
    const rig = new Rig();
    rig.diskHangs = true;
    const { done } = rig.write(durable);
    rig.clock.advance(TIMEOUT_MS);
    const error = await rejection(done);
    expect([error.reason, error.outcome]).toEqual(['COMMIT_TIMEOUT', 'UNKNOWN']);
    rig.syncDisk();
  });

  it("does not take a successor's entry on disk for the one that was truncated", async () => {
    const rig = new Rig();
    rig.diskHangs = true;
    const { appended, done } = rig.write(durable);
    rig.raft.step(
      rig.nowMs,
      appendMessage({
        from: 'n2',
        to: 'n1',
        term: 2,
        prev: [appended.index - 1, asTerm(1)],
        entries: [entry(appended.index, 2)],
      }),
    );
    rig.pump();
    rig.syncDisk();
    const error = await rejection(done);
    expect([error.reason, error.outcome]).toEqual(['LEADERSHIP_LOST', 'UNKNOWN']);
    expect(rig.clock.pendingTimers).toBe(0);
  });
});
