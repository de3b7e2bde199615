/** The simulator as a command: runs seeds, and says what they covered and which ones failed. */

import { type Pool, runInline, runOnWorkers } from './pool.js';
import { Summary } from './summary.js';
import { type RunReport, runSeed } from './swarm.js';

const SEEDS_DEFAULT = 100;
/** After so many failing seeds there is nothing new to see. */
const FAILURES_MAX = 10;

/** The word behind a flag. */
function valueOf(flag: string): string | undefined {
  const at = process.argv.indexOf(flag);
  return at < 0 ? undefined : process.argv[at + 1];
}

const only = valueOf('--seed');
const from = Number(only ?? valueOf('--from') ?? 1);
const count = only === undefined ? Number(valueOf('--seeds') ?? SEEDS_DEFAULT) : 1;
const jobs = Number(valueOf('--jobs') ?? 1);
const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const startedMs = performance.now();
const summary = new Summary();
const failed: RunReport[] = [];

/** Takes a report in; false once enough seeds have failed. */
function take(report: RunReport): boolean {
  summary.add(report);
  if (process.stderr.isTTY) {
    process.stderr.write(
      `\r${String(summary.seeds)} of ${String(count)} seeds, ${String(failed.length)} failed`,
    );
  }
  const { seed, failure } = report;
  if (failure === undefined) return true;
  failed.push(report);
  print(failure.lastLines.join('\n'));
  print(`\nseed ${String(seed)} failed: ${failure.message}\n`);
  return failed.length < FAILURES_MAX;
}

if (process.argv.includes('--trace')) take(await runSeed({ seed: from, print }));
else {
  const run: Pool = jobs > 1 ? runOnWorkers(jobs) : runInline;
  await run(from, count, take);
}

const { user, system } = process.cpuUsage();
print(summary.lines(performance.now() - startedMs, (user + system) / 1_000).join('\n'));
for (const { seed, failure } of [...failed].sort((a, b) => a.seed - b.seed)) {
  print(`failed: seed ${String(seed)}, ${String(failure?.message)}`);
  print(`  replay: npm run sim -- --seed ${String(seed)} --trace`);
}
if (failed.length > 0) process.exitCode = 1;
