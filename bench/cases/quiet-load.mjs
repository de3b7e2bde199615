/** The case `quiet-load`: full load and no fault, under which nobody must be elected. */
import { closedLoop } from '../lib/closed-loop.mjs';
import { createMany, partitionsOf } from '../lib/many-partitions.mjs';

const TOPIC = 'quiet-load';
const PARTITIONS = 3;
const VALUE_BYTES = 100;
const RECORDS_PER_CALL = 100;
const IN_FLIGHT = 48;

/**
 * Batches for three partitions, one led by each broker, with as many calls in flight as keep the machine busy; and
 * the terms of all partitions and of the cluster metadata before and after.
 *
 * @type {import('../lib/context.mjs').Case}
 */
export const quietLoad = {
  brokers: { balanced: false },
  async run({ processes, seconds, progress }) {
    const client = await processes.client();
    await createMany(client, TOPIC, PARTITIONS);
    let suspicions = 0;
    const deaf = processes.onLog(({ msg }) => {
      if (msg === 'peer is down') suspicions += 1;
    });
    const before = await termsOf(client);
    progress(`quiet-load: ${seconds} s`);
    const value = Buffer.alloc(VALUE_BYTES, 'v');
    const records = Array.from({ length: RECORDS_PER_CALL }, () => ({ value }));
    let calls = 0;
    let failed = 0;
    const call = () => {
      const ref = { topic: TOPIC, partition: calls % PARTITIONS };
      calls += 1;
      return client.produce(ref, records).catch(() => (failed += 1));
    };
    const { calls_per_second, ...figures } = await closedLoop({ inFlight: IN_FLIGHT, seconds, call });
    const after = await termsOf(client);
    deaf();
    const elections = after.reduce((sum, term, i) => sum + term - (before[i] ?? 0), 0);
    const perSecond = calls_per_second * RECORDS_PER_CALL;
    const what = `${VALUE_BYTES} B, ${RECORDS_PER_CALL} a call, ${IN_FLIGHT} calls in flight, ${PARTITIONS} leaders`;
    return {
      rows: [
        {
          case: 'quiet-load',
          what,
          per_second: perSecond,
          mb_per_second: (perSecond * VALUE_BYTES) / 1e6,
          ...figures,
          failed_calls: failed,
        },
      ],
      notes: [
        `quiet-load: ${elections} elections in ${seconds} s, and none may be; ${suspicions} times a peer was taken for down`,
      ],
    };
  },
};

/**
 * Of the metadata's group and of each partition.
 *
 * @param {import('../../dist/src/client/index.js').BellwetherClient} client
 */
async function termsOf(client) {
  const { controllerTerm } = await client.admin.describeCluster();
  const partitions = await partitionsOf(client, TOPIC);
  return [controllerTerm, ...partitions.map(({ term }) => term)];
}
