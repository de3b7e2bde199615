import { beforeEach, describe, expect, it } from 'vitest';
import { LeaderTable } from '../../src/broker/leader-table.js';
import { asGroupId, asTerm } from '../../src/raft/types.js';
import { ManualClock } from './manual-clock.js';

const GROUP = asGroupId(4);

describe('LeaderTable', () => {
  let clock: ManualClock;
  let dead: Set<string>;
  let table: LeaderTable;

  beforeEach(() => {
    clock = new ManualClock();
    dead = new Set();
    table = new LeaderTable(clock, (broker) => !dead.has(broker));
  });

  function learn(leader: string | undefined, term: number, group = GROUP): void {
    const inSyncReplicas = leader === undefined ? [] : [leader];
    table.learn({ group, term: asTerm(term), leader, inSyncReplicas, leaderSinceMs: 100 * term });
  }

  const leader = () => table.leaderOf(GROUP)?.leader;

  it('knows nobody before anyone has announced itself', () => {
    expect(table.leaderOf(GROUP)).toBeUndefined();
    expect(table.newestTerm(GROUP)).toBe(0);
  });

  it('tells what the leader said of itself', () => {
    learn('n2', 3);
    expect(table.leaderOf(GROUP)).toEqual({
      leader: 'n2',
      term: 3,
      inSyncReplicas: ['n2'],
      leaderSinceMs: 300,
    });
  });

  it('lets the newer term win, in whichever order the announcements arrive', () => {
    learn('n2', 3);
    learn('n1', 5);
    learn('n3', 4);
    learn(undefined, 4);
    expect([leader(), table.newestTerm(GROUP)]).toEqual(['n1', 5]);
  });

  it('takes in a leader that resigns within its term, for good', () => {
    learn('n1', 5);
    learn(undefined, 5);
    expect(leader()).toBeUndefined();
    learn('n1', 5);
    expect([leader(), table.newestTerm(GROUP)]).toEqual([undefined, 5]);
    learn('n2', 6);
    expect(leader()).toBe('n2');
  });

  it('does not report a leader whose broker is not heard from, until it is again', () => {
    learn('n1', 5);
    dead.add('n1');
    expect([leader(), table.newestTerm(GROUP)]).toEqual([undefined, 5]);
    dead.delete('n1');
    expect(leader()).toBe('n1');
  });

  it('forgets a deleted group', () => {
    learn('n1', 5);
    table.forget(GROUP);
    expect([leader(), table.newestTerm(GROUP)]).toEqual([undefined, 0]);
  });

  it('counts the groups that a broker leads, the cluster metadata left out', () => {
    learn('n1', 1, asGroupId(0));
    learn('n1', 1, asGroupId(1));
    learn('n1', 1, asGroupId(2));
    learn('n2', 1, asGroupId(3));
    expect(['n1', 'n2', 'n3'].map((broker) => table.countLedBy(broker))).toEqual([2, 1, 0]);
  });

  describe('waitFor', () => {
    it('resolves at once with a known leader', async () => {
      learn('n1', 1);
      await expect(table.waitFor(GROUP, 100, () => true)).resolves.toMatchObject({ leader: 'n1' });
      expect(clock.pendingTimers).toBe(0);
    });

    it('resolves with the first leader that is accepted', async () => {
      learn('n1', 1);
      const wait = table.waitFor(GROUP, 100, ({ term }) => term > 1);
      learn(undefined, 1);
      learn('n2', 2);
      await expect(wait).resolves.toMatchObject({ leader: 'n2', term: 2 });
      expect(clock.pendingTimers).toBe(0);
    });

    it('resolves when a known leader is heard from again', async () => {
      learn('n1', 1);
      dead.add('n1');
      const wait = table.waitFor(GROUP, 100, () => true);
      dead.delete('n1');
      table.livenessChanged();
      await expect(wait).resolves.toMatchObject({ leader: 'n1' });
    });

    it('resolves with nothing after the timeout', async () => {
      const wait = table.waitFor(GROUP, 100, () => true);
      clock.advance(100);
      await expect(wait).resolves.toBeUndefined();
      learn('n1', 1);
      expect(clock.pendingTimers).toBe(0);
    });

    it('lets any number wait for one group', async () => {
      const waits = Array.from({ length: 50 }, () => table.waitFor(GROUP, 100, () => true));
      learn('n3', 2);
      const found = await Promise.all(waits);
      expect(new Set(found.map((known) => known?.leader))).toEqual(new Set(['n3']));
    });
  });
});
