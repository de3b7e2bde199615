import { describe, expect, it } from 'vitest';
import { huntFor } from '../../src/sim/plants/hunt.js';
import { PLANTS } from '../../src/sim/plants/plants.js';

/** A hunt is many runs; how many each bug may take is its bound, and this is only against a hang. */
const HUNT_MS_MAX = 120_000;

describe('a planted bug', () => {
  it.each(PLANTS)('$name is found by its checkers: $defect', { timeout: HUNT_MS_MAX }, async (plant) => {
    const found = await huntFor(plant, 1, plant.seedsMax);
    expect(plant.foundBy, found?.message ?? 'not found').toContain(found?.invariant);
  });
});
