/** Entry of `npm run bench:ceilings`: what disk, gRPC and codec do, each alone, and what of Bellwether that bounds. */
import { codec } from './ceilings/codec.mjs';
import { disk, journal } from './ceilings/disk.mjs';
import { stream, unary } from './ceilings/grpc.mjs';
import { ownVersion, progress, runCommand } from './lib/command.mjs';
import { describeMachine, warningsOf } from './lib/machine.mjs';
import { figure, machineLines, table } from './lib/report.mjs';
import { medianOfRuns } from './lib/stats.mjs';

const ROUNDS = 3;
const WARM_UP_SECONDS = 0.3;

const GROUPS = { disk, journal, stream, unary, codec };

/**
 * One ceiling at a time, all of them in each round. What a group has open is idle meanwhile.
 *
 * @param {import('./lib/command.mjs').Flags} flags
 * @param {string} folder
 */
async function measure({ only, json, numbers }, folder) {
  const machine = describeMachine(folder);
  const groups = [];
  for (const [name, open] of Object.entries(GROUPS)) if (only.includes(name)) groups.push(await open(folder));
  const measured = groups.flatMap(({ ceilings }) => ceilings.map(unmeasured));
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const { ceiling, runs } of measured) {
      progress(`round ${round} of ${ROUNDS}: ${ceiling.what}`);
      await ceiling.run(WARM_UP_SECONDS);
      runs.push(/** @type {Run} */ (await ceiling.run(numbers['seconds'] ?? 0)));
    }
  }
  for (const { close } of groups) await close();
  const notes = warningsOf(machine);
  const rows = measured.map(({ ceiling: { what, bounds }, runs }) => ({
    what,
    bounds,
    ...medianOfRuns(runs),
  }));
  if (json) return `${JSON.stringify({ version: ownVersion(), machine, notes, rows }, null, 2)}\n`;
  return [
    `each alone, medians of ${ROUNDS} rounds; MB is 10^6 bytes`,
    ...machineLines(machine),
    '',
    ...table(
      ['ceiling', 'bounds', 'MB/s', 'per second', 'p50 ms', 'p99 ms', 'us each'],
      rows.map((row) => [
        row.what,
        row.bounds,
        figure(row['mb_per_second'], 1),
        figure(row['per_second'], 0),
        figure(row['p50_ms'], 2),
        figure(row['p99_ms'], 2),
        figure(row['us_each'], 1),
      ]),
      2,
    ),
    '',
    ...notes.map((note) => `note: ${note}`),
    '',
  ].join('\n');
}

/** @typedef {Readonly<Record<string, number>>} Run */

/**
 * @param {import('./ceilings/ceiling.mjs').Ceiling} ceiling
 * @returns {{ ceiling: import('./ceilings/ceiling.mjs').Ceiling, runs: Run[] }}
 */
function unmeasured(ceiling) {
  return { ceiling, runs: [] };
}

await runCommand({
  script: 'bench:ceilings',
  names: Object.keys(GROUPS),
  numbers: {
    seconds: { default: 1, max: 60, help: `length of one run, of which each ceiling has ${ROUNDS}` },
  },
  run: measure,
});
