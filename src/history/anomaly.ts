/** What can be wrong with a history, by the names of Jepsen's Kafka checker, and the list of what was found. */
import type { Operation } from './types.js';

/**
 * Every kind of anomaly, the gravest first. Names and meanings as in jepsen.tests.kafka, except that
 * `unseen` leaves out what is a `lost-write` already, and for the last two, which are ours.
 */
export const ANOMALY_KINDS = [
  /** An acknowledged value at or below the highest offset read of its key was never read. */
  'lost-write',
  /** One offset showed more than one value, to readers or to the acknowledged sender. */
  'inconsistent-offsets',
  /** One value was read at more than one offset. */
  'duplicate',
  /** A value was read whose sender had been told that it was not appended (Adya's aborted read). */
  'G1a',
  /** An acknowledged value above everything read, or of unknown offset, was not read by the end. */
  'unseen',
  /** A poll began after a record that the process had not read yet. */
  'poll-skip',
  /** A poll began at or before the last record that the process had read. */
  'nonmonotonic-poll',
  /** Two neighbours in one poll leave out a record between them. */
  'int-poll-skip',
  /** Two neighbours in one poll stand still or go back. */
  'int-nonmonotonic-poll',
  /** A process's send is in the log at or before one that it had seen acknowledged earlier. */
  'nonmonotonic-send',
  /** A value acknowledged at one offset was read, but only elsewhere. */
  'wrong-offset',
  /** A value was read that nobody sent to this key. */
  'phantom',
] as const;

export type AnomalyKind = (typeof ANOMALY_KINDS)[number];

/** Anomalies of one kind that are reported in full, at most; the rest are only counted. */
export const ANOMALIES_PER_KIND_MAX = 10;

/** Offsets, values and operations named by one anomaly, at most, of each. */
export const WITNESSES_MAX = 8;

/** What an anomaly is about. */
export interface Evidence {
  readonly key: string;
  readonly offsets: readonly number[];
  readonly values: readonly number[];
  /** Those that contradict each other. */
  readonly operations: readonly Operation[];
  /** One sentence for people. */
  readonly text: string;
}

/** One contradiction in a history. */
export interface Anomaly extends Evidence {
  readonly kind: AnomalyKind;
}

/** How many anomalies of each kind there are. */
export type AnomalyCounts = Readonly<Record<AnomalyKind, number>>;

/** Collects anomalies, a bounded number of each kind, and counts all. */
export class Findings {
  readonly #found = new Map<AnomalyKind, { count: number; readonly examples: Anomaly[] }>();

  /** `evidence` is only asked for while there is room for it. */
  add(kind: AnomalyKind, evidence: () => Evidence): void {
    let found = this.#found.get(kind);
    if (found === undefined) this.#found.set(kind, (found = { count: 0, examples: [] }));
    found.count += 1;
    if (found.examples.length < ANOMALIES_PER_KIND_MAX) found.examples.push({ kind, ...bounded(evidence()) });
  }

  /** The gravest kind first. */
  get anomalies(): Anomaly[] {
    return ANOMALY_KINDS.flatMap((kind) => this.#found.get(kind)?.examples ?? []);
  }

  get counts(): AnomalyCounts {
    const entries = ANOMALY_KINDS.map((kind) => [kind, this.#found.get(kind)?.count ?? 0]);
    return Object.fromEntries(entries) as Record<AnomalyKind, number>;
  }
}

function bounded(evidence: Evidence): Evidence {
  return {
    ...evidence,
    offsets: evidence.offsets.slice(0, WITNESSES_MAX),
    values: evidence.values.slice(0, WITNESSES_MAX),
    operations: evidence.operations.slice(0, WITNESSES_MAX),
  };
}
