/** The case `memory`: full load with a follower that is stopped and a consumer that does not read. Is memory bounded? */
import { setTimeout as pause } from 'node:timers/promises';
import { BellwetherError } from '../../dist/src/client/index.js';
import { allInSync, partitionsOf } from '../lib/many-partitions.mjs';
import { brokerRow, diskNote, ranOutNote, verdictNote } from '../lib/memory-report.mjs';
import { ResourceSampler } from '../lib/resource-sampler.mjs';
import { until } from '../lib/until.mjs';

const TOPIC = 'memory';
const PARTITIONS = 6;
const VALUE_BYTES = 1000;

/** Records of one `sendAll`, and such calls under way. */
const RECORDS_PER_CALL = 500;
const CALLS = 16;

/** Pause after a call that failed, in milliseconds. */
const FAILED_PAUSE_MS = 50;

/** What each replica of a partition keeps; the load of a few seconds more stands between two looks of retention. */
const RETENTION_BYTES = 256 * 1024 * 1024;
const SEGMENT_BYTES = 32 * 1024 * 1024;
const RETENTION_CHECK_MS = 2000;

/** It leads nothing, and its process is stopped from and until these shares of the run. */
const FOLLOWER = 'n3';
const STOPPED_FROM = 0.4;
const STOPPED_UNTIL = 0.6;

/** Pause between two looks whether it is in sync again, in seconds. */
const LOOK_SECONDS = 0.5;

/** The run ends early when the disk has less room than this, in bytes. */
const FREE_BYTES_MIN = 5_000_000_000;

/** What a broker may take, in MiB. */
const RESIDENT_MIB_MAX = 512;

/** @type {import('../lib/context.mjs').Case} */
export const memory = {
  brokers: { balanced: false, flags: ['--retention-check-ms', String(RETENTION_CHECK_MS)] },
  onRequest: true,
  seconds: 600,
  async run({ processes, folder, seconds, progress }) {
    const client = await processes.client();
    await createTopic(client);
    const reader = await stopReading(await processes.client());
    const endOfRun = new AbortController();
    const sampler = new ResourceSampler(processes, folder, ({ freeBytes }) => {
      if (freeBytes < FREE_BYTES_MIN) endOfRun.abort();
    });
    progress(`memory: full load for ${seconds} s, ${FOLLOWER} stopped in the middle`);
    const follower = stopFollower({ processes, client, seconds, signal: endOfRun.signal });
    const load = await send(client.producer(), seconds, endOfRun.signal);
    const inSyncAgain = await follower;
    sampler.stop();
    await reader.return?.();
    const { samples } = sampler;
    const ranOutOfDisk = endOfRun.signal.aborted;
    return {
      failed: ranOutOfDisk,
      rows: [
        loadRow(load),
        ...processes.ids.map((id) => {
          const stopped = [STOPPED_FROM, STOPPED_UNTIL].map((share) => `${Math.round(share * seconds)} s`);
          const what =
            id === FOLLOWER ? `broker ${id}, stopped from ${stopped.join(' to ')}` : `broker ${id}`;
          return brokerRow(what, id, samples, seconds);
        }),
      ],
      notes: [
        ...(ranOutOfDisk ? [ranOutNote(load.tookSeconds, seconds, FREE_BYTES_MIN)] : []),
        ...processes.ids.map((id) => verdictNote(id, samples, seconds, RESIDENT_MIB_MAX)),
        ...(ranOutOfDisk ? [] : [inSyncNote(inSyncAgain)]),
        diskNote(samples, PARTITIONS * RETENTION_BYTES),
        ...[...load.failures].map(([reason, count]) => `memory: ${count} calls failed with ${reason}`),
      ],
    };
  },
};

/** @param {number | undefined} seconds */
function inSyncNote(seconds) {
  return seconds === undefined
    ? `memory: ${FOLLOWER} was not in sync again by the end`
    : `memory: ${FOLLOWER} was in sync again ${seconds.toFixed(1)} s after it went on, under the load`;
}

/**
 * @param {Awaited<ReturnType<typeof send>>} load
 * @returns {import('../lib/context.mjs').Row}
 */
function loadRow({ acknowledged, failures, tookSeconds }) {
  const perSecond = acknowledged / tookSeconds;
  return {
    case: 'memory',
    what: `producer, ${VALUE_BYTES} B, ${PARTITIONS} partitions, ${Math.round(tookSeconds)} s`,
    per_second: perSecond,
    mb_per_second: (perSecond * VALUE_BYTES) / 1e6,
    failed_calls: [...failures.values()].reduce((sum, count) => sum + count, 0),
  };
}

/** @typedef {import('../../dist/src/client/index.js').BellwetherClient} Client */

/** @param {Client} client */
async function createTopic(client) {
  const config = { retention_bytes: RETENTION_BYTES, segment_bytes: SEGMENT_BYTES };
  await client.admin.createTopic(TOPIC, { partitions: PARTITIONS, replicationFactor: 3, config });
  await allInSync(client, TOPIC, PARTITIONS);
  await until(`${FOLLOWER} leads nothing`, async () => {
    const led = (await partitionsOf(client, TOPIC)).filter(({ leader }) => leader === FOLLOWER);
    for (const { partition, replicas } of led) {
      const others = replicas.filter((id) => id !== FOLLOWER);
      await client.admin.transferLeadership(
        { topic: TOPIC, partition },
        { target: others[partition % others.length] },
      );
    }
    return led.length === 0;
  });
}

/**
 * A consumer of all partitions that has begun, and asks for nothing more: every stream of a broker to it fills up.
 *
 * @param {Client} client One that nobody else uses.
 */
async function stopReading(client) {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition }));
  await client.produce({ topic: TOPIC, partition: 0 }, [{ value: Buffer.alloc(1) }]);
  const batches = client.consumer({ partitions }).batches();
  await batches.next();
  return batches;
}

/**
 * As fast as the SDK's producer does it; a call that fails is counted, and the next one follows.
 *
 * @param {import('../../dist/src/client/index.js').Producer} producer
 * @param {number} seconds
 * @param {AbortSignal} signal Ends it early.
 */
async function send(producer, seconds, signal) {
  const records = Array.from({ length: RECORDS_PER_CALL }, () => ({ value: Buffer.alloc(VALUE_BYTES, 'v') }));
  /** @type {Map<string, number>} */
  const failures = new Map();
  let acknowledged = 0;
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const caller = async () => {
    while (performance.now() < endMs && !signal.aborted) {
      try {
        await producer.sendAll(TOPIC, records);
        acknowledged += records.length;
      } catch (error) {
        if (!(error instanceof BellwetherError)) throw error;
        failures.set(error.reason, (failures.get(error.reason) ?? 0) + 1);
        await pause(FAILED_PAUSE_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: CALLS }, caller));
  const tookSeconds = (performance.now() - startMs) / 1000;
  await producer.close();
  return { acknowledged, failures, tookSeconds };
}

/**
 * Stops the follower for its part of the run. Resolves with how long it needed then to be in sync again, in seconds;
 * undefined when it was not by the end of the run.
 *
 * @param {object} options
 * @param {import('../lib/broker-processes.mjs').BrokerProcesses} options.processes
 * @param {Client} options.client
 * @param {number} options.seconds
 * @param {AbortSignal} options.signal Of an early end.
 */
async function stopFollower({ processes, client, seconds, signal }) {
  if (!(await rested(seconds * STOPPED_FROM, signal))) return undefined;
  processes.signal(FOLLOWER, 'SIGSTOP');
  const isWhole = await rested(seconds * (STOPPED_UNTIL - STOPPED_FROM), signal);
  processes.signal(FOLLOWER, 'SIGCONT');
  if (!isWhole) return undefined;
  const startMs = performance.now();
  const endMs = startMs + seconds * (1 - STOPPED_UNTIL) * 1000;
  while (performance.now() < endMs && (await rested(LOOK_SECONDS, signal))) {
    const partitions = await partitionsOf(client, TOPIC);
    const isInSync = partitions.every(({ inSyncReplicas }) => inSyncReplicas.includes(FOLLOWER));
    if (isInSync) return (performance.now() - startMs) / 1000;
  }
  return undefined;
}

/**
 * @param {number} seconds
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} False when it was ended early.
 */
function rested(seconds, signal) {
  return pause(seconds * 1000, true, { signal }).catch(() => false);
}
