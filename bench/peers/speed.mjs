/** Owns what is measured of a system that nobody disturbs: records a second, and how long one alone takes. */
import { setTimeout as pause } from 'node:timers/promises';
import { closedLoop } from '../lib/closed-loop.mjs';
import { percentile } from '../lib/stats.mjs';

const RUNS = 3;

/** Before the first run of each load, in seconds. */
const WARM_UP_SECONDS = 1;

/** Between two loads, in milliseconds: what the one before has left over is not the next one's. */
const CALM_MS = 500;

/** Bound of one write, in milliseconds: nobody is killed here, so a longer one is a failure. */
const WRITE_TIMEOUT_MS = 10_000;

const VALUE_BYTES_SMALL = 100;
const VALUE_BYTES_LARGE = 1_000;

/** @typedef {{ per_second_100b: number, per_second_1kb: number, alone_p50_ms: number, alone_p99_ms: number }} Speed */

/**
 * Medians of three runs each.
 *
 * @param {import('./system.mjs').Cluster} cluster Whole.
 * @param {number} seconds Of one run.
 * @param {(what: string) => void} progress
 * @returns {Promise<Speed>}
 */
export async function measureSpeed(cluster, seconds, progress) {
  const endpoint = cluster.endpointOf(await cluster.leader());
  const value = 'v'.repeat(VALUE_BYTES_SMALL);
  const alone = { inFlight: 1, call: () => cluster.write(endpoint, value, WRITE_TIMEOUT_MS) };
  progress('one record at a time');
  await closedLoop({ ...alone, seconds: WARM_UP_SECONDS });
  const latencies = [];
  for (let run = 0; run < RUNS; run += 1) latencies.push(await closedLoop({ ...alone, seconds }));
  return {
    per_second_100b: await rate(cluster, endpoint, VALUE_BYTES_SMALL, seconds, progress),
    per_second_1kb: await rate(cluster, endpoint, VALUE_BYTES_LARGE, seconds, progress),
    alone_p50_ms: percentile(
      latencies.map(({ p50_ms }) => p50_ms),
      50,
    ),
    alone_p99_ms: percentile(
      latencies.map(({ p99_ms }) => p99_ms),
      50,
    ),
  };
}

/**
 * Acknowledged records a second, as fast as the system's own kind of client sends them.
 *
 * @param {import('./system.mjs').Cluster} cluster
 * @param {number} endpoint
 * @param {number} valueBytes
 * @param {number} seconds
 * @param {(what: string) => void} progress
 */
async function rate(cluster, endpoint, valueBytes, seconds, progress) {
  progress(`records of ${valueBytes} B, as fast as they go`);
  await pause(CALM_MS);
  await cluster.flood(endpoint, valueBytes, WARM_UP_SECONDS);
  const runs = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await cluster.flood(endpoint, valueBytes, seconds));
  return percentile(runs, 50);
}

/**
 * A flood for clients that send one record a call: so many calls in flight, each followed at once by the next.
 *
 * @param {import('./system.mjs').Cluster['write']} write
 * @param {number} inFlight
 * @returns {import('./system.mjs').Cluster['flood']}
 */
export function floodOfCalls(write, inFlight) {
  return async (endpoint, valueBytes, seconds) => {
    const value = 'v'.repeat(valueBytes);
    const call = () => write(endpoint, value, WRITE_TIMEOUT_MS);
    const { calls_per_second } = await closedLoop({ inFlight, seconds, call });
    return calls_per_second;
  };
}
