/** Which attempts are given up, by what other brokers say, by the clock alone. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Attempt } from '../../src/client/attempt.js';
import { BrokerDirectory } from '../../src/client/broker-directory.js';
import { LeaderProbe } from '../../src/client/leader-probe.js';
import { MetadataCache } from '../../src/client/metadata-cache.js';
import { LAST_WORD_MS } from '../../src/client/probe-policy.js';
import type { Effect } from '../../src/client/retry-policy.js';
import { fail, leaderAt, ORDERS } from './harness.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A client that knows a leader at old:1 in term 1, while others name the one at next:1 in term 2. */
function setting(old: 'alive' | 'down' | 'not told' = 'down') {
  const directory = new BrokerDirectory(['old:1', 'next:1', 'third:1']);
  const cache = new MetadataCache();
  cache.adopt(ORDERS, { address: 'old:1', term: 1 });
  const askLeader = vi.fn(() => Promise.resolve(leaderAt('next:1', 2)));
  const askBrokers = vi.fn(() => {
    if (old === 'not told') return Promise.reject(new Error('no answer'));
    return Promise.resolve([{ id: 'n1', address: 'old:1', rack: '', alive: old === 'alive' }]);
  });
  const probe = new LeaderProbe({ directory, cache, askLeader, askBrokers });
  const attempt = (effect: Effect, term: number | undefined = 1) =>
    new Attempt({ ref: ORDERS, address: 'old:1', term }, effect, 0, performance.now());
  return { directory, cache, askLeader, askBrokers, probe, attempt };
}

describe('LeaderProbe', () => {
  it('gives up reads and idempotent writes at once, and asks nobody whether the old leader lives', async () => {
    const { probe, askBrokers, attempt, cache, directory } = setting('alive');
    const attempts = [attempt('read'), attempt('idempotent_write')];
    await probe.about(ORDERS, () => attempts);
    expect(attempts.map(({ isGivenUp }) => isGivenUp)).toEqual([true, true]);
    expect(askBrokers).toHaveBeenCalledTimes(0);
    expect(cache.leader(ORDERS)).toMatchObject({ address: 'next:1', term: 2 });
    expect(directory.pick()).not.toBe('old:1');
  });

  it('gives a write up at once when the others do not hear from its leader', async () => {
    const { probe, attempt } = setting('down');
    const write = attempt('write');
    await probe.about(ORDERS, () => [write]);
    expect(write.isGivenUp).toBe(true);
    expect(write.lost(true)).toMatchObject({ reason: 'LEADERSHIP_LOST', outcome: 'UNKNOWN' });
    expect(write.lost(false)).toMatchObject({ reason: 'CONNECTION_FAILED', outcome: 'NOT_APPLIED' });
  });

  it.each(['alive', 'not told'] as const)('lets a leader have its say that may live: %s', async (old) => {
    const { probe, attempt } = setting(old);
    const write = attempt('write');
    await probe.about(ORDERS, () => [write]);
    vi.advanceTimersByTime(LAST_WORD_MS - 1);
    await probe.about(ORDERS, () => [write]);
    expect(write.isGivenUp).toBe(false);
    vi.advanceTimersByTime(1);
    await probe.about(ORDERS, () => [write]);
    expect(write.isGivenUp).toBe(true);
  });

  it('asks one broker at a time about a partition, another each time, and never the one in doubt', async () => {
    const { probe, askLeader, attempt } = setting();
    askLeader.mockImplementation(() => fail('NO_LEADER'));
    const read = attempt('read');
    await Promise.all([probe.about(ORDERS, () => [read]), probe.ask(ORDERS, 'old:1')]);
    expect(askLeader).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 3; i += 1) await probe.about(ORDERS, () => [read]);
    const asked: unknown[] = askLeader.mock.calls.map(([, address]: unknown[]) => address);
    expect(asked).toEqual(['next:1', 'third:1', 'next:1', 'third:1']);
    expect(read.isGivenUp).toBe(false);
  });

  it('leaves an attempt alone whose leader leads again in a newer term: that one will answer it', async () => {
    const { probe, askLeader, attempt, cache } = setting();
    askLeader.mockResolvedValue(leaderAt('old:1', 3));
    const read = attempt('read');
    await probe.about(ORDERS, () => [read]);
    expect([read.isGivenUp, cache.leader(ORDERS)?.term]).toEqual([false, 3]);
  });

  it('ends a look-up with any leader, the one at the broker that was asked too', async () => {
    const { probe, askLeader, attempt } = setting();
    askLeader.mockResolvedValue(leaderAt('old:1', 1));
    const lookUp = new Attempt({ ...attempt('read').asked, term: undefined }, 'read', 0, performance.now());
    await probe.about(ORDERS, () => [lookUp]);
    expect(lookUp.isGivenUp).toBe(true);
  });
});
