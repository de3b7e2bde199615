/** The case `ceilings`: what the disk and gRPC do on their own, so that the distance to them is seen. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { asGroupId, asLogIndex, asTerm, ENTRY_KIND } from '../../dist/src/raft/types.js';
import { encodeRecordBatch } from '../../dist/src/records/batch-encode.js';
import { Journal } from '../../dist/src/storage/journal.js';
import { createNodeFileSystem } from '../../dist/src/storage/node-file-system.js';
import { closedLoop } from '../lib/closed-loop.mjs';
import { withCpu } from '../lib/cpu.mjs';
import { medianOfRuns } from '../lib/stats.mjs';

const RUNS = 3;
const WARM_UP_SECONDS = 0.25;
const GROUP = asGroupId(1);
const TERM = asTerm(1);
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
 * Appends and syncs one record batch at a time for each of `inFlight` callers, as a broker does for one
 * partition (with the hard state that goes with every write), but without Raft, network and other brokers.
 *
 * @param {string} directory
 * @param {number} inFlight
 * @param {number} seconds
 */
async function journalAlone(directory, inFlight, seconds) {
  const fileSystem = createNodeFileSystem();
  const { journal } = await Journal.open({ fileSystem, directory, incarnation: randomUUID() });
  const value = new Uint8Array(VALUE_BYTES).fill(118);
  const record = { key: undefined, value, headers: [], timestampMs: Date.now() };
  const payload = encodeRecordBatch(Array.from({ length: RECORDS_PER_BATCH }, () => record));
  const log = journal.createGroupLog(GROUP);
  /** @type {{ sequence: number, resolve: () => void }[]} */
  const waiting = [];
  journal.listen({
    onDurable: (sequence) => {
      while (waiting[0] !== undefined && waiting[0].sequence <= sequence) waiting.shift()?.resolve();
    },
    onFailed: (error) => {
      throw error;
    },
  });
  const call = () => {
    const index = asLogIndex(log.lastIndex + 1);
    const entries = [{ index, term: TERM, kind: ENTRY_KIND.RECORD_BATCH, payload }];
    log.append(entries);
    const state = { term: TERM, votedFor: 'n1', commit: asLogIndex(index - 1) };
    const sequence = journal.submit([
      { kind: 'hardState', group: GROUP, state },
      { kind: 'entries', group: GROUP, entries },
    ]);
    return /** @type {Promise<void>} */ (new Promise((resolve) => waiting.push({ sequence, resolve })));
  };
  const runs = await repeat({ inFlight, seconds, call }, (load) => load());
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
