/** The case `scale`: thousands of partitions, idle, and after the broker that leads a third of them is killed. */
import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '../lib/stats.mjs';
import { until } from '../lib/until.mjs';

/** Partitions of the topic, on three brokers with three replicas each. */
const PARTITIONS = 3000;

/** How long the idle cluster is watched, in milliseconds, and how long it is left alone before. */
const IDLE_MS = 20_000;
const SETTLE_MS = 3_000;

/**
 * Partitions that a client writes to from the kill on, one write in flight at each. A thousand writers would
 * measure how long a thousand produces take on the cores that the elections need as well.
 */
const WRITERS = 50;

/** Calls in flight when all partitions are asked. */
const IN_FLIGHT = 64;

const TIMEOUT_MS = 30_000;
const TOPIC = 'scale';

/**
 * Creates the partitions, watches them idle, kills the broker n3 with all that it leads, starts it again, and
 * in the end kills and starts all. A partition is led again when its next leader has committed in its term,
 * by the brokers' wall clocks, and writable when a client's record is acknowledged.
 *
 * @param {import('../lib/context.mjs').Context} context
 */
export async function scale({ processes, progress }) {
  const client = await processes.client();
  const failed = processes.ids[2] ?? '';
  progress(`scale: ${PARTITIONS} partitions are created`);
  const createdMs = await timed(async () => {
    const shape = { partitions: PARTITIONS, replicationFactor: 3 };
    await client.admin.createTopic(TOPIC, shape, { timeoutMs: TIMEOUT_MS });
    await allInSync(client);
  });
  progress('scale: idle');
  await pause(SETTLE_MS);
  const idle = await idleCost(processes);
  progress(`scale: ${failed} is killed`);
  const failover = await killOne(processes, client, failed);
  progress(`scale: ${failed} comes back`);
  const backMs = await timed(async () => {
    processes.launch(failed);
    await allInSync(client);
  });
  progress('scale: all are killed and come back');
  await Promise.all(processes.ids.map((id) => processes.kill(id)));
  const restartMs = await timed(async () => {
    for (const id of processes.ids) processes.launch(id);
    await allInSync(client);
  });
  const rows = [
    rowOf(`${PARTITIONS} partitions created, led and in sync`, [createdMs]),
    rowOf('kill -9 until led again, by the brokers', failover.ledMs),
    rowOf(`kill -9 until writable, ${WRITERS} of them`, failover.writableMs),
    rowOf('the same writes, nobody killed', failover.undisturbedMs),
    rowOf('killed broker started until all in sync', [backMs]),
    rowOf('all killed and started until all in sync', [restartMs]),
  ];
  return { rows, notes: [...idle, ...failover.notes] };
}

/**
 * @param {import('../lib/broker-processes.mjs').BrokerProcesses} processes
 * @param {import('../../dist/src/client/index.js').BellwetherClient} client
 * @param {string} failed
 */
async function killOne(processes, client, failed) {
  const led = (await partitions(client)).filter(({ leader }) => leader === failed);
  const numbers = led.map(({ partition }) => partition);
  const every = Math.max(1, Math.floor(numbers.length / WRITERS));
  const written = numbers.filter((_, at) => at % every === 0).slice(0, WRITERS);
  // The client's first calls compile its code; the brokers' elections are as cold as they are in real life.
  await produceTo(client, written, performance.now());
  await pause(1000);
  const undisturbedMs = await produceTo(client, written, performance.now());
  await pause(1000);
  const survivors = processes.ids.filter((id) => id !== failed);
  const cpuBefore = survivors.map((id) => processes.cpuSecondsOf(id));
  const gone = processes.kill(failed);
  const killedMs = performance.now();
  const writableMs = await produceTo(client, written, killedMs);
  await gone;
  await pause(1000);
  const cpuMs = survivors.map((id, at) =>
    Math.round(1000 * (processes.cpuSecondsOf(id) - (cpuBefore[at] ?? 0))),
  );
  const ledMs = await leadersSince(client, numbers, performance.timeOrigin + killedMs);
  await produceTo(client, numbers, killedMs);
  const heirs = await partitions(client);
  const notes = survivors.map((id, at) => {
    const heired = numbers.filter((number) => heirs[number]?.leader === id).length;
    return `scale: ${id} took ${heired} of ${numbers.length} partitions over, with ${cpuMs[at]} ms of CPU time`;
  });
  return { ledMs, writableMs, undisturbedMs, notes };
}

/** @param {() => Promise<void>} act */
async function timed(act) {
  const startMs = performance.now();
  await act();
  return performance.now() - startMs;
}

/** @param {import('../../dist/src/client/index.js').BellwetherClient} client */
async function partitions(client) {
  const { topics } = await client.metadata([TOPIC], { timeoutMs: TIMEOUT_MS });
  return topics[0]?.partitions ?? [];
}

/** @param {import('../../dist/src/client/index.js').BellwetherClient} client */
async function allInSync(client) {
  await until(`all partitions are in sync`, async () => {
    const missing = (await partitions(client)).filter(({ leader, inSyncReplicas }) => {
      return leader === undefined || inSyncReplicas.length < 3;
    });
    // The answer is large: looking must not become the load.
    if (missing.length > 0) await pause(100);
    return missing.length === 0;
  });
}

/** @param {import('../lib/broker-processes.mjs').BrokerProcesses} processes */
async function idleCost(processes) {
  const before = processes.ids.map((id) => processes.cpuSecondsOf(id));
  await pause(IDLE_MS);
  return processes.ids.map((id, at) => {
    const percent = (100_000 * (processes.cpuSecondsOf(id) - (before[at] ?? 0))) / IDLE_MS;
    return `scale: ${id} idle: ${percent.toFixed(1)} % of a core, ${processes.residentMib(id)} MiB resident`;
  });
}

/**
 * One record to each partition; the milliseconds from `fromMs` to each acknowledgement.
 *
 * @param {import('../../dist/src/client/index.js').BellwetherClient} client
 * @param {readonly number[]} numbers
 * @param {number} fromMs
 */
async function produceTo(client, numbers, fromMs) {
  const value = Buffer.alloc(100, 'x');
  /** @type {number[]} */
  const atMs = [];
  await inParallel(numbers, async (partition) => {
    await until(`partition ${partition} takes a record`, async () => {
      // A record of which nobody knows whether it was appended is sent again: it is the writing that counts here.
      await client.produce({ topic: TOPIC, partition }, [{ value }], { timeoutMs: TIMEOUT_MS });
      return true;
    });
    atMs.push(performance.now() - fromMs);
  });
  return atMs;
}

/**
 * @param {import('../../dist/src/client/index.js').BellwetherClient} client
 * @param {readonly number[]} numbers
 * @param {number} fromWallMs
 */
async function leadersSince(client, numbers, fromWallMs) {
  /** @type {number[]} */
  const sinceMs = [];
  await inParallel(numbers, async (partition) => {
    const { leaderSinceMs } = await client.partitionLeader({ topic: TOPIC, partition });
    sinceMs.push(leaderSinceMs - fromWallMs);
  });
  return sinceMs;
}

/**
 * @param {readonly number[]} numbers
 * @param {(partition: number) => Promise<void>} act
 */
async function inParallel(numbers, act) {
  const left = [...numbers];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await act(next);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/**
 * @param {string} what
 * @param {readonly number[]} valuesMs
 */
function rowOf(what, valuesMs) {
  return {
    case: 'scale',
    what,
    p50_ms: percentile(valuesMs, 50),
    p99_ms: percentile(valuesMs, 99),
    max_ms: percentile(valuesMs, 100),
    samples: valuesMs.length,
  };
}
