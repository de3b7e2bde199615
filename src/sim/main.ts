/** The simulator as a command: runs seeds, and says what they covered or which one failed. */

import { FAULTS } from './faults.js';
import { type RunReport, runSeed } from './swarm.js';

const SEEDS_DEFAULT = 100;

/** The word behind a flag. */
function valueOf(flag: string): string | undefined {
  const at = process.argv.indexOf(flag);
  return at < 0 ? undefined : process.argv[at + 1];
}

const only = valueOf('--seed');
const from = Number(only ?? valueOf('--from') ?? 1);
const count = only === undefined ? Number(valueOf('--seeds') ?? SEEDS_DEFAULT) : 1;
const traces = process.argv.includes('--trace');
const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const startedMs = performance.now();
const reports: RunReport[] = [];
for (let seed = from; seed < from + count; seed++) {
  const report = await runSeed({ seed, print: traces ? print : undefined });
  reports.push(report);
  if (process.stderr.isTTY) process.stderr.write(`\r${String(seed)}`);
  if (report.failure === undefined) continue;
  print(report.failure.lastLines.join('\n'));
  print(`\nseed ${String(seed)} failed: ${report.failure.message}`);
  print(`replay: npm run sim -- --seed ${String(seed)} --trace`);
  process.exitCode = 1;
  break;
}
summarize(reports, performance.now() - startedMs);

function summarize(done: readonly RunReport[], wallMs: number): void {
  const sum = (of: (report: RunReport) => number): number =>
    done.reduce((total, report) => total + of(report), 0);
  const { user, system } = process.cpuUsage();
  const cpuMs = (user + system) / 1_000;
  const virtualMs = sum(({ virtualMs: ms }) => ms);
  const faults = FAULTS.map((fault) => `${fault} ${String(sum(({ faults: by }) => by.get(fault) ?? 0))}`);
  print(`seeds ${String(done.length)}, from ${String(from)}`);
  print(`virtual hours ${(virtualMs / 3_600_000).toFixed(2)}`);
  print(`faults injected: ${faults.join(', ')}`);
  print(
    `elections ${String(sum(({ elections }) => elections))}, moved on request ${String(sum(({ moves }) => moves))}`,
  );
  print(`acknowledged records checked ${String(sum(({ acknowledgedRecords }) => acknowledgedRecords))}`);
  print(`events ${String(sum(({ events }) => events))}, messages ${String(sum(({ messages }) => messages))}`);
  print(
    `wall seconds ${(wallMs / 1_000).toFixed(1)}, virtual/wall ${(virtualMs / wallMs).toFixed(1)}, ` +
      `of processor time ${(virtualMs / cpuMs).toFixed(1)}`,
  );
}
