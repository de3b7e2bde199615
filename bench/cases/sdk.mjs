/** The case `sdk`: how fast the SDK's producer sends, and its consumer reads. */
import { percentile } from '../lib/stats.mjs';
import { until } from '../lib/until.mjs';

const RUNS = 3;

/** Records of one `sendAll`, and such calls under way: more than a second's worth of the buffer never waits. */
const RECORDS_PER_CALL = 500;
const CALLS = 16;

const LOADS = [
  { valueBytes: 100, partitions: 1 },
  { valueBytes: 1000, partitions: 1 },
  { valueBytes: 100, partitions: 100 },
  { valueBytes: 1000, partitions: 100 },
];

/**
 * acks=all, idempotent, the options' defaults, records without keys. What is counted is acknowledged: two of three
 * brokers have it on disk. Then the partitions of one load are read from their beginning, each record decoded.
 *
 * @param {import('../lib/context.mjs').Context} context
 */
export async function sdk({ processes, seconds, progress }) {
  const client = await processes.client();
  const rows = [];
  for (const { valueBytes, partitions } of LOADS) {
    const topic = `sdk-${valueBytes}-${partitions}`;
    progress(`sdk ${topic}`);
    await createTopic(client, topic, partitions);
    const producer = client.producer();
    await send({ producer, topic, valueBytes, seconds: 1 });
    const runs = [];
    for (let run = 0; run < RUNS; run += 1) runs.push(await send({ producer, topic, valueBytes, seconds }));
    await producer.close();
    rows.push(row(`producer, ${valueBytes} B, ${partitions} partitions`, runs, valueBytes));
    if (valueBytes !== 1000) continue;
    rows.push(
      row(
        `consumer, ${valueBytes} B, ${partitions} partitions`,
        [await read(client, topic, partitions)],
        valueBytes,
      ),
    );
  }
  return { rows };
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
  await Promise.all(Array.from({ length: CALLS }, caller));
  return (acknowledged * 1000) / (performance.now() - startMs);
}

/**
 * @param {import('../../dist/src/client/index.js').BellwetherClient} client
 * @param {string} topic
 * @param {number} partitions
 */
async function read(client, topic, partitions) {
  const refs = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  const consumer = client.consumer({ partitions: refs, untilEnd: true });
  let records = 0;
  const startMs = performance.now();
  for await (const batch of consumer.batches()) records += batch.records().length;
  return (records * 1000) / (performance.now() - startMs);
}

/**
 * @param {string} what
 * @param {readonly number[]} runs Records a second.
 * @param {number} valueBytes
 */
function row(what, runs, valueBytes) {
  const perSecond = percentile(runs, 50);
  return { case: 'sdk', what, per_second: perSecond, mb_per_second: (perSecond * valueBytes) / 1e6, runs };
}
