/**
 * Owns the rounds of a case in which one leader fails, or is moved, while a client writes: the fault, the first
 * write of the next leader, the way back to a whole cluster, and in the end the proof that nothing was lost.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { causesOf, phaseRows, watchPhases } from './phases.mjs';
import { longestGap, summary } from './stats.mjs';
import { SteadyWriter } from './steady-writer.mjs';
import { allInSync, createTopic } from './topic.mjs';
import { inTime } from './until.mjs';

/** Acknowledged records before each fault, at least; they show how long the gaps are without a fault. */
const RECORDS_BEFORE = 50;

/** Before each fault up to this long in milliseconds, so that faults fall anywhere between two heartbeats. */
const JITTER_MS = 60;

/** Time for one round in milliseconds; when the rounds need more, fewer are measured and it is said. */
const ROUND_BUDGET_MS = 6_000;

/**
 * @typedef {object} Stage
 * @property {import('./broker-processes.mjs').BrokerProcesses} processes
 * @property {import('../../dist/src/client/index.js').BellwetherClient} observer
 * @property {import('../../dist/src/client/index.js').PartitionRef} ref
 * @property {string} leader
 */

/**
 * @typedef {object} Injected
 * @property {number} atMs When the fault was there, on the clock of `performance.now()`.
 * @property {() => Promise<Readonly<Record<string, number>> | void>} over Awaited once the next leader has
 *   acknowledged a write; resolves when the fault may be undone, with what the case measured itself.
 * @property {() => void} [undo] Puts the cluster together again.
 */

/**
 * @typedef {object} Fault
 * @property {string} name Of the case.
 * @property {string} what The fault, which the outage is counted from.
 * @property {boolean} [planned] Nobody's call may fail: the leader is told to go.
 * @property {Readonly<Record<string, string>>} [extra] Rows for what `over` returns: text by key.
 * @property {(stage: Stage) => Injected} inject Puts the fault in place before it returns.
 */

/**
 * @param {import('./context.mjs').Context} context
 * @param {Fault} fault
 * @returns {Promise<import('./context.mjs').Outcome>}
 */
export async function failoverRounds({ processes, rounds, progress }, fault) {
  const observer = await processes.client();
  const ref = await createTopic(observer, fault.name);
  const writer = new SteadyWriter(await processes.client(), ref);
  await writer.more(RECORDS_BEFORE);
  const done = [];
  const endMs = performance.now() + rounds * ROUND_BUDGET_MS;
  while (done.length < rounds && performance.now() < endMs) {
    progress(`${fault.name} ${done.length + 1} of ${rounds}`);
    done.push(await oneRound({ processes, observer, ref, writer }, fault));
  }
  await writer.stop();
  const verified = await writer.verify();
  const notes = done.length < rounds ? [`time for ${done.length} of ${rounds} rounds only`] : [];
  const unasked = new Set(writer.acknowledged.map(({ term }) => term)).size - 1 - done.length;
  if (unasked > 0) notes.push(`${unasked} changes of leader that nobody asked for`);
  const failed = failedCalls(done);
  if (fault.planned === true && failed > 0) notes.push(`${failed} calls failed, and none may`);
  const causes = causesOf(done);
  if (causes !== undefined) notes.push(causes);
  return { rows: rowsOf(fault, done), verified, notes: notes.map((note) => `${fault.name}: ${note}`) };
}

/**
 * @param {Omit<Stage, 'leader'> & { writer: SteadyWriter }} setting
 * @param {Fault} fault
 */
async function oneRound({ processes, observer, ref, writer }, fault) {
  await allInSync(observer, ref);
  const calmFrom = writer.acknowledged.length;
  await writer.more(RECORDS_BEFORE);
  await pause(Math.random() * JITTER_MS);
  const { leader, term } = await allInSync(observer, ref);
  const leaderMib = processes.residentMib(leader);
  const phases = watchPhases(processes, leader);
  const firstOfNextTerm = writer.next('a record of the next term is acknowledged', (record) => {
    return record.term > term;
  });
  const lastBefore = writer.acknowledged.length - 1;
  const { atMs, over, undo } = fault.inject({ processes, observer, ref, leader });
  const first = await firstOfNextTerm;
  const extra = await inTime('the fault is over', over());
  const overAt = writer.acknowledged.length;
  undo?.();
  await processes.whole();
  await allInSync(observer, ref);
  await writer.more(1);
  const times = writer.acknowledged.map((record) => record.atMs);
  return {
    outage_ms: first.atMs - atMs,
    gap_ms: longestGap(times.slice(lastBefore, overAt + 1)),
    undo_gap_ms: longestGap(times.slice(overAt)),
    calm_gap_ms: longestGap(times.slice(calmFrom, lastBefore + 1)),
    failures: writer.failures.filter((failure) => failure.atMs >= atMs),
    leader_resident_mib: leaderMib,
    ...(await phases.end(observer, ref, first.term, atMs)),
    ...extra,
  };
}

/**
 * @param {Fault} fault
 * @param {readonly Awaited<ReturnType<typeof oneRound>>[]} done
 */
function rowsOf({ name, what, extra = {} }, done) {
  const extras = Object.entries(extra).map(([key, text]) => ({
    case: name,
    what: text,
    ...summary(done.map((round) => Number(/** @type {Record<string, unknown>} */ (round)[key]))),
  }));
  return [
    {
      case: name,
      what: `${what} to the first write that the next leader acknowledged`,
      ...summary(done.map(({ outage_ms }) => outage_ms)),
      failed_calls: failedCalls(done),
      runs: done,
    },
    ...extras,
    ...phaseRows(name, done),
    {
      case: name,
      what: 'longest gap between two acknowledged writes',
      ...summary(done.map(({ gap_ms }) => gap_ms)),
    },
    {
      case: name,
      what: 'the same while the fault is undone',
      ...summary(done.map(({ undo_gap_ms }) => undo_gap_ms)),
    },
    {
      case: name,
      what: 'the same before the fault (noise)',
      ...summary(done.map(({ calm_gap_ms }) => calm_gap_ms)),
    },
  ];
}

/** @param {readonly { failures: readonly unknown[] }[]} done */
function failedCalls(done) {
  return done.reduce((sum, { failures }) => sum + failures.length, 0);
}
