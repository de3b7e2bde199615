import { afterAll, describe, expect, it } from 'vitest';
import { runSeed, type RunReport } from '../../src/sim/swarm.js';

const FIXED_SEEDS = [1, 2, 3, 5, 8, 14];
const FRESH_SEEDS = Array.from({ length: 3 }, () => Math.floor(Math.random() * 1e9));
const FIRE_MS = 4_000;

const reports: RunReport[] = [];

async function run(seed: number): Promise<RunReport> {
  const report = await runSeed({ seed, fireMs: FIRE_MS });
  reports.push(report);
  return report;
}

describe('the cluster under fire', () => {
  it.each(FIXED_SEEDS)('keeps every invariant and comes to rest: seed %i', async (seed) => {
    const { failure, acknowledgedRecords } = await run(seed);
    expect(failure?.message).toBeUndefined();
    expect(acknowledgedRecords).toBeGreaterThan(0);
  });

  // Their names are the same in every run; a failure prints the seed.
  it.each([0, 1, 2])('keeps every invariant with fresh seed number %i', async (number) => {
    const seed = FRESH_SEEDS[number] ?? 0;
    const { failure } = await run(seed);
    expect({ seed, failure: failure?.message }).toEqual({ seed, failure: undefined });
  });

  afterAll(() => {
    const hours = reports.reduce((sum, { virtualMs }) => sum + virtualMs, 0) / 3_600_000;
    const seeds = reports.map(({ seed }) => seed).join(', ');
    process.stdout.write(`simulated ${hours.toFixed(3)} virtual hours with seeds ${seeds}\n`);
  });
});
