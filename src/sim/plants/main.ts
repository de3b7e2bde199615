/** Measures how many seeds it takes to find each planted bug, from starts that share no seed. */

import { huntFor, type Found } from './hunt.js';
import { PLANTS, plantNamed } from './plants.js';

const SEEDS_MAX = 200;
const STARTS = 10;

function valueOf(flag: string): string | undefined {
  const at = process.argv.indexOf(flag);
  return at < 0 ? undefined : process.argv[at + 1];
}

const name = valueOf('--plant');
const from = Number(valueOf('--from') ?? 1);
const starts = Number(valueOf('--starts') ?? STARTS);

for (const plant of name === undefined ? PLANTS : [plantNamed(name)]) {
  const found: (Found | undefined)[] = [];
  for (let start = 0; start < starts; start++) {
    found.push(await huntFor(plant, from + start * SEEDS_MAX, SEEDS_MAX));
  }
  const seeds = found.map((each) => each?.seeds ?? Infinity);
  const ordered = [...seeds].sort((a, b) => a - b);
  const median = ordered[Math.floor((ordered.length - 1) / 2)];
  const by = [...new Set(found.map((each) => each?.invariant ?? 'none'))].sort().join(' ');
  const words = [plant.name, plant.classes, by, seeds[0], median, ordered.at(-1), plant.seedsMax];
  process.stdout.write(`| ${words.map(String).join(' | ')} |\n`);
  const strangers = found.filter((each) => each !== undefined && !plant.foundBy.includes(each.invariant));
  for (const stranger of strangers) process.stdout.write(`  by a stranger: ${String(stranger?.message)}\n`);
}
