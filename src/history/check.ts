/**
 * Checks what clients saw of a log against what a log promises, after Jepsen's checker of Kafka-like
 * systems (jepsen.tests.kafka). Knows nothing of the system: it serves a simulation and a real cluster alike.
 */
import { type Anomaly, type AnomalyCounts, Findings } from './anomaly.js';
import { checkFates } from './fates.js';
import { historiesByKey, type KeyHistory } from './key-history.js';
import { checkPlaces } from './places.js';
import { checkPollOrder } from './poll-order.js';
import { checkSendOrder } from './send-order.js';
import type { Operation } from './types.js';

/** The verdict on a history. */
export interface HistoryReport {
  /** The gravest kind first, at most `ANOMALIES_PER_KIND_MAX` of each; empty when all is well. */
  readonly anomalies: readonly Anomaly[];
  /** All anomalies, those beyond the bound included. */
  readonly counts: AnomalyCounts;
  /** Sends that were acknowledged. */
  readonly acknowledged: number;
  /** Different values read. */
  readonly read: number;
  /** Sends of unknown outcome. */
  readonly unknown: number;
  /** Acknowledged values that nobody read. */
  readonly unread: number;
}

/**
 * Looks for every anomaly of `ANOMALY_KINDS`. A history is judged whole: unless every key was read to its
 * end after the last send, `unseen` only says that it was not. Linear in operations and records, except
 * that the offsets of a key in which a reader met a gap are sorted once.
 *
 * @throws InvariantError when two sends to one key have the same value: such a history proves nothing.
 */
export function checkHistory(operations: Iterable<Operation>): HistoryReport {
  const findings = new Findings();
  const histories = historiesByKey(operations);
  for (const history of histories) {
    checkFates(history, findings);
    checkPlaces(history, findings);
    checkPollOrder(history, findings);
    checkSendOrder(history, findings);
  }
  const sum = (count: (history: KeyHistory) => number): number =>
    histories.reduce((total, history) => total + count(history), 0);
  const { anomalies, counts } = findings;
  return {
    anomalies,
    counts,
    acknowledged: sum(({ sends }) => sends.filter(({ outcome }) => outcome === 'ok').length),
    read: sum(({ readOf }) => readOf.size),
    unknown: sum(({ sends }) => sends.filter(({ outcome }) => outcome === 'unknown').length),
    unread: counts['lost-write'] + counts.unseen,
  };
}

/** The report for people, a line for each anomaly; one line when there is none. */
export function describeReport(report: HistoryReport): string {
  const { anomalies, counts, acknowledged, read, unknown, unread } = report;
  const summary = `${acknowledged} acknowledged, ${read} read, ${unknown} of unknown outcome, ${unread} unread`;
  if (anomalies.length === 0) return `${summary}; no anomalies`;
  const kinds = Object.entries(counts).filter(([, count]) => count > 0);
  return [
    `${summary}; ${kinds.map(([kind, count]) => `${kind} ${count}`).join(', ')}`,
    ...anomalies.map(({ kind, text }) => `  ${kind}: ${text}`),
  ].join('\n');
}
