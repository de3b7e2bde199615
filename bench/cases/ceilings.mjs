/** The case `ceilings`: what the disk and gRPC do on their own, so that the distance to them is seen. */
import { join } from 'node:path';
import { encodeRecordBatch } from '../../dist/src/records/batch-encode.js';
import { closedLoop } from '../lib/closed-loop.mjs';
import { withCpu } from '../lib/cpu.mjs';
import { openJournalLoad } from '../lib/journal-load.mjs';
import { medianOfRuns } from '../lib/stats.mjs';

const RUNS = 3;
const WARM_UP_SECONDS = 0.25;
const VALUE_BYTES = 100;
const RECORDS_PER_BATCH = 100;

/** @param {import('../lib/context.mjs').Context} context */
export async function ceilings({ processes, folder, seconds, progress }) {
  const rows = [];
  for (const inFlight of [1, 16]) {
    progress(`ceilings: journal, ${inFlight} in flight`);
    rows.push({
      case: 'ceilings',
      what: `journal alone: ${VALUE_BYTES} B x ${RECORDS_PER_BATCH} a batch, ${inFlight} in flight`,
      ...(await journalAlone(join(folder, `journal-${inFlight}`), inFlight, seconds)),
    });
  }
  const client = await processes.client();
  for (const inFlight of [1, 64]) {
    progress(`ceilings: gRPC, ${inFlight} in flight`);
    const call = () => client.admin.describeCluster();
    const runs = await repeat({ inFlight, seconds, call }, (load) => withCpu(processes, 1, load));
    const what = `unary gRPC alone: DescribeCluster, ${inFlight} in flight`;
    rows.push({ case: 'ceilings', what, ...medianOfRuns(runs) });
  }
  return { rows };
}

/**
 * Appends and syncs one record batch at a time for each of `inFlight` callers.
 *
 * @param {string} directory
 * @param {number} inFlight
 * @param {number} seconds
 */
async function journalAlone(directory, inFlight, seconds) {
  const value = new Uint8Array(VALUE_BYTES).fill(118);
  const record = { key: undefined, value, headers: [], timestampMs: Date.now() };
  const payload = encodeRecordBatch(Array.from({ length: RECORDS_PER_BATCH }, () => record));
  const journal = await openJournalLoad(directory, payload);
  const runs = await repeat({ inFlight, seconds, call: journal.append }, (load) => load());
  await journal.close();
  return medianOfRuns(
    runs.map(({ per_second, ...rest }) => ({
      per_second: per_second * RECORDS_PER_BATCH,
      mb_per_second: (per_second * RECORDS_PER_BATCH * VALUE_BYTES) / 1e6,
      ...rest,
    })),
  );
}

/**
 * @template T
 * @param {Parameters<typeof closedLoop>[0]} load
 * @param {(run: () => ReturnType<typeof closedLoop>) => Promise<T & { calls_per_second: number }>} measured
 */
async function repeat(load, measured) {
  await closedLoop({ ...load, seconds: WARM_UP_SECONDS });
  const runs = [];
  for (let i = 0; i < RUNS; i += 1) {
    // A third each: what is measured here is steadier than a cluster.
    const run = () => closedLoop({ ...load, seconds: load.seconds / RUNS });
    const { calls_per_second, ...figures } = await measured(run);
    runs.push({ per_second: calls_per_second, ...figures });
  }
  return runs;
}
