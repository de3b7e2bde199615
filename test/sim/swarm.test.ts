import { describe, expect, it } from 'vitest';
import { runSeed } from '../../src/sim/swarm.js';

const FIXED_SEEDS = [1, 2, 3, 5, 8, 14];
const FRESH_SEEDS = Array.from({ length: 3 }, () => Math.floor(Math.random() * 1e9));
const FIRE_MS = 4_000;

describe('the cluster under fire', () => {
  it.each(FIXED_SEEDS)('keeps every invariant and comes to rest: seed %i', async (seed) => {
    const { failure, acknowledgedRecords } = await runSeed({ seed, fireMs: FIRE_MS });
    expect(failure?.message).toBeUndefined();
    expect(acknowledgedRecords).toBeGreaterThan(0);
  });

  // Their names are the same in every run; a failure prints the seed.
  it.each([0, 1, 2])('keeps every invariant with fresh seed number %i', async (number) => {
    const seed = FRESH_SEEDS[number] ?? 0;
    const { failure } = await runSeed({ seed, fireMs: FIRE_MS });
    expect({ seed, failure: failure?.message }).toEqual({ seed, failure: undefined });
  });
});
