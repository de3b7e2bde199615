import { describe, expect, it } from 'vitest';
import { runSeed } from '../../src/sim/swarm.js';
import type { Plant } from '../../src/sim/world.js';

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

/** Each defect with the seeds within which it is found, and the checkers that may find it. */
const PLANTED: readonly (readonly [plant: Plant, seeds: readonly number[], found: RegExp])[] = [
  ['syncIsInstantAndEmpty', [1, 2, 3], /^(I1|I2|I10|I13|I23):/],
  ['lastSyncIsLost', [1, 2, 3], /^(I13|I23):/],
  ['syncErrorIsSwallowed', [5, 6, 7, 8], /^(I1|I10|I13|I23):/],
  ['wipedDiskKeepsIncarnation', [1, 2, 3], /^(I3|I10|I13|I21):/],
];

describe('a planted bug', () => {
  it.each(PLANTED)('%s is found within the seeds %j', async (plant, seeds, found) => {
    let message: string | undefined;
    for (const seed of seeds) {
      message = (await runSeed({ seed, plant, fireMs: 8_000 })).failure?.message;
      if (message !== undefined) break;
    }
    expect(message).toMatch(found);
  });
});
