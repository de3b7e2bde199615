/** The case `produce`: how many records a second one partition takes from one client. */
import { closedLoop } from '../lib/closed-loop.mjs';
import { withCpu } from '../lib/cpu.mjs';
import { medianOfRuns } from '../lib/stats.mjs';
import { createTopic } from '../lib/topic.mjs';

const RUNS = 3;

/** Before the first run: connections, leader, and code that is compiled while it runs. In seconds. */
const WARM_UP_SECONDS = 0.75;

/** What is measured: small and large records, as an application with and without batching sends them. */
export const LOADS = [
  { name: '100b-batched', valueBytes: 100, recordsPerCall: 100, inFlight: 16 },
  { name: '1kb-batched', valueBytes: 1000, recordsPerCall: 100, inFlight: 16 },
  { name: '100b-single', valueBytes: 100, recordsPerCall: 1, inFlight: 64 },
  { name: '1kb-single', valueBytes: 1000, recordsPerCall: 1, inFlight: 64 },
];

/** @param {import('../lib/context.mjs').Context} context */
export async function produce({ processes, seconds, progress }) {
  const rows = [];
  for (const load of LOADS) {
    progress(`produce ${load.name}`);
    const runs = await runLoad(
      processes,
      load,
      Array.from({ length: RUNS }, () => seconds),
    );
    rows.push({
      case: 'produce',
      what: `${load.valueBytes} B, ${load.recordsPerCall} a call, ${load.inFlight} calls in flight`,
      ...medianOfRuns(runs),
    });
  }
  return { rows };
}

/**
 * Puts one load on a topic of its own, after a warm-up once for each of `seconds`.
 *
 * acks=all: a call is answered when two of three brokers have its records on disk (fdatasync). MB/s
 * counts 10^6 bytes of values. The latencies are those of a whole call.
 *
 * @param {import('../lib/broker-processes.mjs').BrokerProcesses} processes
 * @param {(typeof LOADS)[number]} load
 * @param {readonly number[]} seconds
 */
export async function runLoad(processes, load, seconds) {
  const { valueBytes, recordsPerCall, inFlight } = load;
  const client = await processes.client();
  const ref = await createTopic(client, `produce-${load.name}`);
  const value = Buffer.alloc(valueBytes, 'v');
  const records = Array.from({ length: recordsPerCall }, () => ({ value }));
  let acknowledged = 0;
  const call = async () => {
    const { recordCount } = await client.produce(ref, records);
    acknowledged += recordCount;
  };
  await closedLoop({ inFlight, seconds: WARM_UP_SECONDS, call });
  const runs = [];
  for (const each of seconds) {
    const run = () => closedLoop({ inFlight, seconds: each, call });
    const { calls_per_second, ...figures } = await withCpu(processes, recordsPerCall, run);
    const perSecond = calls_per_second * recordsPerCall;
    runs.push({
      per_second: perSecond,
      mb_per_second: (perSecond * valueBytes) / 1e6,
      ...figures,
    });
  }
  const { highWatermark } = await client.fetch(ref, acknowledged, { maxRecords: 1 });
  if (highWatermark !== acknowledged) {
    throw new Error(`${acknowledged} records were acknowledged, the log ends at ${highWatermark}`);
  }
  return runs;
}
