import { describe, expect, it } from 'vitest';

import { LIMITS } from '../../src/broker/limits.js';
import { Outbox } from '../../src/broker/outbox.js';
import { Scheduler } from '../../src/broker/scheduler.js';
import type { JournalListener } from '../../src/storage/journal-options.js';
import { append, entry } from '../raft/make.js';
import { ManualClock } from './manual-clock.js';
import { Replica } from './replica.js';

/** Remembers what each pass of the loop waited for. */
class WatchedClock extends ManualClock {
  waitedFor: string[] = [];

  override soon(callback: () => void): void {
    this.waitedFor.push('nothing');
    super.soon(callback);
  }

  override defer(callback: () => void): void {
    this.waitedFor.push('other input');
    super.defer(callback);
  }
}

class FakeJournal {
  writes = 0;
  listener: JournalListener | undefined;

  listen(listener: JournalListener): void {
    this.listener = listener;
  }

  submit(): number {
    this.writes += 1;
    return this.writes;
  }
}

function follower() {
  const clock = new WatchedClock();
  const { host, raft, transport, votes } = new Replica({ clock }).start();
  const journal = new FakeJournal();
  const outbox = new Outbox(transport, votes, {
    requestVotes: () => undefined,
    orderCampaigns: () => undefined,
  });
  const scheduler = new Scheduler(clock, journal, outbox, {
    groupAdvanced: () => undefined,
    failed: (error) => {
      throw error;
    },
  });
  scheduler.add(host);
  const receive = (index: number): void => {
    const prev = index - 1;
    const message = { prev: [prev, Math.min(prev, 1)], entries: [entry(index, 1)] } as const;
    raft.step(clock.monotonicMs(), append({ term: 1, to: 'n1', from: 'n2', ...message }));
    scheduler.wake(host);
    clock.runDeferred();
  };
  receive(1);
  journal.listener?.onDurable(1);
  // Its leader speaks, so that no time is left by which it would campaign.
  clock.advance(1_000);
  clock.waitedFor = [];
  return { clock, journal, receive, scheduler };
}

describe('a pass of the ready loop', () => {
  it('waits for nothing when the loop was at rest, and for other input soon after another pass', () => {
    const { clock, scheduler } = follower();
    for (const restMs of [2 * LIMITS.restMs, LIMITS.restMs / 2, 2 * LIMITS.restMs]) {
      clock.advance(restMs);
      scheduler.wakeOutbox();
      clock.runDeferred();
    }
    expect(clock.waitedFor).toEqual(['nothing', 'other input', 'nothing']);
  });

  it('waits for other input while something is written, so that it shares the next write', () => {
    const { clock, journal, receive } = follower();
    clock.advance(1);
    receive(2);
    clock.advance(1);
    receive(3);
    journal.listener?.onDurable(3);
    clock.advance(1);
    receive(4);
    expect(journal.writes).toBe(4);
    expect(clock.waitedFor).toEqual(['nothing', 'other input', 'nothing']);
  });
});
