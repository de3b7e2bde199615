import { describe, expect, it } from 'vitest';
import { OUTSIDE, type Owner, Scheduler } from '../../src/sim/scheduler.js';

describe('Scheduler', () => {
  it('runs events by time, and those of one time in the order of their making', async () => {
    const scheduler = new Scheduler(() => undefined);
    const ran: string[] = [];
    for (const [ms, name] of [
      [5, 'c'],
      [1, 'a'],
      [5, 'd'],
      [2, 'b'],
    ] as const) {
      scheduler.after(ms, OUTSIDE, () => ran.push(name));
    }
    await scheduler.runUntil(10);
    expect(ran).toEqual(['a', 'b', 'c', 'd']);
    expect(scheduler.nowMs).toBe(10);
  });

  it('lets promises come to rest before the next event', async () => {
    const scheduler = new Scheduler(() => undefined);
    const ran: string[] = [];
    scheduler.after(1, OUTSIDE, () => {
      void (async () => {
        for (let i = 0; i < 20; i++) await Promise.resolve();
        ran.push('promise');
      })();
    });
    scheduler.after(1, OUTSIDE, () => ran.push('event'));
    await scheduler.runUntil(2);
    expect(ran).toEqual(['promise', 'event']);
  });

  it('holds the events of a paused owner and drops those of a dead one', async () => {
    const scheduler = new Scheduler(() => undefined);
    const held: (() => void)[] = [];
    const ran: string[] = [];
    const owner = (state: Owner['state']): Owner => ({ state, hold: (run) => held.push(run) });
    scheduler.after(1, owner('paused'), () => ran.push('paused'));
    scheduler.after(1, owner('dead'), () => ran.push('dead'));
    await scheduler.runUntil(2);
    expect(ran).toEqual([]);
    for (const run of held) run();
    expect(ran).toEqual(['paused']);
  });

  it('does not run what was cancelled', async () => {
    const scheduler = new Scheduler(() => undefined);
    const cancel = scheduler.after(1, OUTSIDE, () => {
      throw new Error('it ran');
    });
    cancel();
    await scheduler.runUntil(2);
    expect(scheduler.events).toBe(0);
  });
});
