/** The case `latency`: how long one record takes when nothing else is on the way. */
import { closedLoop } from '../lib/closed-loop.mjs';
import { withCpu } from '../lib/cpu.mjs';
import { medianOfRuns } from '../lib/stats.mjs';
import { createTopic } from '../lib/topic.mjs';

const RUNS = 3;
const VALUE_BYTES = 100;
/** A new process of Node takes so long under load until it is as fast as it will be. */
const WARM_UP_SECONDS = 8;

/**
 * What is timed is one `producer.send` (a stream that stays open), then one `client.produce` (a call each time), of one
 * record, acks=all, from the call to the resolved promise: encoding, the way to the leader, the leader's disk and a
 * follower's (at least one fdatasync each, in parallel), and the way back. One in flight, so nothing is batched and
 * nothing queues. Each figure is the median over three runs.
 *
 * @param {import('../lib/context.mjs').Context} context
 */
export async function latency({ processes, seconds, progress }) {
  const client = await processes.client();
  const ref = await createTopic(client, 'latency');
  const record = { value: Buffer.alloc(VALUE_BYTES, 'v') };
  const producer = client.producer();
  const ways = [
    { name: 'producer.send', call: () => producer.send(ref.topic, record) },
    { name: 'client.produce', call: () => client.produce(ref, [record]) },
  ];
  const rows = [];
  for (const { name, call } of ways) {
    progress(`latency of one record, ${name}, 1 in flight`);
    await closedLoop({ inFlight: 1, seconds: WARM_UP_SECONDS, call });
    const runs = [];
    for (let run = 0; run < RUNS; run += 1) {
      const load = () => closedLoop({ inFlight: 1, seconds, call });
      const { calls_per_second, ...figures } = await withCpu(processes, 1, load);
      runs.push({ per_second: calls_per_second, ...figures });
    }
    rows.push({ case: 'latency', what: `${VALUE_BYTES} B, ${name}, 1 in flight`, ...medianOfRuns(runs) });
  }
  await producer.close();
  return { rows };
}
