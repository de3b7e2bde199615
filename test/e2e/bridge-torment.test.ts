/**
 * Maelstrom's kafka workload through the bridge while brokers are killed and come back: every message is answered
 * within the 5 s that Maelstrom waits, and what the clients saw is a history without anomaly.
 */
import { describe, expect, it } from 'vitest';
import { checkHistory, describeReport } from '../../src/history/check.js';
import { MaelstromClients } from './maelstrom-clients.js';
import { ProcessCluster } from './processes.js';

const KEYS = ['k1', 'k2', 'k3'];
const CLIENTS = 6;
/** Sends acknowledged before, during and after each kill. */
const SENDS_PER_PHASE = 60;
/** Maelstrom's patience. */
const REPLY_MAX_MS = 5_000;

describe('bellwether bridge --brokers, while brokers are killed', () => {
  it('answers in time, tells definite errors only where nothing was applied, and loses nothing', async () => {
    const cluster = await ProcessCluster.start();
    const clients = await MaelstromClients.start(cluster.bootstrap, KEYS);
    try {
      for (let i = 0; i < CLIENTS; i++) clients.work(i);
      await clients.moreSent(SENDS_PER_PHASE);
      for (const id of cluster.ids) {
        await cluster.kill(id);
        await clients.moreSent(SENDS_PER_PHASE);
        cluster.launch(id);
        await cluster.allAlive();
        await clients.moreSent(SENDS_PER_PHASE);
      }
      await clients.rest();
      await clients.readAll();
      const report = checkHistory(clients.operations);
      process.stdout.write(
        `bridge: ${describeReport(report)}; slowest reply ${clients.slowestMs.toFixed(0)} ms\n`,
      );
      expect(report.anomalies, describeReport(report)).toEqual([]);
      expect(report.acknowledged).toBeGreaterThan(7 * SENDS_PER_PHASE);
      expect(clients.slowestMs).toBeLessThan(REPLY_MAX_MS);
      expect(clients.breaches).toEqual([]);
    } finally {
      await clients.close();
      await cluster.close();
    }
  });
});
