/**
 * Owns what a failover looked like from inside. The brokers' wall clocks and that of this process are one
 * clock here, with a resolution of 1 ms.
 */
import { summary } from './stats.mjs';
import { until } from './until.mjs';

/**
 * @typedef {object} Phases
 * @property {number | undefined} noticed_ms From the fault until both other brokers took the leader for down.
 * @property {number | undefined} leads_ms From the fault until the next leader had committed in its term.
 */

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
    return {
      noticed_ms: noticed.length === 2 ? since(Math.max(...noticed)) : undefined,
      // Another leader may have come after the one that is asked about: it knows its own beginning only.
      leads_ms: next.term === term ? since(next.leaderSinceMs) : undefined,
    };
  };
  return { end };
}

/**
 * Lines of the table, of those phases that any round has.
 *
 * @param {string} name Of the case.
 * @param {readonly Phases[]} phases
 */
export function phaseRows(name, phases) {
  const rows = [
    { what: 'brokers: until both others noticed', values: phases.map(({ noticed_ms }) => noticed_ms) },
    { what: 'brokers: until the next leader committed', values: phases.map(({ leads_ms }) => leads_ms) },
  ];
  return rows
    .map(({ what, values }) => ({ what, values: values.filter((value) => value !== undefined) }))
    .filter(({ values }) => values.length > 0)
    .map(({ what, values }) => ({ case: name, what, ...summary(values) }));
}
