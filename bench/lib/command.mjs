/** Owns what the commands of the bench have in common: their flags, the temporary folder, the end. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BrokerProcesses, killAllBrokers } from './broker-processes.mjs';
import { describeMachine, warningsOf } from './machine.mjs';
import { fillPageCache } from './page-cache.mjs';

/**
 * A flag with a number above 0. `whole` refuses fractions, `mayBeZero` takes 0 too.
 *
 * @typedef {object} NumberFlag
 * @property {number} default
 * @property {number} max
 * @property {boolean} [whole]
 * @property {boolean} [mayBeZero]
 * @property {string} help
 */

/**
 * @typedef {object} Flags
 * @property {readonly string[]} only
 * @property {ReadonlySet<string>} given Names of the numbers that were given.
 * @property {string} data
 * @property {boolean} json
 * @property {boolean} profile
 * @property {Readonly<Record<string, number>>} numbers By name.
 */

/**
 * Reads the flags, runs the command and leaves nothing behind. Exit code 2: wrong flags; 1: it failed.
 *
 * @param {object} command
 * @param {string} command.script Name of the npm script.
 * @param {readonly string[]} command.names What --only takes.
 * @param {readonly string[]} [command.onRequest] Those of them that run only when --only names them.
 * @param {Readonly<Record<string, NumberFlag>>} command.numbers
 * @param {string} [command.profile] Help of --profile; undefined for a command without.
 * @param {(flags: Flags, folder: string) => Promise<string>} command.run Returns the text to print.
 */
export async function runCommand({ script, names, onRequest = [], numbers, profile, run }) {
  const usage = usageOf(script, names, onRequest, numbers, profile);
  /** @type {Flags | undefined} */
  let flags;
  try {
    flags = readFlags(names, onRequest, numbers, profile !== undefined);
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exitCode = 2;
    return;
  }
  if (flags === undefined) {
    process.stdout.write(usage);
    return;
  }
  try {
    process.stdout.write(await run(flags, temporaryFolder(flags.data)));
  } catch (error) {
    process.stderr.write(`bench: failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  }
}

/** The flag for `fillPageCache`. @type {NumberFlag} */
export const PAGE_CACHE_FLAG = {
  default: 0,
  max: 1024,
  mayBeZero: true,
  help: 'fill so much of the page cache first, as it is on a machine that has been up for a while',
};

/** @param {string} text */
export function progress(text) {
  process.stderr.write(`bench: ${text}\n`);
}

/** Version of Bellwether. @returns {string} */
export function ownVersion() {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}

/**
 * Runs the cases one after the other, each on a cluster of its own: what one case leaves in the memory and
 * on the disk of the brokers must not count in the next (a large process takes longer to die, for one).
 *
 * @param {Readonly<Record<string, import('./context.mjs').Case>>} cases
 * @param {Flags} flags
 * @param {string} folder
 * @returns {Promise<import('./report.mjs').Report>}
 */
export async function runCases(cases, { only, given, numbers }, folder) {
  const startedMs = performance.now();
  const startedAt = new Date().toISOString();
  const machine = describeMachine(folder);
  const notes = warningsOf(machine);
  notes.push(...fillPageCache(folder, numbers['page-cache-gib'] ?? 0, progress));
  /** @type {import('./context.mjs').Row[]} */
  const rows = [];
  /** @type {Record<string, unknown>} */
  const verified = {};
  for (const [name, { run, brokers, seconds: ownSeconds }] of Object.entries(cases)) {
    if (!only.includes(name)) continue;
    progress(`${name}: three brokers start`);
    const data = join(folder, name);
    mkdirSync(data);
    const processes = await BrokerProcesses.start({ ...brokers, folder: data });
    const { rounds = 0, partitions = 0 } = numbers;
    const seconds = (given.has('seconds') ? undefined : ownSeconds) ?? numbers['seconds'] ?? 0;
    const outcome = await run({ processes, folder: data, seconds, rounds, partitions, progress });
    await processes.stop();
    rmSync(data, { recursive: true });
    rows.push(...outcome.rows);
    notes.push(...(outcome.notes ?? []));
    if (outcome.failed === true) process.exitCode = 1;
    if (outcome.verified !== undefined) verified[name] = outcome.verified;
  }
  const tookSeconds = Math.round((performance.now() - startedMs) / 100) / 10;
  return {
    version: ownVersion(),
    started_at: startedAt,
    took_seconds: tookSeconds,
    settings: numbers,
    machine,
    notes,
    verified,
    rows,
  };
}

/**
 * @param {readonly string[]} names
 * @param {readonly string[]} onRequest
 * @param {Readonly<Record<string, NumberFlag>>} numbers
 * @param {boolean} profiles
 * @returns {Flags | undefined} Undefined when help was asked for.
 */
function readFlags(names, onRequest, numbers, profiles) {
  const usual = names.filter((name) => !onRequest.includes(name));
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(
        Object.keys(numbers).map((name) => [name, { type: /** @type {const} */ ('string') }]),
      ),
      only: { type: 'string', multiple: true, default: usual },
      data: { type: 'string', default: tmpdir() },
      json: { type: 'boolean', default: false },
      ...(profiles && { profile: { type: /** @type {const} */ ('boolean'), default: false } }),
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help === true) return undefined;
  const unknown = values.only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only: there is no ${unknown}`);
  const read = Object.entries(numbers).map(([name, flag]) => {
    return [name, numberFlag(name, /** @type {Record<string, unknown>} */ (values)[name], flag)];
  });
  const { only, data, json } = values;
  const given = new Set(Object.keys(numbers).filter((name) => name in values));
  return { only, given, data, json, profile: values.profile === true, numbers: Object.fromEntries(read) };
}

/**
 * @param {string} name
 * @param {unknown} text
 * @param {NumberFlag} flag
 */
function numberFlag(name, text, { default: otherwise, max, whole = false, mayBeZero = false }) {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!((value > 0 || (mayBeZero && text === '0')) && value <= max)) {
    const least = mayBeZero ? '0 or a number above it' : 'a number above 0';
    throw new Error(`--${name}: must be ${least}, at most ${max}, got "${text}"`);
  }
  if (whole && !Number.isInteger(value)) throw new Error(`--${name}: must be a whole number`);
  return value;
}

/**
 * @param {string} script
 * @param {readonly string[]} names
 * @param {readonly string[]} onRequest
 * @param {Readonly<Record<string, NumberFlag>>} numbers
 * @param {string | undefined} profile
 */
function usageOf(script, names, onRequest, numbers, profile) {
  const lines = Object.entries(numbers).map(([name, { help, default: value }]) => {
    return [`--${name} N`, `${help} (default ${value})`];
  });
  const otherwise = onRequest.length === 0 ? 'all' : `all but ${onRequest.join(', ')}`;
  lines.push(['--only NAME', `${names.join(', ')}; may be given several times (default: ${otherwise})`]);
  lines.push([
    '--data DIR',
    "folder in which to make the temporary folder of the data (default: the system's)",
  ]);
  lines.push(['--json', 'print one JSON document instead of the table']);
  if (profile !== undefined) lines.push(['--profile', profile]);
  lines.push(['--help', '']);
  const width = Math.max(...lines.map(([flag = '']) => flag.length));
  const drawn = lines.map(([flag = '', help]) => `  ${flag.padEnd(width)}  ${help}`.trimEnd());
  return `Usage: npm run ${script} -- [options]\n${drawn.join('\n')}\n`;
}

/**
 * A folder that is gone, and the brokers with it, when this process ends, however it ends.
 *
 * @param {string} parent
 */
function temporaryFolder(parent) {
  const folder = mkdtempSync(join(parent, 'bellwether-bench-'));
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
  return folder;
}
