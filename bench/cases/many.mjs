/** The case `many`: a broker of three is killed while it leads a third of thousands of partitions. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  allInSync,
  createMany,
  inParallel,
  leadAsCreated,
  partitionsOf,
  verifyWritten,
  writeOneToEach,
} from '../lib/many-partitions.mjs';
import { percentile, summary } from '../lib/stats.mjs';

const TOPIC = 'many';

/** Time for all kills in milliseconds; when they need more, fewer are measured and it is said. */
const BUDGET_MS = 300_000;

/** Between the last work of the brokers and what is measured, in milliseconds. */
const SETTLE_MS = 2_000;

/**
 * Kills each broker once, the last one first. What is measured is one write to each partition that it led, begun
 * at the kill by a client that knew the leaders, and for comparison the same writes just before, with nobody killed.
 *
 * @type {import('../lib/context.mjs').Case}
 */
export const many = {
  brokers: { balanced: false },
  async run({ processes, partitions, progress }) {
    progress('many: the partitions are created');
    const client = await processes.client();
    const createdMs = await createMany(client, TOPIC, partitions);
    const rounds = [];
    const endMs = performance.now() + BUDGET_MS;
    for (const broker of processes.ids.toReversed()) {
      if (performance.now() > endMs) break;
      progress(`many: ${broker} is killed`);
      rounds.push(await killOne(processes, client, broker, partitions));
      await leadAsCreated(client, TOPIC);
      await allInSync(client, TOPIC, partitions);
    }
    const written = rounds.flatMap((round) => [...round.calm, ...round.written]);
    const verified = await verifyWritten(client, TOPIC, written);
    const missing = processes.ids.length - rounds.length;
    const notes = missing > 0 ? [`many: time for ${rounds.length} kills only`] : [];
    return { rows: rowsOf(createdMs, rounds), verified, notes };
  },
};

/**
 * @param {import('../lib/broker-processes.mjs').BrokerProcesses} processes
 * @param {import('../lib/many-partitions.mjs').Client} client
 * @param {string} broker
 * @param {number} partitions
 */
async function killOne(processes, client, broker, partitions) {
  const led = (await partitionsOf(client, TOPIC))
    .filter(({ leader }) => leader === broker)
    .map(({ partition }) => partition);
  const calmFromMs = performance.now();
  const { written: calm } = await writeOneToEach(client, TOPIC, led, `before ${broker}`);
  const calmMs = since(calm, calmFromMs);
  await pause(SETTLE_MS);
  const gone = processes.kill(broker);
  const killedMs = performance.now();
  const { written, failedCalls } = await writeOneToEach(client, TOPIC, led, `after ${broker}`);
  await gone;
  const led_ms = await leadersSince(client, led, performance.timeOrigin + killedMs);
  processes.launch(broker);
  await processes.whole();
  await allInSync(client, TOPIC, partitions);
  return { broker, calm, calmMs, written, writableMs: since(written, killedMs), led_ms, failedCalls };
}

/**
 * When each partition's leader had committed in its term, as the brokers say, since the kill.
 *
 * @param {import('../lib/many-partitions.mjs').Client} client
 * @param {readonly number[]} numbers
 * @param {number} killedWallMs
 */
async function leadersSince(client, numbers, killedWallMs) {
  /** @type {number[]} */
  const sinceMs = [];
  await inParallel(numbers, async (partition) => {
    const { leaderSinceMs } = await client.partitionLeader({ topic: TOPIC, partition });
    sinceMs.push(Math.max(0, leaderSinceMs - killedWallMs));
  });
  return sinceMs;
}

/**
 * @param {readonly import('../lib/many-partitions.mjs').Written[]} written
 * @param {number} fromMs
 */
function since(written, fromMs) {
  return written.map(({ atMs }) => atMs - fromMs);
}

/**
 * @param {number} createdMs
 * @param {readonly Awaited<ReturnType<typeof killOne>>[]} rounds
 */
function rowsOf(createdMs, rounds) {
  const runs = rounds.map(({ broker, writableMs, led_ms, calmMs, failedCalls }) => ({
    broker,
    partitions: writableMs.length,
    failed_calls: failedCalls,
    writable: summary(writableMs),
    led: summary(led_ms),
    before: summary(calmMs),
  }));
  const last = rounds.map(({ writableMs }) => percentile(writableMs, 100));
  return [
    {
      case: 'many',
      what: 'kill -9 of a broker to the next acknowledged write, of each partition that it led',
      ...summary(rounds.flatMap(({ writableMs }) => writableMs)),
      failed_calls: rounds.reduce((sum, { failedCalls }) => sum + failedCalls, 0),
      runs,
    },
    { case: 'many', what: 'the last partition of each kill', ...summary(last) },
    {
      case: 'many',
      what: 'brokers: until the next leader of each partition committed',
      ...summary(rounds.flatMap(({ led_ms }) => led_ms)),
    },
    {
      case: 'many',
      what: 'the same writes with nobody killed (what the client and the brokers need for them)',
      ...summary(rounds.flatMap(({ calmMs }) => calmMs)),
    },
    { case: 'many', what: 'creation until all partitions were in sync', ...summary([createdMs]) },
  ];
}
