/**
 * `npm run bench:restart`: how long a broker takes to serve again with much on its disk, and what memory that takes.
 *
 * A broker of a cluster of one is filled through its own journal, without the network, and then started again in a
 * process of its own. `--gib N` (2), `--record-bytes N` (1000), `--data DIR`.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { connect } from '../dist/src/client/index.js';
import { PartitionLog } from '../dist/src/log/partition-log.js';
import { encodeRecordBatch } from '../dist/src/records/batch-encode.js';
import { stampBatch } from '../dist/src/records/batch-header.js';
import { openDataDirectory } from '../dist/src/storage/data-directory.js';
import { lockDirectory } from '../dist/src/storage/directory-lock.js';
import { Journal } from '../dist/src/storage/journal.js';
import { createNodeFileSystem } from '../dist/src/storage/node-file-system.js';
import { startEmbeddedCluster } from '../dist/src/testing/embedded-cluster.js';

const TOPIC = { topic: 'restart', partition: 0 };
const RECORDS_A_BATCH = 4;
const PENDING_BYTES_MAX = 32 * 1024 * 1024;
const RECORD_BATCH = 1;

const { values } = parseArgs({
  options: {
    gib: { type: 'string', default: '2' },
    'record-bytes': { type: 'string', default: '1000' },
    data: { type: 'string', default: tmpdir() },
    serve: { type: 'string' },
  },
});

/** @param {string} data */
async function started(data) {
  const cluster = await startEmbeddedCluster({ brokers: ['n1'], data });
  const client = await connect({ brokers: cluster.brokers.map(({ address }) => address) });
  return {
    client,
    close: async () => {
      await client.close();
      await cluster.close();
    },
  };
}

/** Appends to the partition's group what a leader would have, and returns how many records there are. */
async function fill(/** @type {string} */ data, /** @type {number} */ bytes) {
  const fileSystem = createNodeFileSystem();
  const directory = await openDataDirectory({
    ...{ fileSystem, directory: join(data, 'n1'), brokerId: 'n1', clusterName: 'bellwether' },
    ...{ bootstrapVoters: ['n1'], newUuid: () => '', lock: lockDirectory },
  });
  const { incarnation, journalDirectory } = directory;
  const { journal, groups } = await Journal.open({ fileSystem, directory: journalDirectory, incarnation });
  const group = [...groups.keys()].find((id) => id !== 0);
  const found = group === undefined ? undefined : groups.get(group);
  if (group === undefined || found === undefined) throw new Error('the partition has a group');
  const machine = new PartitionLog();
  const { log, hardState } = found;
  for (const entry of log.entries(log.firstIndex, log.lastIndex + 1, Infinity)) machine.appended(entry);
  /** @type {(() => void) | undefined} */
  let wake;
  let pending = 0;
  /** @type {{ sequence: number, bytes: number, index: number }[]} */
  const under = [];
  /** @type {unknown} */
  let failure;
  journal.listen({
    onDurable: (sequence) => {
      while (under[0] !== undefined && under[0].sequence <= sequence) {
        pending -= under[0].bytes;
        machine.committedTo(under[0].index);
        under.shift();
      }
      wake?.();
    },
    onFailed: (error) => {
      failure = error;
      wake?.();
    },
    machineState: (id) =>
      id === group ? machine.checkpoint(log.storedLastIndex, log.segmentStarts) : undefined,
  });
  const value = new Uint8Array(Number(values['record-bytes'])).fill(120);
  const record = { key: undefined, value, headers: [], timestampMs: 1_700_000_000_000 };
  const batch = encodeRecordBatch(Array.from({ length: RECORDS_A_BATCH }, () => record));
  for (let written = 0; written < bytes;) {
    const entries = [];
    for (let size = 0; size < 1024 * 1024; size += batch.length) {
      const payload = batch.slice();
      const index = log.lastIndex + entries.length + 1;
      stampBatch(payload, machine.logEndOffset, hardState.term);
      const entry = { index, term: hardState.term, kind: RECORD_BATCH, payload };
      machine.appended(entry);
      entries.push(entry);
    }
    log.append(entries);
    const size = entries.length * (batch.length + 40);
    const commit = log.lastIndex - entries.length;
    const sequence = journal.submit([
      { kind: 'entries', group, entries },
      { kind: 'hardState', group, state: { ...hardState, commit } },
    ]);
    under.push({ sequence, bytes: size, index: log.lastIndex });
    pending += size;
    written += size;
    while (pending > PENDING_BYTES_MAX && failure === undefined) {
      await new Promise((resolve) => {
        wake = () => resolve(undefined);
      });
    }
    if (failure !== undefined) throw failure;
  }
  await journal.close();
  await directory.release();
  return Number(machine.logEndOffset);
}

/** In a process of its own: starts, reads the first and the last record, and says how long that took. */
async function serve(/** @type {string} */ data) {
  const { client, close } = await started(data);
  const end = (await client.listOffsets(TOPIC, 'latest')).offset;
  const servingMs = performance.now();
  const last = await client.fetch(TOPIC, Number(end) - 1);
  const first = await client.fetch(TOPIC, 0);
  if (last.records.length === 0 || first.records.length === 0) throw new Error('a record is gone');
  const readMs = performance.now() - servingMs;
  const rssMib = process.memoryUsage().rss / 1024 / 1024;
  await close();
  process.stdout.write(`${JSON.stringify({ servingMs, readMs, rssMib, end: Number(end) })}\n`);
}

async function main() {
  const data = await mkdtemp(join(values.data, 'bellwether-restart-'));
  try {
    const { client, close } = await started(data);
    await client.admin.createTopic(TOPIC.topic, { partitions: 1, replicationFactor: 1 });
    await client.produce(TOPIC, [{ value: new Uint8Array(1) }]);
    await close();
    const bytes = Number(values.gib) * 1024 ** 3;
    const beforeMs = performance.now();
    const end = await fill(data, bytes);
    const seconds = (performance.now() - beforeMs) / 1000;
    console.log(
      `filled ${values.gib} GiB, ${end} records, in ${seconds.toFixed(1)} s: ${(bytes / 1e6 / seconds).toFixed(0)} MB/s`,
    );
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--serve', data], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      child.stdout.on('data', (chunk) => (text += chunk));
      const code = await new Promise((resolve) => child.once('close', resolve));
      if (code !== 0) throw new Error(`the broker ended with ${code}`);
      const { servingMs, readMs, rssMib } = JSON.parse(text);
      console.log(
        `serving after ${servingMs.toFixed(0)} ms, first and last record after ${readMs.toFixed(0)} ms more, ${rssMib.toFixed(0)} MiB`,
      );
    }
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

await (values.serve === undefined ? main() : serve(values.serve));
