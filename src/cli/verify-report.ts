/** How `bellwether verify` shows how far it is, and its verdict. */
import type { Anomaly } from '../history/anomaly.js';
import type { Verdict } from '../verify/verdict.js';
import type { Progress } from '../verify/verify.js';
import type { Report, Section } from './output.js';

/** How far a run is, in one line. @param seconds - How long the writing goes on. */
export function progressText(
  { phase, elapsedS, acknowledged, unknown, failovers, faults, broken }: Progress,
  seconds: number,
): string {
  const time = phase === 'writing' ? `${elapsedS.toFixed(0)} of ${seconds} s` : phase;
  const now = broken === undefined ? '' : `; now ${broken}`;
  return `${time}: ${acknowledged} acknowledged, ${unknown} unknown, ${faults} faults, ${failovers} failovers${now}`;
}

export function verdictReport(verdict: Verdict): Report {
  const document = verdictDocument(verdict);
  const { partitions, anomalies, faults, anomaly_counts, unreadable, brokers_down, ...row } = document;
  const counted = Object.entries(faults).map(([fault, count]) => `${fault} ${count}`);
  const facts = { ...row, faults: counted, unreadable, brokers_down };
  const sections: Section[] = [
    // In a pipe a line each, its name first: nobody counts to the fifteenth column.
    ...Object.entries(facts).map(([name, value]) => ({ name, head: [name], rows: [[value]] })),
    {
      name: 'partition',
      head: ['partition', 'longest_unavailable_ms'],
      rows: partitions.map((partition) => Object.values(partition)),
    },
    {
      name: 'anomaly',
      head: ['kind', 'count', 'text'],
      rows: anomalies.map(({ kind, text }) => [kind, anomaly_counts[kind], text]),
    },
  ];
  return { document, sections, prose: prose(verdict) };
}

function verdictDocument(verdict: Verdict) {
  return {
    ok: verdict.ok,
    topic: verdict.topic,
    driven_s: rounded(verdict.drivenS),
    ended_early: verdict.endedEarly,
    acknowledged: verdict.acknowledged,
    unknown: verdict.unknown,
    refused: verdict.refused,
    found: verdict.found,
    missing: verdict.missing,
    failovers: verdict.failovers,
    replicas_read: verdict.replicasRead,
    unreadable: verdict.unreadable,
    brokers_down: verdict.brokersDown,
    faults: verdict.faults,
    anomaly_counts: verdict.counts,
    anomalies: verdict.anomalies.map(anomalyDocument),
    partitions: verdict.partitions.map(({ partition, longestUnavailableMs }) => ({
      partition,
      longest_unavailable_ms: rounded(longestUnavailableMs),
    })),
    history_bytes: verdict.historyBytes,
  };
}

function anomalyDocument({ kind, key, offsets, values, text }: Anomaly) {
  return { kind, key, offsets, values, text };
}

function prose(verdict: Verdict): string {
  const { ok, topic, drivenS, endedEarly, acknowledged, unknown, refused, found, missing } = verdict;
  const faults = Object.entries(verdict.faults).map(([fault, count]) => `${fault} ${count}`);
  const waits = verdict.partitions.map(
    ({ partition, longestUnavailableMs }) => `${partition}: ${longestUnavailableMs.toFixed(0)} ms`,
  );
  const lines = [
    `${ok ? 'OK: every promise was kept' : 'NOT OK'} (${drivenS.toFixed(1)} s${endedEarly ? ', ended early' : ''}).`,
    `  records        ${acknowledged} acknowledged, ${unknown} of unknown outcome, ${refused} refused`,
    `  read back      ${found} found, ${missing} missing; ${verdict.replicasRead} replicas read to the end`,
    `  faults         ${faults.length === 0 ? 'none' : faults.join(', ')}; ${verdict.failovers} failovers`,
    `  longest wait   for an acknowledgement, by partition: ${waits.join(', ')}`,
    ...verdict.unreadable.map((what) => `  unreadable     ${what}`),
    ...verdict.brokersDown.map((id) => `  down           ${id}: its replicas were not read`),
    ...verdict.anomalies.map(({ kind, text }) => `  ${kind}: ${text}`),
    ...(ok ? [] : [`  Topic ${topic} is left as it is.`]),
  ];
  return `${lines.join('\n')}\n`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
