import { describe, expect, it } from 'vitest';
import { runSeed } from '../../src/sim/swarm.js';

async function traceOf(seed: number): Promise<string> {
  const lines: string[] = [];
  await runSeed({ seed, fireMs: 2_000, print: (line) => lines.push(line) });
  return lines.join('\n');
}

describe('a seed', () => {
  it('replays the same run to the byte', async () => {
    const first = await traceOf(5);
    expect(first.length).toBeGreaterThan(10_000);
    expect(await traceOf(5)).toBe(first);
  });

  it('makes a run of its own', async () => {
    expect(await traceOf(6)).not.toBe(await traceOf(5));
  });
});
