/** Owns what is measured of systems that nobody disturbs: records a second, and how long one alone takes. */
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { closedLoop } from '../lib/closed-loop.mjs';
import { percentile } from '../lib/stats.mjs';

/**
 * Each of the three loads before the first round, in seconds: code that is compiled while it runs. A new process of
 * Node takes about ten seconds of load until it is as fast as it will be.
 */
const WARM_UP_SECONDS = 4;

/** The same load before each that counts, in seconds: connections that have rested. */
const LEAD_IN_SECONDS = 0.5;

/** Between two loads, in milliseconds: what the one before has left over is not the next one's. */
const CALM_MS = 500;

/** Bound of one write, in milliseconds: nobody is killed here, so a longer one is a failure. */
const WRITE_TIMEOUT_MS = 10_000;

const VALUE_BYTES_SMALL = 100;
const VALUE_BYTES_LARGE = 1_000;

const FIGURES = /** @type {const} */ (['per_second_100b', 'per_second_1kb', 'alone_p50_ms', 'alone_p99_ms']);

/** @typedef {Record<(typeof FIGURES)[number], number>} Figures */

/**
 * One client of one system, and what its rounds brought, a value each.
 *
 * @typedef {{ system: string, client: string } & Record<(typeof FIGURES)[number], number[]>} Measured
 */

/** @typedef {{ readonly system: import('./system.mjs').System, readonly cluster: import('./system.mjs').Cluster }} Started */

/**
 * Every client of every system in each round, each round beginning with another one: what the machine does meanwhile
 * is spread over all of them.
 *
 * @param {readonly Started[]} started Whole. Those whose turn it is not are idle.
 * @param {object} options
 * @param {string} options.folder On the file system of the data.
 * @param {number} options.rounds
 * @param {number} options.seconds Of one load.
 * @param {(what: string) => void} options.progress
 * @returns {Promise<readonly Measured[]>}
 */
export async function measureSpeed(started, { folder, rounds, seconds, progress }) {
  const all = started.flatMap(({ system, cluster }) => {
    return cluster.clients.map((client) => ({
      cluster,
      client,
      measured: nothingOf(system.name, client.name),
    }));
  });
  for (const { cluster, client, measured } of all) {
    progress(`warm-up: ${measured.system}, ${measured.client}`);
    await measureOnce(cluster, client, { folder, seconds: WARM_UP_SECONDS });
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const turn of all.keys()) {
      const next = all[(round + turn) % all.length];
      if (next === undefined) continue;
      const { cluster, client, measured } = next;
      progress(`speed, round ${round + 1} of ${rounds}: ${measured.system}, ${measured.client}`);
      const figures = await measureOnce(cluster, client, { folder, seconds });
      for (const name of FIGURES) measured[name].push(figures[name]);
    }
  }
  return all.map(({ measured }) => measured);
}

/**
 * The median of each figure.
 *
 * @param {Measured} measured
 * @returns {Figures}
 */
export function mediansOf(measured) {
  const medians = FIGURES.map((name) => [name, percentile(measured[name], 50)]);
  return /** @type {Figures} */ (Object.fromEntries(medians));
}

/**
 * The three loads of one client, one after the other.
 *
 * @param {import('./system.mjs').Cluster} cluster
 * @param {import('./system.mjs').SpeedClient} client
 * @param {{ folder: string, seconds: number }} options
 * @returns {Promise<Figures>}
 */
async function measureOnce(cluster, client, { folder, seconds }) {
  const endpoint = cluster.endpointOf(await cluster.leader());
  const value = 'v'.repeat(VALUE_BYTES_SMALL);
  const alone = { inFlight: 1, call: () => client.write(endpoint, value, WRITE_TIMEOUT_MS) };
  await settled(folder);
  await closedLoop({ ...alone, seconds: LEAD_IN_SECONDS });
  const { p50_ms, p99_ms } = await closedLoop({ ...alone, seconds });
  const flood = async (/** @type {number} */ valueBytes) => {
    await settled(folder);
    await client.flood(endpoint, valueBytes, LEAD_IN_SECONDS);
    return client.flood(endpoint, valueBytes, seconds);
  };
  const small = await flood(VALUE_BYTES_SMALL);
  const large = await flood(VALUE_BYTES_LARGE);
  return { per_second_100b: small, per_second_1kb: large, alone_p50_ms: p50_ms, alone_p99_ms: p99_ms };
}

/**
 * A flood for clients that send one record a call: so many calls in flight, each followed at once by the next.
 *
 * @param {import('./system.mjs').Write} write
 * @param {number} inFlight
 * @returns {import('./system.mjs').SpeedClient['flood']}
 */
export function floodOfCalls(write, inFlight) {
  return async (endpoint, valueBytes, seconds) => {
    const value = 'v'.repeat(valueBytes);
    const call = () => write(endpoint, value, WRITE_TIMEOUT_MS);
    const { calls_per_second } = await closedLoop({ inFlight, seconds, call });
    return calls_per_second;
  };
}

/**
 * @param {string} system
 * @param {string} client
 * @returns {Measured}
 */
function nothingOf(system, client) {
  return { system, client, per_second_100b: [], per_second_1kb: [], alone_p50_ms: [], alone_p99_ms: [] };
}

/**
 * Writes out what is in memory only, so that nobody pays for what another has left to the kernel, then lets the machine
 * come to rest. A system without sync(1) goes without.
 *
 * @param {string} folder
 */
async function settled(folder) {
  const child = spawn('sync', ['-f', folder], { stdio: 'ignore' });
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  await pause(CALM_MS);
}
