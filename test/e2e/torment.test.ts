/**
 * Brokers are killed, paused, cut down below a quorum and asked to fail over while clients write and read.
 * What the clients saw is then checked against what a log promises.
 */
import { describe, expect, it } from 'vitest';
import type { PartitionRef } from '../../src/client/index.js';
import { checkHistory, describeReport } from '../../src/history/check.js';
import { HistoryRecorder } from './history.js';
import { Nemesis, planOf } from './nemesis.js';
import { ProcessCluster } from './processes.js';
import { readReplicas, readToEnd, Workload } from './workload.js';

const TOPIC = 'torment';
const REFS: readonly PartitionRef[] = [0, 1, 2].map((partition) => ({ topic: TOPIC, partition }));

/** How long the faults go on, and the leader changes without which the run proves nothing. */
const TORMENT_MS = 12_000;
const LEADER_CHANGES_MIN = 3;
const ACKNOWLEDGED_MIN = 500;
const STEPS_MAX = 40;

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
  const workload = await Workload.start(cluster, recorder, REFS, seed);
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
