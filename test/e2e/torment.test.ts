/**
 * Brokers are killed, paused, cut down below a quorum and asked to fail over while clients write and read.
 * What the clients saw is then checked against what a log promises.
 */
import { describe, expect, it } from 'vitest';
import type { BellwetherClient, PartitionRef } from '../../src/client/index.js';
import { checkHistory, describeReport } from '../../src/history/check.js';
import { SeededRandom } from '../raft/seeded-random.js';
import { HistoryRecorder, keyOf } from './history.js';
import { Nemesis, planOf } from './nemesis.js';
import { ProcessCluster, until } from './processes.js';

const TOPIC = 'torment';
const REFS: readonly PartitionRef[] = [0, 1, 2].map((partition) => ({ topic: TOPIC, partition }));

/** How long the faults go on, and the leader changes without which the run proves nothing. */
const TORMENT_MS = 12_000;
const LEADER_CHANGES_MIN = 3;
const ACKNOWLEDGED_MIN = 500;
const STEPS_MAX = 40;

/** Process numbers: producers from 0, consumers and final readers from their bases. */
const PRODUCERS = 4;
const CONSUMER_BASE = 100;
const FINAL_READER_BASE = 200;
const REPLICA_READER_BASE = 300;

const BATCH_RECORDS_MAX = 3;
const PRODUCE_TIMEOUT_MS = 1_500;
const POLL = { timeoutMs: 1_500, maxWaitMs: 100 };

/** Clients at work, until told to stop. */
class Workload {
  readonly #recorder: HistoryRecorder;
  readonly #loops: Promise<void>[] = [];
  #stopped = false;

  constructor(recorder: HistoryRecorder) {
    this.#recorder = recorder;
  }

  /** Sends batches of new values one after the other; a value whose fate is unknown is not sent again. */
  produce(process: number, client: BellwetherClient, ref: PartitionRef, random: SeededRandom): void {
    this.#start(async () => {
      const count = 1 + random.below(BATCH_RECORDS_MAX);
      await this.#recorder.send(process, client, ref, count, PRODUCE_TIMEOUT_MS);
    });
  }

  /** Reads on and on, and now and then starts over somewhere below. */
  consume(
    process: number,
    client: BellwetherClient,
    ref: PartitionRef,
    random: SeededRandom,
    allowFollower: boolean,
  ): void {
    let position = 0;
    this.#start(async () => {
      const options = { ...POLL, maxRecords: 1 + random.below(200), allowFollower };
      position = (await this.#recorder.poll(process, client, ref, position, options)).next;
      if (random.next() > 0.02) return;
      position = random.below(position + 1);
      this.#recorder.assign(process, ref);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  #start(turn: () => Promise<void>): void {
    const loop = (async () => {
      while (!this.#stopped) await turn();
    })();
    // Reported by stop(); until then it is not unhandled.
    loop.catch(() => undefined);
    this.#loops.push(loop);
  }
}

async function startWorkload(
  cluster: ProcessCluster,
  recorder: HistoryRecorder,
  seed: number,
): Promise<Workload> {
  const workload = new Workload(recorder);
  for (let i = 0; i < PRODUCERS; i++) {
    const ref = REFS[i % REFS.length]!;
    workload.produce(i, await cluster.client(), ref, new SeededRandom(seed + i));
  }
  for (const [i, ref] of REFS.entries()) {
    const process = CONSUMER_BASE + i;
    const random = new SeededRandom(seed + process);
    workload.consume(process, await cluster.client(), ref, random, i === 0);
  }
  return workload;
}

/** Reads a partition from 0 to its end at the leader; the offsets must be dense. Resolves to the end. */
async function readToEnd(
  recorder: HistoryRecorder,
  client: BellwetherClient,
  ref: PartitionRef,
): Promise<number> {
  const process = FINAL_READER_BASE + ref.partition;
  let position = 0;
  await until(`${keyOf(ref)} is read to its end`, async () => {
    const { records, next, highWatermark } = await recorder.poll(process, client, ref, position, POLL);
    expect(records.map(([offset]) => offset)).toEqual(records.map((_, i) => position + i));
    position = next;
    return position === highWatermark;
  });
  return position;
}

/** Reads a partition at every broker up to `end`: the replicas must agree. */
async function readReplicas(
  cluster: ProcessCluster,
  recorder: HistoryRecorder,
  ref: PartitionRef,
  end: number,
): Promise<void> {
  for (const [i, id] of cluster.ids.entries()) {
    const process = REPLICA_READER_BASE + i;
    const client = await cluster.client([id]);
    let position = 0;
    await until(`${id} serves ${keyOf(ref)} up to ${end}`, async () => {
      const options = { ...POLL, allowFollower: true };
      position = (await recorder.poll(process, client, ref, position, options)).next;
      return position >= end;
    });
  }
}

async function torment(
  cluster: ProcessCluster,
  recorder: HistoryRecorder,
  seed: number,
  done: string[],
): Promise<number> {
  const admin = await cluster.client();
  await admin.admin.createTopic(TOPIC, { partitions: REFS.length, replicationFactor: 3 });
  const nemesis = new Nemesis(cluster, admin, recorder, REFS, done);
  await nemesis.healed();
  const workload = await startWorkload(cluster, recorder, seed);
  try {
    const startedMs = performance.now();
    for (const step of planOf(seed, REFS)) {
      const isOver = performance.now() - startedMs > TORMENT_MS;
      if (done.length >= STEPS_MAX || (isOver && nemesis.leaderChanges >= LEADER_CHANGES_MIN)) break;
      await nemesis.take(step);
    }
  } finally {
    // Before the clients are closed: a loop whose client is closed fails at once, again and again.
    await workload.stop();
  }

  const reader = await cluster.client();
  for (const ref of REFS) await readReplicas(cluster, recorder, ref, await readToEnd(recorder, reader, ref));
  return nemesis.leaderChanges;
}

describe('a cluster under torment', () => {
  it('shows its clients no anomaly, whatever is done to its brokers', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const cluster = await ProcessCluster.start();
    const recorder = new HistoryRecorder();
    const done: string[] = [];
    const story = (): string => `seed ${seed}; ${done.join(', ')}\n${describeReport(report())}`;
    const report = () => checkHistory(recorder.operations);
    try {
      const leaderChanges = await torment(cluster, recorder, seed, done);
      expect(report().anomalies, story()).toEqual([]);
      expect(leaderChanges, story()).toBeGreaterThanOrEqual(LEADER_CHANGES_MIN);
      expect(recorder.acknowledged, story()).toBeGreaterThanOrEqual(ACKNOWLEDGED_MIN);
    } catch (error) {
      throw new Error(`${String(error)}\n${story()}`, { cause: error });
    } finally {
      await cluster.close();
    }
  });
});
