/** The case `idle`: what thousands of partitions cost that nobody uses. */
import { setTimeout as pause } from 'node:timers/promises';
import { createMany } from '../lib/many-partitions.mjs';

/** Between the creation and what is measured, in milliseconds: late garbage collections, the last heartbeats. */
const SETTLE_MS = 10_000;

/**
 * CPU time and memory of each broker, and what all brokers say to each other, which a proxy counts.
 *
 * @type {import('../lib/context.mjs').Case}
 */
export const idle = {
  brokers: { balanced: false, proxied: true },
  async run({ processes, seconds, partitions, progress }) {
    const empty = await watch(processes, Math.min(10, seconds / 2));
    progress(`idle: ${partitions} partitions are created`);
    const client = await processes.client();
    await createMany(client, 'idle', partitions);
    await pause(SETTLE_MS);
    progress('idle: nothing happens');
    const full = await watch(processes, seconds / 2);
    return {
      rows: [...rowsOf('no partitions', empty), ...rowsOf(`${partitions} idle partitions`, full)],
    };
  },
};

/**
 * @param {import('../lib/broker-processes.mjs').BrokerProcesses} processes
 * @param {number} seconds
 */
async function watch(processes, seconds) {
  const cpuOf = () => processes.ids.map((id) => processes.cpuSecondsOf(id));
  const cpuBefore = cpuOf();
  const { passed: before } = processes.proxies;
  const startMs = performance.now();
  await pause(seconds * 1000);
  const tookSeconds = (performance.now() - startMs) / 1000;
  const { passed: after } = processes.proxies;
  const cpuAfter = cpuOf();
  return {
    brokers: processes.ids.map((id, i) => ({
      id,
      cpu_percent: (100 * ((cpuAfter[i] ?? 0) - (cpuBefore[i] ?? 0))) / tookSeconds,
      resident_mib: processes.residentMib(id),
    })),
    kb_per_second: (after.bytes - before.bytes) / 1000 / tookSeconds,
    per_second: (after.chunks - before.chunks) / tookSeconds,
  };
}

/**
 * @param {string} what
 * @param {Awaited<ReturnType<typeof watch>>} watched
 */
function rowsOf(what, { brokers, kb_per_second, per_second }) {
  const each = brokers.map(({ id, ...figures }) => ({
    case: 'idle',
    what: `${what}: broker ${id}`,
    ...figures,
  }));
  const between = `${what}: all that brokers say to each other, in packets and kB`;
  return [...each, { case: 'idle', what: between, per_second, kb_per_second }];
}
