/** Entry of `npm run bench:peers`: speed, and kill -9 of the leader as the same client loop sees it, here and elsewhere. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ownVersion, progress, runCommand } from './lib/command.mjs';
import { describeMachine, warningsOf } from './lib/machine.mjs';
import { figure, machineLines, table } from './lib/report.mjs';
import { summary } from './lib/stats.mjs';
import { inTime, until } from './lib/until.mjs';
import { bellwether } from './peers/bellwether.mjs';
import { etcd } from './peers/etcd.mjs';
import { nats } from './peers/nats.mjs';
import { measureSpeed } from './peers/speed.mjs';
import { PATIENCE_MS } from './peers/system.mjs';
import { PeerWriter } from './peers/writer.mjs';

/** Bellwether first: the others are compared with it. */
const SYSTEMS = [bellwether, etcd, nats];

/** How long a client writes before each kill, and up to how much longer, in milliseconds. */
const CALM_MS = 300;
const JITTER_MS = 200;

/** Time for one round in milliseconds; when the rounds need more, fewer are measured and it is said. */
const ROUND_BUDGET_MS = 20_000;

/**
 * @param {import('./peers/system.mjs').System} system
 * @param {string} folder
 * @param {number} rounds
 * @param {number} seconds
 */
async function measure(system, folder, rounds, seconds) {
  progress(`${system.name}: three servers start`);
  mkdirSync(folder);
  const cluster = await system.start(folder);
  await cluster.whole();
  const speed = await measureSpeed(cluster, seconds, (what) => progress(`${system.name}: ${what}`));
  const writer = new PeerWriter(cluster);
  const outages = [];
  const endMs = performance.now() + rounds * ROUND_BUDGET_MS;
  while (outages.length < rounds && performance.now() < endMs) {
    progress(`${system.name} ${outages.length + 1} of ${rounds}`);
    await nextWrite(writer, performance.now());
    await pause(CALM_MS + Math.random() * JITTER_MS);
    const leader = await leaderOf(cluster);
    const gone = cluster.kill(leader);
    const killedMs = performance.now();
    const atMs = await nextWrite(writer, killedMs);
    outages.push(atMs - killedMs);
    await gone;
    cluster.launch(leader);
    await cluster.whole();
  }
  await writer.stop();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  const { name, setting } = system;
  const { acknowledged, failed } = writer;
  return {
    name,
    version: system.version(),
    setting,
    acknowledged,
    failed,
    ...speed,
    ...summary(outages),
    runs: outages,
  };
}

/** @param {import('./peers/system.mjs').Cluster} cluster */
async function leaderOf(cluster) {
  let leader = '';
  const look = async () => {
    leader = await cluster.leader();
    return true;
  };
  await until('somebody leads', look, PATIENCE_MS);
  return leader;
}

/**
 * @param {PeerWriter} writer
 * @param {number} fromMs
 */
function nextWrite(writer, fromMs) {
  return inTime('a write is acknowledged', writer.acknowledgedAfter(fromMs), PATIENCE_MS);
}

/**
 * @param {import('./lib/command.mjs').Flags} flags
 * @param {string} folder
 */
async function compare({ only, json, numbers }, folder) {
  const machine = describeMachine(folder);
  const notes = warningsOf(machine);
  const systems = [];
  for (const system of SYSTEMS.filter(({ name }) => only.includes(name))) {
    if (system.version() === undefined) {
      notes.push(`${system.name} is not installed, and left out; to install it: ${system.install}`);
      continue;
    }
    const measured = await measure(
      system,
      join(folder, system.name),
      numbers['rounds'] ?? 0,
      numbers['seconds'] ?? 0,
    );
    systems.push(measured);
    notes.push(`${measured.name} ${measured.version}: ${measured.setting}`);
  }
  const own = systems.find(({ name }) => name === bellwether.name);
  const rows = systems.map((each) => ({ ...each, ratios: ratiosTo(own, each) }));
  if (json) return `${JSON.stringify({ version: ownVersion(), machine, notes, rows }, null, 2)}\n`;
  return [
    'three servers, three replicas, one client',
    ...machineLines(machine),
    '',
    'kill -9 of the leader to the next acknowledged write; one write in flight',
    ...failoverTable(rows),
    '',
    'acknowledged records a second, as fast as the own kind of client sends them, and one record alone',
    ...speedTable(rows),
    '',
    ...notes.map((note) => `note: ${note}`),
    '',
  ].join('\n');
}

/** @typedef {Awaited<ReturnType<typeof measure>>} Measured */

/**
 * How many times better Bellwether is: above 1 it is.
 *
 * @param {Measured | undefined} own
 * @param {Measured} other
 */
function ratiosTo(own, other) {
  if (own === undefined) return undefined;
  return {
    outage: other.p50_ms / own.p50_ms,
    per_second_100b: own.per_second_100b / other.per_second_100b,
    per_second_1kb: own.per_second_1kb / other.per_second_1kb,
    alone: other.alone_p50_ms / own.alone_p50_ms,
  };
}

/** @typedef {Measured & { ratios: ReturnType<typeof ratiosTo> }} Row */

/** @param {readonly Row[]} rows */
function failoverTable(rows) {
  const head = ['system', 'version', 'p50 ms', 'max ms', 'rounds', 'bellwether is faster, times'];
  const lines = rows.map((row) => [
    row.name,
    row.version ?? '',
    figure(row.p50_ms, 1),
    figure(row.max_ms, 1),
    figure(row.samples, 0),
    figure(row.ratios?.outage, 1),
    figure(row.acknowledged, 0),
    figure(row.failed, 0),
  ]);
  return table([...head, 'acknowledged', 'failed calls'], lines, 2);
}

/** @param {readonly Row[]} rows */
function speedTable(rows) {
  const head = [
    'system',
    '100 B, per second',
    'times',
    '1 KB, per second',
    'times',
    'alone, p50 ms',
    'times',
  ];
  const lines = rows.map((row) => [
    row.name,
    figure(row.per_second_100b, 0),
    figure(row.ratios?.per_second_100b, 1),
    figure(row.per_second_1kb, 0),
    figure(row.ratios?.per_second_1kb, 1),
    figure(row.alone_p50_ms, 2),
    figure(row.ratios?.alone, 2),
  ]);
  return table(head, lines, 1);
}

await runCommand({
  script: 'bench:peers',
  names: SYSTEMS.map(({ name }) => name),
  numbers: {
    rounds: { default: 10, max: 1000, whole: true, help: 'kills of a leader, of each system' },
    seconds: {
      default: 3,
      max: 60,
      help: 'length of one run of each load, of which there are nine a system',
    },
  },
  run: compare,
});
