/** The verdict: what the judge of histories says of each partition, added up, and what else a reader wants to know. */
import {
  ANOMALIES_PER_KIND_MAX,
  ANOMALY_KINDS,
  type Anomaly,
  type AnomalyCounts,
} from '../history/anomaly.js';
import { checkHistory } from '../history/check.js';
import type { Recorder } from './recorder.js';
import type { Fault } from './torment.js';

/** What happened beside the history. */
export interface Circumstances {
  readonly topic: string;
  /** How long writers were at work, in seconds. */
  readonly drivenS: number;
  /** True when it ended before its time, as it was told to. */
  readonly endedEarly: boolean;
  /** How often each kind of fault was inflicted; empty without torment. */
  readonly faults: Readonly<Partial<Record<Fault, number>>>;
  /** Changes of leadership from one broker to another, as the cluster told them. */
  readonly failovers: number;
  /** Replicas that were read to the end, the leaders' own reading not counted. */
  readonly replicasRead: number;
  /** Partitions and replicas that could not be read to the end, such as "t/0 at n2". */
  readonly unreadable: readonly string[];
  /** Brokers that the cluster did not hear at the end: their replicas were not read. */
  readonly brokersDown: readonly string[];
}

/** What a writer of a partition saw. */
export interface PartitionVerdict {
  readonly partition: number;
  /** Longest time in milliseconds for which writers asked and none was acknowledged. */
  readonly longestUnavailableMs: number;
}

export interface Verdict extends Circumstances {
  /** True when nothing is wrong: no anomaly, and every record could be looked for. */
  readonly ok: boolean;
  /** Records, by what their senders were told. */
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  /** Different records that were read. */
  readonly found: number;
  /** Acknowledged records that nobody read. */
  readonly missing: number;
  readonly counts: AnomalyCounts;
  /** The gravest kind first, at most `ANOMALIES_PER_KIND_MAX` of each. */
  readonly anomalies: readonly Anomaly[];
  readonly partitions: readonly PartitionVerdict[];
  /** Memory that the history took, in bytes. */
  readonly historyBytes: number;
}

/**
 * Judges the history of each partition for itself, one after the other, so that only one is unfolded at a time:
 * about 1.2 KiB for each of its records.
 */
export function judge(recorder: Recorder, circumstances: Circumstances): Verdict {
  const nowMs = performance.now();
  const counts = Object.fromEntries(ANOMALY_KINDS.map((kind) => [kind, 0])) as Record<
    keyof AnomalyCounts,
    number
  >;
  const anomalies: Anomaly[] = [];
  let [found, missing, historyBytes] = [0, 0, 0];
  for (const { history } of recorder.partitions) {
    const report = checkHistory(history.operations());
    for (const kind of ANOMALY_KINDS) counts[kind] += report.counts[kind];
    anomalies.push(...report.anomalies);
    found += report.read;
    missing += report.unread;
    historyBytes += history.sizeBytes;
  }
  return {
    ...circumstances,
    ok: anomalies.length === 0 && circumstances.unreadable.length === 0,
    acknowledged: recorder.counts.ok,
    unknown: recorder.counts.unknown,
    refused: recorder.counts.failed,
    found,
    missing,
    counts,
    anomalies: ANOMALY_KINDS.flatMap((kind) =>
      anomalies.filter((each) => each.kind === kind).slice(0, ANOMALIES_PER_KIND_MAX),
    ),
    partitions: recorder.partitions.map(({ ref, outages }) => ({
      partition: ref.partition,
      longestUnavailableMs: outages.longestMs(nowMs),
    })),
    historyBytes,
  };
}
