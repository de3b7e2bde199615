/**
 * Replays every test/scenario/*.txt and compares its output with what the file says. `vitest -u` records
 * anew (see CONTRIBUTING.md); an `expect` in a file holds nevertheless.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import type { Raft } from '../../src/raft/raft.js';
import { BROKEN_CORES } from './broken-cores.js';
import { BROKEN_MEMBERS } from './broken-members.js';
import { replay } from './interpreter.js';

const FOLDER = import.meta.dirname;
const names = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.txt'))
  .sort();

function read(name: string): string {
  return readFileSync(`${FOLDER}/${name}`, 'utf8');
}

/** True when the file shows that the core is not as it was. */
function notices(name: string, core: typeof Raft): boolean {
  const text = read(name);
  try {
    return replay(text, core) !== text;
  } catch {
    return true;
  }
}

describe('the scenario', () => {
  it.each(names)('%s', async (name) => {
    await expect(replay(read(name))).toMatchFileSnapshot(`./${name}`);
  });

  it.each(names)('%s opens with its property and the source of it', (name) => {
    expect(read(name)).toMatch(/^# Property: \S[^]*?\n# Source: \S/);
  });
});

describe('a core with a planted defect', () => {
  const cases = [...BROKEN_CORES, ...BROKEN_MEMBERS].flatMap(([core, files]) =>
    files.map((file) => ({ core, file })),
  );

  it.each(cases)('$core.name is noticed by $file', ({ core, file }) => {
    expect(notices(`${file}.txt`, core)).toBe(true);
  });
});
