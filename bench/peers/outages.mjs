/** Owns kill -9 of a system's leader, as the client loop that is the same for every system sees it. */
import { setTimeout as pause } from 'node:timers/promises';
import { summary } from '../lib/stats.mjs';
import { inTime, until } from '../lib/until.mjs';
import { PATIENCE_MS } from './system.mjs';
import { PeerWriter } from './writer.mjs';

/** How long a client writes before each kill, and up to how much longer, in milliseconds. */
const CALM_MS = 300;
const JITTER_MS = 200;

/** Time for one round in milliseconds; when the rounds need more, fewer are measured and it is said. */
const ROUND_BUDGET_MS = 20_000;

/** @typedef {Awaited<ReturnType<typeof measureOutages>>} Outages */

/**
 * @param {import('./system.mjs').Cluster} cluster Whole.
 * @param {number} rounds
 * @param {(what: string) => void} progress
 */
export async function measureOutages(cluster, rounds, progress) {
  const writer = new PeerWriter(cluster);
  const outages = [];
  const endMs = performance.now() + rounds * ROUND_BUDGET_MS;
  while (outages.length < rounds && performance.now() < endMs) {
    progress(`kill ${outages.length + 1} of ${rounds}`);
    await nextWrite(writer, performance.now());
    await pause(CALM_MS + Math.random() * JITTER_MS);
    const leader = await leaderOf(cluster);
    const gone = cluster.kill(leader);
    const killedMs = performance.now();
    const atMs = await nextWrite(writer, killedMs);
    outages.push(atMs - killedMs);
    await gone;
    cluster.launch(leader);
    await cluster.whole();
  }
  await writer.stop();
  const { acknowledged, failed } = writer;
  return { acknowledged, failed, ...summary(outages), runs: outages };
}

/** @param {import('./system.mjs').Cluster} cluster */
async function leaderOf(cluster) {
  let leader = '';
  const look = async () => {
    leader = await cluster.leader();
    return true;
  };
  await until('somebody leads', look, PATIENCE_MS);
  return leader;
}

/**
 * @param {PeerWriter} writer
 * @param {number} fromMs
 */
function nextWrite(writer, fromMs) {
  return inTime('a write is acknowledged', writer.acknowledgedAfter(fromMs), PATIENCE_MS);
}
