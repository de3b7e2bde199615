import { describe, expect, it } from 'vitest';
import { runSeed } from '../../src/sim/swarm.js';

/** Leaders that a cluster needs at the start: one for group 0 and one for each partition. */
const GROUPS = 9;

describe('L6: failover', () => {
  it.each([1, 2, 3])('is quick when a process dies and a quorum is left: seed %i', async (seed) => {
    // One broker is down at a time, and back before the next dies, as a rule.
    const plan = { on: ['kill'], pauseMs: 2_000, lastsMs: 100 } as const;
    const { failure, failoverMs } = await runSeed({ seed, plan, fireMs: 8_000, calm: true });
    expect(failure?.message).toBeUndefined();
    const times = [...failoverMs].sort((a, b) => a - b);
    expect(times.length).toBeGreaterThanOrEqual(3);
    expect(times[Math.floor(times.length / 2)]).toBeLessThan(100);
    expect(times.at(-1)).toBeLessThan(1_000);
  });
});

describe('L7: a cluster whose processes pause for less than the budget', () => {
  it.each([1, 2, 3])('holds no election: seed %i', async (seed) => {
    const plan = { on: ['briefPause'], pauseMs: 300, lastsMs: 100 } as const;
    const { failure, elections, faults } = await runSeed({ seed, plan, fireMs: 10_000, calm: true });
    expect(failure?.message).toBeUndefined();
    expect(faults.get('briefPause')).toBeGreaterThan(10);
    expect(elections).toBe(GROUPS);
  });
});

describe('brokers that are told to stop, one at a time as a rule', () => {
  it.each([1, 2, 3])('hand everything over first: no leader dies: seed %i', async (seed) => {
    const plan = { on: ['depart'], pauseMs: 2_000, lastsMs: 100 } as const;
    const { failure, failoverMs, faults, elections } = await runSeed({
      seed,
      plan,
      fireMs: 10_000,
      calm: true,
    });
    expect(failure?.message).toBeUndefined();
    expect(faults.get('depart')).toBeGreaterThan(3);
    expect(elections).toBeGreaterThan(GROUPS);
    expect(failoverMs).toEqual([]);
  });
});
