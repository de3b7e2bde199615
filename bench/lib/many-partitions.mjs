/** Owns a topic of many partitions: its creation, who leads what, and one write to each of many. */
import { setTimeout as pause } from 'node:timers/promises';
import { BellwetherError } from '../../dist/src/client/index.js';
import { until } from './until.mjs';

/** Calls that are under way at a time. */
const IN_FLIGHT = 64;

/** Bound of one call in milliseconds; of the creation too. */
const TIMEOUT_MS = 30_000;

/** Longest wait until all partitions are in sync, in milliseconds. */
const IN_SYNC_WITHIN_MS = 180_000;

/** Pause between two looks at all partitions in milliseconds: the answer is large. */
const LOOK_MS = 200;

/** @typedef {import('../../dist/src/client/index.js').BellwetherClient} Client */

/**
 * @typedef {object} Written
 * @property {number} partition
 * @property {string} value
 * @property {number} offset
 * @property {number} atMs When it was acknowledged, on the clock of `performance.now()`.
 */

/**
 * Creates the topic, and waits until every partition is in sync; returns how long that took.
 *
 * @param {Client} client
 * @param {string} topic
 * @param {number} partitions
 */
export async function createMany(client, topic, partitions) {
  const startMs = performance.now();
  await client.admin.createTopic(topic, { partitions, replicationFactor: 3, timeoutMs: TIMEOUT_MS });
  await allInSync(client, topic, partitions);
  return performance.now() - startMs;
}

/**
 * @param {Client} client
 * @param {string} topic
 */
export async function partitionsOf(client, topic) {
  const { topics } = await client.metadata([topic], { timeoutMs: TIMEOUT_MS });
  return topics[0]?.partitions ?? [];
}

/**
 * Waits until each of so many partitions has a leader and all replicas in sync.
 *
 * @param {Client} client
 * @param {string} topic
 * @param {number} count
 */
export async function allInSync(client, topic, count) {
  const isWhole = async () => {
    const partitions = await partitionsOf(client, topic);
    if (partitions.length === count && partitions.every(isInSync)) return true;
    await pause(LOOK_MS);
    return false;
  };
  await until(`all partitions of ${topic} are in sync`, isWhole, IN_SYNC_WITHIN_MS);
}

/** @param {{ leader: string | undefined, inSyncReplicas: readonly string[] }} partition */
function isInSync({ leader, inSyncReplicas }) {
  return leader !== undefined && leader !== '' && inSyncReplicas.length === 3;
}

/**
 * Has every partition led by its first replica again, as when it was created.
 *
 * @param {Client} client
 * @param {string} topic
 */
export async function leadAsCreated(client, topic) {
  const isAsCreated = async () => {
    const moved = (await partitionsOf(client, topic)).filter(
      ({ leader, replicas }) => leader !== replicas[0],
    );
    await inParallel(moved, async ({ partition, leader, replicas }) => {
      const request = { topic, partition, failedLeader: String(leader), target: replicas[0] };
      // A follower that does not catch up in time is asked again.
      await client.partitionFailover(request, { timeoutMs: TIMEOUT_MS }).catch(() => undefined);
    });
    return moved.length === 0;
  };
  await until(`all partitions of ${topic} are led by their first replica`, isAsCreated, IN_SYNC_WITHIN_MS);
}

/**
 * Writes one record to each of the partitions, in a random order, and goes on with each until it is acknowledged.
 *
 * @param {Client} client
 * @param {string} topic
 * @param {readonly number[]} numbers
 * @param {string} label Makes the values differ from those of other calls.
 * @returns {Promise<{ written: Written[], failedCalls: number }>}
 */
export async function writeOneToEach(client, topic, numbers, label) {
  /** @type {Written[]} */
  const written = [];
  let failedCalls = 0;
  await inParallel(shuffled(numbers), async (partition) => {
    for (let attempt = 0; ; attempt += 1) {
      const value = `${label} ${partition} ${attempt} `.padEnd(100, '.');
      try {
        const records = [{ value: Buffer.from(value) }];
        const { baseOffset } = await client.produce({ topic, partition }, records, { timeoutMs: TIMEOUT_MS });
        written.push({ partition, value, offset: baseOffset, atMs: performance.now() });
        return;
      } catch (error) {
        if (!(error instanceof BellwetherError)) throw error;
        failedCalls += 1;
      }
    }
  });
  return { written, failedCalls };
}

/**
 * Looks every acknowledged record up.
 *
 * @param {Client} client
 * @param {string} topic
 * @param {readonly Written[]} written
 * @throws Error when one is not at the offset that was acknowledged.
 */
export async function verifyWritten(client, topic, written) {
  const decoder = new TextDecoder();
  await inParallel(written, async ({ partition, value, offset }) => {
    const { records } = await client.fetch({ topic, partition }, offset, { maxRecords: 1 });
    const [record] = records;
    if (record?.offset === offset && decoder.decode(record.value) === value) return;
    throw new Error(
      `the record that was acknowledged at offset ${offset} of ${topic}/${partition} is not there`,
    );
  });
  return { acknowledged: written.length, acknowledged_missing: 0 };
}

/**
 * Does something for each item, `IN_FLIGHT` of them at a time.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<void>} act
 */
export async function inParallel(items, act) {
  let taken = 0;
  const worker = async () => {
    for (let item = items[taken++]; item !== undefined; item = items[taken++]) await act(item);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** @param {readonly number[]} numbers */
function shuffled(numbers) {
  return numbers
    .map((number) => ({ number, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ number }) => number);
}
