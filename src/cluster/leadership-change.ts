/** What is told of one change of leadership: who, why, and where the time went. Pure. */

import type { BrokerId, GroupId } from '../raft/types.js';

/** Why leadership moved; proto/bellwether/v1/leadership.proto says what each means. */
export const LEADERSHIP_CAUSES = [
  'CREATED',
  'CONNECTION_LOST',
  'HEARTBEAT_MISSED',
  'REQUESTED',
  'SHUTDOWN',
  'DISK_STALLED',
  'BALANCED',
  'REASSIGNED',
  'QUORUM_LOST',
  'RESTARTED',
  'DISK_FULL',
  'UNKNOWN',
] as const;
export type LeadershipCause = (typeof LEADERSHIP_CAUSES)[number];

const CAUSES: ReadonlySet<unknown> = new Set(LEADERSHIP_CAUSES);

/** Durations in whole microseconds, by the new leader's monotonic clock. */
export interface LeadershipPhases {
  /** From the last sign of life of the old leader until it was suspected; undefined when it was not. */
  readonly detectUs: number | undefined;
  /** From the suspicion, or from the order to campaign, until the election was won. */
  readonly electUs: number | undefined;
  /** From the election until the first entry of the term was committed. */
  readonly commitUs: number;
  /** For how long writes were refused while a live leader handed over; undefined when nobody did. */
  readonly blockedUs: number | undefined;
}

/** What a new leader reports once it has committed in its term. */
export interface LeadershipReport extends LeadershipPhases {
  readonly group: GroupId;
  readonly term: number;
  readonly leader: BrokerId;
  /** Empty for none, or when it is not known. */
  readonly previousLeader: BrokerId;
  /** 0 with none. */
  readonly previousTerm: number;
  readonly cause: LeadershipCause;
  /** Milliseconds since the Unix epoch, by the leader's clock. */
  readonly changedAtMs: number;
}

/** What a leader reports later: how long after its first commit a client's record was acknowledged. */
export interface FirstWriteReport {
  readonly group: GroupId;
  readonly term: number;
  readonly firstWriteUs: number;
}

/** One change of leadership, as the cluster's history has it. Outlives its topic. */
export interface LeadershipChange extends LeadershipReport {
  /** Position in the history, from 1. */
  readonly sequence: number;
  readonly topic: string;
  readonly partition: number;
  /** Undefined while no write is known. */
  readonly firstWriteUs: number | undefined;
}

/** True for what JSON made of a `LeadershipReport`. */
export function isLeadershipReport(value: unknown): value is LeadershipReport {
  if (typeof value !== 'object' || value === null) return false;
  const report = value as Readonly<Partial<Record<keyof LeadershipReport, unknown>>>;
  return (
    isCount(report.group) &&
    isCount(report.term) &&
    isCount(report.previousTerm) &&
    isCount(report.changedAtMs) &&
    isCount(report.commitUs) &&
    isCountOrNone(report.detectUs) &&
    isCountOrNone(report.electUs) &&
    isCountOrNone(report.blockedUs) &&
    typeof report.leader === 'string' &&
    typeof report.previousLeader === 'string' &&
    CAUSES.has(report.cause)
  );
}

/** True for what JSON made of a `FirstWriteReport`. */
export function isFirstWriteReport(value: unknown): value is FirstWriteReport {
  if (typeof value !== 'object' || value === null) return false;
  const { group, term, firstWriteUs } = value as Readonly<Partial<Record<keyof FirstWriteReport, unknown>>>;
  return [group, term, firstWriteUs].every(isCount);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isCountOrNone(value: unknown): boolean {
  return value === undefined || isCount(value);
}
