/**
 * Owns what a failover looked like from inside. The brokers' wall clocks and that of this process are one
 * clock here, with a resolution of 1 ms.
 */
import { summary } from './stats.mjs';
import { until } from './until.mjs';

/** How long the history of the brokers may take to show a failover, in milliseconds, before it is left out. */
const RECORDED_WITHIN_MS = 2_000;

/**
 * From the fault, by the clock of the one who saw it; and the timeline that the new leader recorded, where the
 * brokers keep one.
 *
 * @typedef {object} Phases
 * @property {number | undefined} noticed_ms Until both other brokers took the leader for down.
 * @property {number | undefined} leads_ms Until the next leader had committed in its term.
 * @property {string | undefined} cause
 * @property {number | undefined} detect_ms From the last sign of life to the suspicion.
 * @property {number | undefined} elect_ms From the suspicion, or the order to campaign, to the election.
 * @property {number | undefined} commit_ms From the election to the first commit.
 * @property {number | undefined} blocked_ms For how long writes were refused during a hand-over.
 * @property {number | undefined} first_write_ms From the first commit to the first record of a client.
 */

/** Text of each phase, in the order in which they are printed. */
const TEXTS = {
  noticed_ms: 'brokers: until both others noticed',
  leads_ms: 'brokers: until the next leader committed',
  detect_ms: 'timeline: detect (last sign of life to suspicion)',
  elect_ms: 'timeline: elect (suspicion, or order to campaign, to election)',
  commit_ms: 'timeline: commit (election to first commit)',
  blocked_ms: 'timeline: writes blocked',
  first_write_ms: 'timeline: first write (after the first commit)',
};

/**
 * Begins to listen; call it before the fault.
 *
 * @param {import('./broker-processes.mjs').BrokerProcesses} processes
 * @param {string} leader Who is going to fail.
 */
export function watchPhases(processes, leader) {
  /** @type {Map<string, number>} */
  const noticedAtMs = new Map();
  const deaf = processes.onLog(({ broker, msg, peer, time }) => {
    if (msg !== 'peer is down' || peer !== leader || broker === leader) return;
    if (!noticedAtMs.has(broker)) noticedAtMs.set(broker, time);
  });

  /**
   * Ends it, when the cluster is whole again.
   *
   * @param {import('../../dist/src/client/index.js').BellwetherClient} observer
   * @param {import('../../dist/src/client/index.js').PartitionRef} ref
   * @param {number} term In which the first write after the fault was acknowledged.
   * @param {number} faultMs On the clock of `performance.now()`.
   * @returns {Promise<Phases>}
   */
  const end = async (observer, ref, term, faultMs) => {
    deaf();
    let next = await observer.partitionLeader(ref);
    await until(`somebody tells who leads in term ${term}`, async () => {
      next = await observer.partitionLeader(ref);
      return next.term >= term;
    });
    const faultWallMs = performance.timeOrigin + faultMs;
    const since = (/** @type {number} */ wallMs) => Math.max(0, wallMs - faultWallMs);
    const noticed = [...noticedAtMs.values()];
    const change = await recorded(observer, ref, term);
    return {
      noticed_ms: noticed.length === 2 ? since(Math.max(...noticed)) : undefined,
      // Another leader may have come after the one that is asked about: it knows its own beginning only.
      leads_ms: next.term === term ? since(next.leaderSinceMs) : undefined,
      cause: change?.cause,
      detect_ms: change?.timeline?.detectMs,
      elect_ms: change?.timeline?.electMs,
      commit_ms: change?.timeline?.commitMs,
      blocked_ms: change?.timeline?.blockedMs,
      first_write_ms: change?.timeline?.firstWriteMs,
    };
  };
  return { end };
}

/**
 * The failover of a term as the cluster's history has it.
 *
 * @param {import('../../dist/src/client/index.js').BellwetherClient} observer
 * @param {import('../../dist/src/client/index.js').PartitionRef} ref
 * @param {number} term
 */
async function recorded(observer, ref, term) {
  if (observer.listFailovers === undefined) return undefined;
  /** @type {import('../../dist/src/client/index.js').LeadershipChange | undefined} */
  let found;
  const look = async () => {
    found = (await observer.listFailovers(ref)).find((change) => change.term === term);
    return found !== undefined;
  };
  await until('the failover is in the history', look, RECORDED_WITHIN_MS).catch(() => undefined);
  return found;
}

/**
 * Lines of the table, of those phases that any round has.
 *
 * @param {string} name Of the case.
 * @param {readonly Phases[]} phases
 */
export function phaseRows(name, phases) {
  return Object.entries(TEXTS)
    .map(([key, what]) => {
      const values = phases.map((each) => each[/** @type {keyof typeof TEXTS} */ (key)]);
      return { what, values: values.filter((value) => value !== undefined) };
    })
    .filter(({ values }) => values.length > 0)
    .map(({ what, values }) => ({ case: name, what, ...summary(values) }));
}

/**
 * How often each cause was recorded, for people; undefined where none was.
 *
 * @param {readonly Phases[]} phases
 */
export function causesOf(phases) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { cause } of phases) if (cause !== undefined) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  if (counts.size === 0) return undefined;
  return `causes recorded: ${[...counts].map(([cause, count]) => `${cause} ${count}`).join(', ')}`;
}
