/** Entry of `npm run bench`: reads the flags, runs the cases, prints the report, leaves nothing behind. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ceilings } from './cases/ceilings.mjs';
import { crash } from './cases/crash.mjs';
import { failover } from './cases/failover.mjs';
import { latency } from './cases/latency.mjs';
import { produce } from './cases/produce.mjs';
import { scale } from './cases/scale.mjs';
import { BrokerProcesses, killAllBrokers } from './lib/broker-processes.mjs';
import { describeMachine, warningsOf } from './lib/machine.mjs';
import { profileProduce } from './lib/profile.mjs';
import { asText } from './lib/report.mjs';

/** In the order in which they run: the steady cases before those that kill. */
const CASES = { produce, latency, ceilings, failover, crash, scale };

/** The others run only where they are asked for: they take a minute. */
const CASES_DEFAULT = Object.keys(CASES).filter((name) => name !== 'scale');

const SECONDS_DEFAULT = 1.5;
const SECONDS_MAX = 600;
const ROUNDS_DEFAULT = 20;
const ROUNDS_MAX = 1000;

const USAGE = `Usage: npm run bench -- [options]
  --seconds N   length of one run of produce, latency and ceilings (default ${SECONDS_DEFAULT})
  --rounds N    failovers of the cases crash and failover (default ${ROUNDS_DEFAULT})
  --only NAME   ${Object.keys(CASES).join(', ')}; may be given several times (default: all but scale)
  --data DIR    folder in which to make the temporary folder of the data (default: the system's)
  --json        print one JSON document instead of the table
  --profile     instead of the cases: CPU profile of the leader while it takes records
  --help
`;

/** The flags, or the exit code after what they asked for was printed. */
function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: 'string', default: String(SECONDS_DEFAULT) },
        rounds: { type: 'string', default: String(ROUNDS_DEFAULT) },
        only: { type: 'string', multiple: true, default: CASES_DEFAULT },
        data: { type: 'string', default: tmpdir() },
        json: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    const unknown = values.only.find((name) => !Object.hasOwn(CASES, name));
    if (unknown !== undefined) throw new Error(`--only: there is no case ${unknown}`);
    const seconds = numberFlag('--seconds', values.seconds, SECONDS_MAX);
    const rounds = numberFlag('--rounds', values.rounds, ROUNDS_MAX);
    if (!Number.isInteger(rounds)) throw new Error('--rounds: must be a whole number');
    return { ...values, seconds, rounds };
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
}

/**
 * @param {string} flag
 * @param {string} text
 * @param {number} max
 */
function numberFlag(flag, text, max) {
  const value = Number(text);
  if (value > 0 && value <= max) return value;
  throw new Error(`${flag}: must be a number above 0, at most ${max}, got "${text}"`);
}

/** @param {string} text */
function progress(text) {
  process.stderr.write(`bench: ${text}\n`);
}

/**
 * Runs the cases one after the other, each on a cluster of its own: what one case leaves in the memory and
 * on the disk of the brokers must not count in the next (a large process takes longer to die, for one).
 *
 * @param {Exclude<ReturnType<typeof readFlags>, number>} flags
 * @param {string} folder
 * @returns {Promise<import('./lib/report.mjs').Report>}
 */
async function runCases(flags, folder) {
  const { seconds, rounds, only } = flags;
  const startedMs = performance.now();
  const startedAt = new Date().toISOString();
  const machine = describeMachine(folder);
  const notes = warningsOf(machine);
  /** @type {import('./lib/context.mjs').Row[]} */
  const rows = [];
  /** @type {Record<string, unknown>} */
  const verified = {};
  for (const [name, run] of Object.entries(CASES)) {
    if (!only.includes(name)) continue;
    progress(`${name}: three brokers start`);
    const data = join(folder, name);
    mkdirSync(data);
    const processes = await BrokerProcesses.start({ folder: data });
    /** @type {import('./lib/context.mjs').Outcome} */
    const outcome = await run({ processes, folder: data, seconds, rounds, progress });
    await processes.stop();
    rmSync(data, { recursive: true });
    rows.push(...outcome.rows);
    notes.push(...(outcome.notes ?? []));
    if (outcome.verified !== undefined) verified[name] = outcome.verified;
  }
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const tookSeconds = Math.round((performance.now() - startedMs) / 100) / 10;
  const settings = { seconds, rounds };
  return {
    version,
    started_at: startedAt,
    took_seconds: tookSeconds,
    settings,
    machine,
    notes,
    verified,
    rows,
  };
}

/** @param {Exclude<ReturnType<typeof readFlags>, number>} flags */
async function bench(flags) {
  const folder = mkdtempSync(join(flags.data, 'bellwether-bench-'));
  process.once('exit', () => {
    killAllBrokers();
    // A killed broker may still be letting go of its files.
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  for (const [signal, number] of /** @type {const} */ ([
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ])) {
    process.once(signal, () => process.exit(128 + number));
  }
  if (flags.profile) {
    process.stdout.write(await profileProduce({ folder, seconds: flags.seconds, progress }));
    return;
  }
  const report = await runCases(flags, folder);
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : asText(report));
}

const flags = readFlags();
if (typeof flags === 'number') process.exitCode = flags;
else {
  try {
    await bench(flags);
  } catch (error) {
    process.stderr.write(`bench: failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  }
}
