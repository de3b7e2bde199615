/** Something is done to a cluster while clients write and read; then what they saw is judged. */
import { expect } from 'vitest';
import type { BellwetherClient, PartitionRef } from '../../src/client/index.js';
import { checkHistory, describeReport } from '../../src/history/check.js';
import { HistoryRecorder } from './history.js';
import { bellwether, type Finished, ProcessCluster, until } from './processes.js';
import { readToEnd, Workload } from './workload.js';

export const TOPIC = 't';
export const REF: PartitionRef = { topic: TOPIC, partition: 0 };

/** Records acknowledged in each phase: before, between and after what is done. */
const WRITES_PER_PHASE = 100;
const PHASE_MAX_MS = 15_000;

/** What a test does things with. */
export interface Stage {
  readonly cluster: ProcessCluster;
  readonly client: BellwetherClient;
  readonly recorder: HistoryRecorder;
  /** Runs `bellwether` against the cluster. */
  run(...args: string[]): Promise<Finished>;
  /** Waits until writes have gone on for a while. */
  writesGoOn(): Promise<void>;
  /** Admits a broker and starts it. */
  grow(id: string): Promise<void>;
}

/** What differs between loads. */
export interface LoadOptions {
  /** Comes before the load, and says where the logs begin then. */
  readonly prepare?: (stage: Stage) => Promise<number>;
  /** Lets `cluster.hangDisk` work. */
  readonly mayHang?: boolean;
  /** Bound of each call of the load. */
  readonly timeoutMs?: number;
}

/** Three brokers with one topic, and load on all its partitions while `act` runs. */
export async function underLoad(
  partitions: number,
  act: (stage: Stage) => Promise<void>,
  { prepare = () => Promise.resolve(0), mayHang = false, timeoutMs }: LoadOptions = {},
): Promise<void> {
  const cluster = await ProcessCluster.start(3, { mayHang });
  try {
    const recorder = new HistoryRecorder();
    const client = await cluster.client();
    const stage: Stage = {
      cluster,
      client,
      recorder,
      run: (...args) => bellwether([...args, '--bootstrap', cluster.bootstrap]),
      writesGoOn: () => recorder.moreAcknowledged(WRITES_PER_PHASE, PHASE_MAX_MS),
      grow: async (id) => {
        await cluster.newcomer(id);
        cluster.launch(id);
        await client.admin.addBroker(id, cluster.peerAddress(id));
        await until(`${id} is ACTIVE`, async () => (await brokerOf(client, id))?.status === 'ACTIVE');
      },
    };
    await client.admin.createTopic(TOPIC, { partitions, replicationFactor: 3 });
    const from = await prepare(stage);
    const refs = Array.from({ length: partitions }, (_, partition) => ({ topic: TOPIC, partition }));
    const seed = Math.floor(Math.random() * 2 ** 31);
    const workload = await Workload.start(cluster, recorder, refs, seed, from, timeoutMs);
    try {
      await stage.writesGoOn();
      await act(stage);
    } finally {
      await workload.stop();
    }
    await judge(stage, refs, from);
  } catch (error) {
    const said = cluster.ids.map((id) => `${id}: ${cluster.stderr(id).slice(-2_000)}`).join('\n');
    throw new Error(`${String(error)}\n${said}`, { cause: error });
  } finally {
    await cluster.close();
  }
}

/** Reads everything once more; then no client may have seen an anomaly. */
async function judge(
  { client, recorder }: Stage,
  refs: readonly PartitionRef[],
  from: number,
): Promise<void> {
  let records = 0;
  for (const ref of refs) records += (await readToEnd(recorder, client, ref, from)) - from;
  const report = checkHistory(recorder.operations);
  process.stdout.write(`history: ${describeReport(report)}\n`);
  expect(report.anomalies, describeReport(report)).toEqual([]);
  expect(recorder.acknowledged).toBeGreaterThan(WRITES_PER_PHASE);
  expect(records).toBeGreaterThanOrEqual(recorder.acknowledged);
}

export async function brokerOf(client: BellwetherClient, id: string) {
  return (await client.admin.listBrokers()).find((broker) => broker.id === id);
}

/** Waits until the voters of a partition are these, in any order, and nobody lacks more than a few entries. */
export async function votersAre(client: BellwetherClient, ref: PartitionRef, ids: readonly string[]) {
  await until(
    `${ids.join()} are the voters of ${ref.topic}/${ref.partition}, level with the leader`,
    async () => {
      const { members } = await client.admin.describeReplication(ref, { timeoutMs: 2_000 });
      const level = members.filter(({ role, lagEntries }) => role !== 'LEARNER' && lagEntries < 100);
      return (
        members.length === ids.length &&
        level
          .map(({ broker }) => broker)
          .sort()
          .join() === [...ids].sort().join()
      );
    },
  );
}
