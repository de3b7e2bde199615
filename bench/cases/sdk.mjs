/** The case `sdk`: how fast the SDK's producer sends, and its consumer reads. */
import { percentile } from '../lib/stats.mjs';
import { until } from '../lib/until.mjs';

const RUNS = 3;

/** Each load before the first round, in seconds: connections, and code that is compiled while it runs. */
const WARM_UP_SECONDS = 1;

/** Records of one `sendAll`; so many bytes of values under way, a quarter of what the producer buffers; calls at most. */
const RECORDS_PER_CALL = 500;
const BYTES_UNDER_WAY = 8_000_000;
const CALLS_MAX = 64;

/** Those with the same size stand side by side: what is compared is measured close together. */
const LOADS = [
  { valueBytes: 100, partitions: 1 },
  { valueBytes: 100, partitions: 100 },
  { valueBytes: 1000, partitions: 1 },
  { valueBytes: 1000, partitions: 100 },
];

/** The size that is read back: with 100 B, records are few bytes and the client's own work is all there is. */
const READ_VALUE_BYTES = 1000;

/**
 * @typedef {object} Load
 * @property {number} valueBytes
 * @property {number} partitions
 * @property {string} topic
 * @property {import('../../dist/src/client/index.js').Producer} producer
 * @property {number[]} sent Records a second, of each round.
 * @property {number[]} read The same, of its reading.
 */

/**
 * acks=all, idempotent, the options' defaults, records without keys. What is counted is acknowledged: two of three
 * brokers have it on disk. Every round has each load once, and begins with another one. Then the partitions of the
 * loads of 1 KB are read from their beginning, each record decoded, in rounds as well.
 *
 * @param {import('../lib/context.mjs').Context} context
 */
export async function sdk({ processes, seconds, progress }) {
  const client = await processes.client();
  /** @type {Load[]} */
  const loads = [];
  for (const { valueBytes, partitions } of LOADS) {
    const topic = `sdk-${valueBytes}-${partitions}`;
    progress(`sdk ${topic}: warm-up`);
    await createTopic(client, topic, partitions);
    const load = { valueBytes, partitions, topic, producer: client.producer() };
    await send({ ...load, seconds: WARM_UP_SECONDS });
    loads.push({ ...load, sent: [], read: [] });
  }
  await inRounds('sdk producer', loads, progress, async (load) => {
    load.sent.push(await send({ ...load, seconds }));
  });
  for (const { producer } of loads) await producer.close();
  const readBack = loads.filter(({ valueBytes }) => valueBytes === READ_VALUE_BYTES);
  // As for the producers: code that is compiled while it runs.
  for (const { topic, partitions } of readBack) await readAll(client, topic, partitions);
  await inRounds('sdk consumer', readBack, progress, async ({ topic, partitions, read }) => {
    read.push(await readAll(client, topic, partitions));
  });
  return {
    rows: [
      ...loads.map((load) => row('producer', load, load.sent)),
      ...readBack.map((load) => row('consumer', load, load.read)),
    ],
    notes: [
      ...LOADS.filter(({ partitions }) => partitions === 1).map(({ valueBytes }) => {
        const same = loads.filter((load) => load.valueBytes === valueBytes);
        return ratioNote(`producer, ${valueBytes} B`, same, ({ sent }) => sent);
      }),
      ratioNote(`consumer, ${READ_VALUE_BYTES} B`, readBack, ({ read }) => read),
    ],
  };
}

/**
 * Calls `measure` with each load once a round, and begins each round with another load.
 *
 * @template T
 * @param {string} what
 * @param {readonly T[]} loads
 * @param {(text: string) => void} progress
 * @param {(load: T) => Promise<void>} measure
 */
async function inRounds(what, loads, progress, measure) {
  for (let round = 0; round < RUNS; round += 1) {
    progress(`${what}: round ${round + 1} of ${RUNS}`);
    for (const turn of loads.keys()) {
      const load = loads[(round + turn) % loads.length];
      if (load !== undefined) await measure(load);
    }
  }
}

/**
 * What 100 partitions reach of what one does: the ratio of the medians, and the ratios within each round.
 *
 * @template {{ readonly partitions: number }} T
 * @param {string} what
 * @param {readonly T[]} loads One of them with one partition, one with many.
 * @param {(load: T) => readonly number[]} runsOf Records a second.
 */
function ratioNote(what, loads, runsOf) {
  const runs = (/** @type {boolean} */ one) =>
    loads.filter(({ partitions }) => (partitions === 1) === one).flatMap((load) => [...runsOf(load)]);
  const [single, many] = [runs(true), runs(false)];
  const ofMedians = percentile(many, 50) / percentile(single, 50);
  const byRound = many.map((rate, round) => (rate / (single[round] ?? Number.NaN)).toFixed(2));
  return `sdk ${what}: 100 partitions reach ${ofMedians.toFixed(2)} of one partition (by round: ${byRound.join(', ')})`;
}

/**
 * @param {import('../../dist/src/client/index.js').BellwetherClient} client
 * @param {string} topic
 * @param {number} partitions
 */
async function createTopic(client, topic, partitions) {
  await client.admin.createTopic(topic, { partitions, replicationFactor: 3 });
  await until(`all replicas of ${topic} are in sync`, async () => {
    const described = await client.admin.describeTopic(topic);
    return described.partitions.every(({ inSyncReplicas }) => inSyncReplicas.length === 3);
  });
}

/**
 * @param {object} load
 * @param {import('../../dist/src/client/index.js').Producer} load.producer
 * @param {string} load.topic
 * @param {number} load.valueBytes
 * @param {number} load.seconds
 * @returns {Promise<number>} Records a second.
 */
export async function send({ producer, topic, valueBytes, seconds }) {
  const records = Array.from({ length: RECORDS_PER_CALL }, () => ({ value: Buffer.alloc(valueBytes, 'v') }));
  let acknowledged = 0;
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const caller = async () => {
    while (performance.now() < endMs) {
      await producer.sendAll(topic, records);
      acknowledged += records.length;
    }
  };
  const calls = Math.min(CALLS_MAX, Math.ceil(BYTES_UNDER_WAY / (RECORDS_PER_CALL * valueBytes)));
  await Promise.all(Array.from({ length: calls }, caller));
  return (acknowledged * 1000) / (performance.now() - startMs);
}

/**
 * @param {import('../../dist/src/client/index.js').BellwetherClient} client
 * @param {string} topic
 * @param {number} partitions
 */
async function readAll(client, topic, partitions) {
  const refs = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  const consumer = client.consumer({ partitions: refs, untilEnd: true });
  let records = 0;
  const startMs = performance.now();
  for await (const batch of consumer.batches()) records += batch.records().length;
  return (records * 1000) / (performance.now() - startMs);
}

/**
 * @param {string} what
 * @param {{ readonly valueBytes: number, readonly partitions: number }} load
 * @param {readonly number[]} runs Records a second.
 */
function row(what, { valueBytes, partitions }, runs) {
  const perSecond = percentile(runs, 50);
  return {
    case: 'sdk',
    what: `${what}, ${valueBytes} B, ${partitions} partition${partitions === 1 ? '' : 's'}`,
    per_second: perSecond,
    mb_per_second: (perSecond * valueBytes) / 1e6,
    runs,
  };
}
