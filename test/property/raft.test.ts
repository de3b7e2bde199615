/**
 * Random schedules of messages, reads, crashes, cuts, slow disks, transfers, changes of the membership and
 * compactions (test/raft/schedule.ts): safety
 * after every step, and after the faults end one leader, equal logs and a new commit. A failure names its
 * seed, which replays it to the byte.
 */

import { describe, expect, it } from 'vitest';

import { runSchedule } from '../raft/schedule.js';

const SCHEDULES = 800;
const STEPS = 600;
/** Each its own test, so that none runs into the time limit on a busy machine. */
const BLOCKS = [0, 1, 2, 3];

describe('under any schedule of faults', () => {
  it.each(BLOCKS)('a group is safe after every step, and lives once the faults end (block %i)', (block) => {
    for (let i = 0; i < SCHEDULES; i++) runSchedule(block * SCHEDULES + i, STEPS);
  });

  it('a long schedule keeps it so', () => {
    for (let seed = 1; seed <= 10; seed++) runSchedule(seed, 20 * STEPS);
  });

  it('schedules are not idle: they elect, commit and fail over', () => {
    const clusters = Array.from({ length: 50 }, (_, seed) => runSchedule(seed, STEPS));
    const mean = (count: (cluster: (typeof clusters)[number]) => number): number =>
      clusters.reduce((sum, cluster) => sum + count(cluster), 0) / clusters.length;
    expect(mean((cluster) => cluster.history.leaders.size)).toBeGreaterThan(2);
    expect(mean((cluster) => cluster.history.committed.length)).toBeGreaterThan(20);
    expect(mean((cluster) => cluster.history.confirmedReads.length)).toBeGreaterThan(10);
    expect(mean((cluster) => cluster.history.refusedReads.length)).toBeGreaterThan(0.5);
    expect(mean((cluster) => cluster.history.memberships)).toBeGreaterThan(1);
    expect(mean((cluster) => cluster.history.restores)).toBeGreaterThan(0.2);
  });

  it('one seed replays the same run', () => {
    const digest = (seed: number): string => {
      const cluster = runSchedule(seed, STEPS);
      const { nowMs, sentCount, history } = cluster;
      const { committed, confirmedReads } = history;
      return JSON.stringify([nowMs, sentCount, [...history.leaders], committed, confirmedReads]);
    };
    expect(digest(7)).toBe(digest(7));
    expect(digest(7)).not.toBe(digest(8));
  });
});
