/** The case `latency`: how long one record takes when nothing else is on the way. */
import { closedLoop } from '../lib/closed-loop.mjs';
import { withCpu } from '../lib/cpu.mjs';
import { medianOfRuns } from '../lib/stats.mjs';
import { createTopic } from '../lib/topic.mjs';

const RUNS = 3;
const VALUE_BYTES = 100;
const WARM_UP_SECONDS = 0.75;

/**
 * What is timed is one `client.produce` of one record, acks=all, from the call to the resolved promise:
 * encoding, the way to the leader, the leader's disk and a follower's (at least one fdatasync each, in
 * parallel), and the way back. One call in flight, so nothing is batched and nothing queues. Each figure
 * is the median over three runs.
 *
 * @param {import('../lib/context.mjs').Context} context
 */
export async function latency({ processes, seconds, progress }) {
  progress('latency of one record, 1 call in flight');
  const client = await processes.client();
  const ref = await createTopic(client, 'latency');
  const records = [{ value: Buffer.alloc(VALUE_BYTES, 'v') }];
  const call = () => client.produce(ref, records);
  await closedLoop({ inFlight: 1, seconds: WARM_UP_SECONDS, call });
  const runs = [];
  for (let run = 0; run < RUNS; run += 1) {
    const load = () => closedLoop({ inFlight: 1, seconds, call });
    const { calls_per_second, ...figures } = await withCpu(processes, 1, load);
    runs.push({ per_second: calls_per_second, ...figures });
  }
  const what = `${VALUE_BYTES} B, 1 record a call, 1 call in flight`;
  return { rows: [{ case: 'latency', what, ...medianOfRuns(runs) }] };
}
