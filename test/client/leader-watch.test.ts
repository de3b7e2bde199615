/** When attempts that wait for a leader are doubted, by the clock alone. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeaderWatch } from '../../src/client/leader-watch.js';
import {
  LONG_POLL_UNASKED_MAX_MS,
  OWN_LAG_MAX_MS,
  PROBE_AFTER_MS,
  PROBE_PAUSE_MAX_MS,
  probePaceMs,
  probePauseMs,
} from '../../src/client/probe-policy.js';
import { ORDERS } from './harness.js';

const ASKED = { ref: ORDERS, address: 'a:1', term: 1 } as const;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('LeaderWatch', () => {
  it('costs one timer, however many attempts are answered in time', async () => {
    const probe = vi.fn(() => Promise.resolve());
    const watch = new LeaderWatch(probe);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    for (let i = 0; i < 1000; i += 1) watch.end(watch.begin(ASKED, 'write', 0));
    expect(timers).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(10 * PROBE_AFTER_MS);
    expect([probe.mock.calls.length, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('doubts an attempt exactly when it is overdue, though the timer ran for an earlier one', async () => {
    const probe = vi.fn(() => Promise.resolve());
    const watch = new LeaderWatch(probe);
    const early = watch.begin(ASKED, 'write', 0);
    await vi.advanceTimersByTimeAsync(PROBE_AFTER_MS / 2);
    watch.begin(ASKED, 'write', 0);
    watch.end(early);
    await vi.advanceTimersByTimeAsync(PROBE_AFTER_MS - 2);
    expect(probe).toHaveBeenCalledTimes(0);
    await vi.advanceTimersByTimeAsync(2);
    expect(probe).toHaveBeenCalledTimes(1);
  });

  it('does not let a write wait for the end of a long poll', async () => {
    const probe = vi.fn(() => Promise.resolve());
    const watch = new LeaderWatch(probe);
    watch.begin(ASKED, 'read', 5000);
    watch.begin({ ...ASKED, ref: { topic: 'orders', partition: 1 } }, 'write', 0);
    await vi.advanceTimersByTimeAsync(PROBE_AFTER_MS + 2);
    expect(probe).toHaveBeenCalledTimes(1);
    watch.close();
  });

  it('asks again and again, ever more seldom, until the attempt has ended', async () => {
    const probe = vi.fn(() => Promise.resolve());
    const watch = new LeaderWatch(probe);
    const attempt = watch.begin(ASKED, 'write', 0);
    await vi.advanceTimersByTimeAsync(1000);
    const inFirstSecond = probe.mock.calls.length;
    await vi.advanceTimersByTimeAsync(9000);
    const inTenSeconds = probe.mock.calls.length;
    expect(inFirstSecond).toBeGreaterThanOrEqual(10);
    expect(inFirstSecond).toBeLessThanOrEqual(1000 / (PROBE_AFTER_MS / 2));
    expect(inTenSeconds - inFirstSecond).toBeLessThanOrEqual(9000 / 125);
    watch.end(attempt);
    await vi.advanceTimersByTimeAsync(PROBE_PAUSE_MAX_MS);
    expect([probe.mock.calls.length, vi.getTimerCount()]).toEqual([inTenSeconds, 0]);
  });

  it('doubts nobody for a delay of its own process, unless that is how it always is', async () => {
    const probe = vi.fn(() => Promise.resolve());
    const watch = new LeaderWatch(probe);
    const attempt = watch.begin(ASKED, 'write', 0);
    const clock = vi.spyOn(performance, 'now');
    const lateBy = (ms: number) => clock.mockReturnValue(attempt.dueMs + ms);
    lateBy(OWN_LAG_MAX_MS + 1);
    await vi.advanceTimersToNextTimerAsync();
    expect(probe).toHaveBeenCalledTimes(0);
    lateBy(10 * OWN_LAG_MAX_MS);
    await vi.advanceTimersToNextTimerAsync();
    expect(probe).toHaveBeenCalledTimes(1);
    clock.mockRestore();
    watch.close();
  });

  it('does not ask about a partition again before it was told, and about others meanwhile', async () => {
    const probe = vi.fn(() => new Promise<void>(() => undefined));
    const watch = new LeaderWatch(probe);
    for (let partition = 0; partition < 3; partition += 1) {
      for (let i = 0; i < 5; i += 1) {
        watch.begin({ ...ASKED, ref: { topic: 'orders', partition } }, 'write', 0);
      }
    }
    await vi.advanceTimersByTimeAsync(5000);
    watch.begin(ASKED, 'write', 0); // Has everybody looked at once more.
    await vi.advanceTimersByTimeAsync(5000);
    expect(probe).toHaveBeenCalledTimes(3);
  });

  it('leaves no timer behind when it is closed', () => {
    const watch = new LeaderWatch(() => Promise.resolve());
    watch.begin(ASKED, 'write', 0);
    watch.close();
    watch.begin(ASKED, 'write', 0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the pace of probes', () => {
  it('lets a long poll be silent, but not for ever', () => {
    expect(probePaceMs(0)).toBe(PROBE_AFTER_MS);
    expect(probePaceMs(500)).toBe(PROBE_AFTER_MS + 500);
    expect(probePaceMs(30_000)).toBe(PROBE_AFTER_MS + LONG_POLL_UNASKED_MAX_MS);
  });

  it('grows from half the pace with the silence, within its bound', () => {
    expect(probePauseMs(100, 100)).toBe(50);
    expect(probePauseMs(800, 100)).toBe(100);
    expect(probePauseMs(60_000, 100)).toBe(PROBE_PAUSE_MAX_MS);
    expect(probePauseMs(60_000, 1100)).toBe(1100);
  });
});
