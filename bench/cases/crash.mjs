/** The case `crash`: what a client that writes all the time sees when the leader's process is killed. */
import { setTimeout as pause } from 'node:timers/promises';
import { SteadyWriter } from '../lib/steady-writer.mjs';
import { summary } from '../lib/stats.mjs';
import { allInSync, createTopic } from '../lib/topic.mjs';

/** Acknowledged records between two kills, at least. */
const RECORDS_BETWEEN_KILLS = 50;

/** Before each kill up to this long in milliseconds, so that kills fall anywhere between two heartbeats. */
const JITTER_MS = 60;

/** Time for one round in milliseconds; when the rounds need more, fewer are measured and it is said. */
const ROUND_BUDGET_MS = 1800;

/**
 * Kills the leader with SIGKILL round after round, and measures from the return of `process.kill` to the
 * first acknowledgement from the next leader, that is, of a later term: an answer of the dead leader that
 * was still on its way does not count. The writer has one write in flight. The killed broker is started
 * again and in sync before the next round. In the end every acknowledged value must be at its offset.
 *
 * @param {import('../lib/context.mjs').Context} context
 */
export async function crash({ processes, rounds, progress }) {
  const observer = await processes.client();
  const ref = await createTopic(observer, 'crash');
  const writer = new SteadyWriter(await processes.client(), ref);
  const outages = [];
  const endMs = performance.now() + rounds * ROUND_BUDGET_MS;
  while (outages.length < rounds && performance.now() < endMs) {
    progress(`crash ${outages.length + 1} of ${rounds}`);
    outages.push(await killLeader(processes, observer, writer, ref));
  }
  await allInSync(observer, ref);
  await writer.stop();
  const verified = await writer.verify();
  const notes =
    outages.length < rounds ? [`crash: time for ${outages.length} of ${rounds} rounds only`] : undefined;
  return { rows: rowsOf(outages), verified, ...(notes !== undefined && { notes }) };
}

/**
 * One round.
 *
 * @param {import('../lib/broker-processes.mjs').BrokerProcesses} processes
 * @param {import('../../dist/src/client/index.js').BellwetherClient} observer
 * @param {SteadyWriter} writer
 * @param {import('../../dist/src/client/index.js').PartitionRef} ref
 */
async function killLeader(processes, observer, writer, ref) {
  await allInSync(observer, ref);
  await writer.more(RECORDS_BETWEEN_KILLS);
  await pause(Math.random() * JITTER_MS);
  const { leader, term } = await allInSync(observer, ref);
  /** @type {number[]} */
  const noticedAtMs = [];
  const deaf = processes.onLog(({ broker, msg, peer, time }) => {
    if (msg === 'peer is down' && peer === leader && broker !== leader) noticedAtMs.push(time);
  });
  const leaderMib = processes.residentMib(leader);
  const firstOfNextTerm = writer.next('a record of the next term is acknowledged', (record) => {
    return record.term > term;
  });
  const gone = processes.kill(leader);
  const killedMs = performance.now();
  const killedWallMs = performance.timeOrigin + killedMs;
  const first = await firstOfNextTerm;
  const before = writer.acknowledged.findLast((record) => record.term <= term);
  const next = await observer.partitionLeader(ref);
  await gone;
  processes.launch(leader);
  await allInSync(observer, ref);
  deaf();
  return {
    kill_to_ack_ms: first.atMs - killedMs,
    ack_to_ack_ms: first.atMs - (before?.atMs ?? killedMs),
    noticed_ms: noticedAtMs.length === 2 ? Math.max(0, Math.max(...noticedAtMs) - killedWallMs) : undefined,
    leader_resident_mib: leaderMib,
    leads_ms: next.term === first.term ? Math.max(0, next.leaderSinceMs - killedWallMs) : undefined,
  };
}

/**
 * What the client saw, and the same from the brokers' side: the wall clocks are one clock here, with a
 * resolution of 1 ms.
 *
 * @param {readonly Awaited<ReturnType<typeof killLeader>>[]} outages
 */
function rowsOf(outages) {
  const figures = (/** @type {readonly (number | undefined)[]} */ values) =>
    summary(values.filter((value) => value !== undefined));
  return [
    {
      case: 'crash',
      what: 'kill -9 of the leader to the first acknowledged write',
      ...figures(outages.map(({ kill_to_ack_ms }) => kill_to_ack_ms)),
      runs: outages,
    },
    {
      case: 'crash',
      what: 'last acknowledged write before to the first after',
      ...figures(outages.map(({ ack_to_ack_ms }) => ack_to_ack_ms)),
    },
    {
      case: 'crash',
      what: 'brokers: kill until both others noticed',
      ...figures(outages.map(({ noticed_ms }) => noticed_ms)),
    },
    {
      case: 'crash',
      what: 'brokers: kill until the next leader committed',
      ...figures(outages.map(({ leads_ms }) => leads_ms)),
    },
  ];
}
