/** The case `failover`: what PartitionFailover costs while the leader is alive and a client writes. */
import { SteadyWriter } from '../lib/steady-writer.mjs';
import { summary } from '../lib/stats.mjs';
import { allInSync, createTopic } from '../lib/topic.mjs';

/** Acknowledged records between two calls, at least; they show how long the gaps are without a failover. */
const RECORDS_BETWEEN = 50;

/**
 * Moves the leadership `rounds` times. `failover_ms` is the broker's own figure: from the acceptance of
 * the request to the first commit of the next leader. The writer's gap is the longest time between two of
 * its acknowledgements around the call; as noise floor stands the longest one between two calls.
 *
 * @param {import('../lib/context.mjs').Context} context
 */
export async function failover({ processes, rounds, progress }) {
  progress(`failover, ${rounds} calls`);
  const observer = await processes.client();
  const ref = await createTopic(observer, 'failover');
  const writer = new SteadyWriter(await processes.client(), ref);
  await writer.more(RECORDS_BETWEEN);
  const moves = [];
  for (let round = 0; round < rounds; round += 1) {
    const calmFrom = writer.acknowledged.length - 1;
    await writer.more(RECORDS_BETWEEN);
    const { leader, term } = await allInSync(observer, ref);
    const movedFrom = writer.acknowledged.length - 1;
    const firstOfNextTerm = writer.next('a record of the next term is acknowledged', (record) => {
      return record.term > term;
    });
    const startMs = performance.now();
    const { failoverMs, outcome } = await observer.partitionFailover({ ...ref, failedLeader: leader });
    const callMs = performance.now() - startMs;
    if (outcome !== 'MOVED') throw new Error(`failover ${round + 1} ended as ${outcome}`);
    await firstOfNextTerm;
    moves.push({
      failover_ms: failoverMs,
      call_ms: callMs,
      writer_gap_ms: longestGap(writer.acknowledged.slice(movedFrom)),
      calm_gap_ms: longestGap(writer.acknowledged.slice(calmFrom, movedFrom + 1)),
    });
  }
  await writer.stop();
  return { rows: rowsOf(moves), verified: await writer.verify() };
}

/** @param {readonly import('../lib/steady-writer.mjs').Acknowledged[]} acknowledged */
function longestGap(acknowledged) {
  let longestMs = 0;
  let lastMs = acknowledged[0]?.atMs ?? 0;
  for (const { atMs } of acknowledged) {
    longestMs = Math.max(longestMs, atMs - lastMs);
    lastMs = atMs;
  }
  return longestMs;
}

/**
 * @param {readonly { failover_ms: number, call_ms: number, writer_gap_ms: number, calm_gap_ms: number }[]} moves
 */
function rowsOf(moves) {
  return [
    {
      case: 'failover',
      what: 'requested, leader alive: failover_ms of the broker',
      ...summary(moves.map(({ failover_ms }) => failover_ms)),
      runs: moves,
    },
    {
      case: 'failover',
      what: 'the PartitionFailover call as its caller sees it',
      ...summary(moves.map(({ call_ms }) => call_ms)),
    },
    {
      case: 'failover',
      what: "the writer's longest gap around a call",
      ...summary(moves.map(({ writer_gap_ms }) => writer_gap_ms)),
    },
    {
      case: 'failover',
      what: "the writer's longest gap between two calls (noise)",
      ...summary(moves.map(({ calm_gap_ms }) => calm_gap_ms)),
    },
  ];
}
