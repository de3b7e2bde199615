/** Entry of `npm run bench:peers`: speed, and kill -9 of the leader as the same client loop sees it, here and elsewhere. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ownVersion, PAGE_CACHE_FLAG, progress, runCommand } from './lib/command.mjs';
import { describeMachine, warningsOf } from './lib/machine.mjs';
import { fillPageCache } from './lib/page-cache.mjs';
import { figure, machineLines, table } from './lib/report.mjs';
import { bellwether } from './peers/bellwether.mjs';
import { etcd } from './peers/etcd.mjs';
import { nats } from './peers/nats.mjs';
import { measureOutages } from './peers/outages.mjs';
import { measureSpeed, mediansOf } from './peers/speed.mjs';

/** Bellwether first: the others are compared with it. */
const SYSTEMS = [bellwether, etcd, nats];

/** @typedef {import('./peers/system.mjs').System} System */

/**
 * All systems at once, in rounds.
 *
 * @param {readonly System[]} systems
 * @param {string} folder
 * @param {{ rounds: number, seconds: number }} options
 */
async function speedOf(systems, folder, options) {
  const started = [];
  for (const system of systems)
    started.push({ system, cluster: await startIn(join(folder, system.name), system) });
  const measured = await measureSpeed(started, { ...options, folder, progress });
  for (const { cluster } of started) await cluster.stop();
  for (const { name } of systems) remove(join(folder, name));
  const rows = measured.map((runs) => ({ ...runs, medians: mediansOf(runs) }));
  const own = rows.find(({ system }) => system === bellwether.name)?.medians;
  return rows.map(({ system, client, medians, ...runs }) => {
    return { system, client, ...medians, ratios: speedRatios(own, medians), runs };
  });
}

/**
 * One system after the other, and none beside it.
 *
 * @param {readonly System[]} systems
 * @param {string} folder
 * @param {number} rounds
 */
async function outagesOf(systems, folder, rounds) {
  const rows = [];
  for (const system of systems) {
    const cluster = await startIn(join(folder, system.name), system);
    const outages = await measureOutages(cluster, rounds, (what) => progress(`${system.name}: ${what}`));
    await cluster.stop();
    remove(join(folder, system.name));
    rows.push({ system: system.name, version: system.version(), ...outages });
  }
  const own = rows.find(({ system }) => system === bellwether.name);
  return rows.map((row) => ({ ...row, ratio: own && row.p50_ms / own.p50_ms }));
}

/**
 * @param {string} folder
 * @param {System} system
 */
async function startIn(folder, system) {
  progress(`${system.name}: three servers start`);
  mkdirSync(folder);
  const cluster = await system.start(folder);
  await cluster.whole();
  return cluster;
}

/** @param {string} folder */
function remove(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** @typedef {ReturnType<typeof mediansOf>} Medians */

/**
 * How many times better Bellwether is: above 1 it is.
 *
 * @param {Medians | undefined} own
 * @param {Medians} other
 */
function speedRatios(own, other) {
  if (own === undefined) return undefined;
  return {
    per_second_100b: own.per_second_100b / other.per_second_100b,
    per_second_1kb: own.per_second_1kb / other.per_second_1kb,
    alone: other.alone_p50_ms / own.alone_p50_ms,
  };
}

/**
 * @param {import('./lib/command.mjs').Flags} flags
 * @param {string} folder
 */
async function compare({ only, json, numbers }, folder) {
  const machine = describeMachine(folder);
  const notes = warningsOf(machine);
  notes.push(...fillPageCache(folder, numbers['page-cache-gib'] ?? 0, progress));
  const systems = SYSTEMS.filter(({ name }) => only.includes(name)).filter((system) => {
    const version = system.version();
    notes.push(
      version === undefined
        ? `${system.name} is not installed, and left out; to install it: ${system.install}`
        : `${system.name} ${version}: ${system.setting}`,
    );
    return version !== undefined;
  });
  const { rounds = 0, runs = 0, seconds = 0 } = numbers;
  const speed = runs === 0 ? [] : await speedOf(systems, folder, { rounds: runs, seconds });
  const outages = rounds === 0 ? [] : await outagesOf(systems, folder, rounds);
  if (json) {
    return `${JSON.stringify({ version: ownVersion(), machine, notes, speed, outages }, null, 2)}\n`;
  }
  return [
    'three servers, three replicas, one client',
    ...machineLines(machine),
    '',
    ...(speed.length === 0 ? [] : speedTable(speed)),
    ...(outages.length === 0 ? [] : outageTable(outages)),
    ...notes.map((note) => `note: ${note}`),
    '',
  ].join('\n');
}

/** @param {Awaited<ReturnType<typeof speedOf>>} rows */
function speedTable(rows) {
  const head = [
    'system',
    'client',
    '100 B, per second',
    'times',
    '1 KB, per second',
    'times',
    'alone, p50 ms',
  ];
  const lines = rows.map((row) => [
    row.system,
    row.client,
    figure(row.per_second_100b, 0),
    figure(row.ratios?.per_second_100b, 1),
    figure(row.per_second_1kb, 0),
    figure(row.ratios?.per_second_1kb, 1),
    figure(row.alone_p50_ms, 2),
    figure(row.ratios?.alone, 2),
  ]);
  return [
    'acknowledged records a second, as fast as this client sends them, and one record alone; medians of rounds',
    'times: how often better Bellwether is',
    ...table([...head, 'times'], lines, 2),
    '',
  ];
}

/** @param {Awaited<ReturnType<typeof outagesOf>>} rows */
function outageTable(rows) {
  const head = ['system', 'version', 'p50 ms', 'max ms', 'rounds', 'bellwether is faster, times'];
  const lines = rows.map((row) => [
    row.system,
    row.version ?? '',
    figure(row.p50_ms, 1),
    figure(row.max_ms, 1),
    figure(row.samples, 0),
    figure(row.ratio, 1),
    figure(row.acknowledged, 0),
    figure(row.failed, 0),
  ]);
  return [
    'kill -9 of the leader to the next acknowledged write; one write in flight',
    ...table([...head, 'acknowledged', 'failed calls'], lines, 2),
    '',
  ];
}

await runCommand({
  script: 'bench:peers',
  names: SYSTEMS.map(({ name }) => name),
  numbers: {
    rounds: {
      ...{ default: 10, max: 1000, whole: true, mayBeZero: true },
      help: 'kills of a leader, of each system; 0 for the speed only',
    },
    runs: {
      ...{ default: 3, max: 1000, whole: true, mayBeZero: true },
      help: 'rounds of the speed, each with all clients; 0 for the kills only',
    },
    seconds: { default: 3, max: 60, help: 'length of one load, of which a client has three a round' },
    'page-cache-gib': PAGE_CACHE_FLAG,
  },
  run: compare,
});
