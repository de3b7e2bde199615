/** Changes of leadership to and from their wire forms: the public one, and the one between brokers. */

import type { LeadershipReport as WireReport } from '../../gen/bellwether/raft/v1/raft_service.js';
import {
  LeadershipCause as WireCause,
  type LeadershipChange as WireChange,
  type LeadershipTimeline,
} from '../../gen/bellwether/v1/leadership.js';
import {
  LEADERSHIP_CAUSES,
  type LeadershipCause,
  type LeadershipChange,
  type LeadershipPhases,
  type LeadershipReport,
} from '../cluster/leadership-change.js';
import type { TransferCause } from '../raft/messages.js';
import type { BrokerId, GroupId, ResignationCause, Term } from '../raft/types.js';
import { intField, invalid, optionalInt } from './fields.js';

const MICROSECONDS_MAX = Number.MAX_SAFE_INTEGER;
const TRANSFER_CAUSES: readonly TransferCause[] = [
  'REQUESTED',
  'SHUTDOWN',
  'BALANCED',
  'REASSIGNED',
  'DISK_FULL',
];
const RESIGNATION_CAUSES: readonly ResignationCause[] = ['DISK_STALLED', 'QUORUM_LOST', 'REASSIGNED'];

export function causeToWire(cause: LeadershipCause): WireCause {
  return WireCause[cause];
}

/** @throws BellwetherError INVALID_REQUEST for a cause of a later version, and for none. */
function causeFromWire<C extends LeadershipCause>(causes: readonly C[], wire: WireCause): C {
  const cause = causes.find((each) => WireCause[each] === wire);
  if (cause === undefined) throw invalid('cause', 'is not one of those that stand here', wire);
  return cause;
}

export function transferCauseFromWire(wire: WireCause): TransferCause {
  return causeFromWire(TRANSFER_CAUSES, wire);
}

/** Unspecified is none. */
export function resignationToWire(cause: ResignationCause | undefined): WireCause {
  return cause === undefined ? WireCause.UNSPECIFIED : causeToWire(cause);
}

export function resignationFromWire(wire: WireCause): ResignationCause | undefined {
  return wire === WireCause.UNSPECIFIED ? undefined : causeFromWire(RESIGNATION_CAUSES, wire);
}

/** Milliseconds as whole microseconds. */
export function microsecondsOf(ms: number): number {
  return Math.round(ms * 1_000);
}

/** Microseconds of the wire in milliseconds. */
export function millisecondsField(field: string, us: number): number {
  return intField(field, us, 0, MICROSECONDS_MAX) / 1_000;
}

export function reportToWire(report: LeadershipReport): WireReport {
  const { previousLeader, previousTerm, cause, changedAtMs, detectUs, electUs, commitUs, blockedUs } = report;
  const phases = { detectUs, electUs, commitUs, blockedUs };
  return { previousLeader, previousTerm, cause: causeToWire(cause), changedAtMs, ...phases };
}

/** A report is part of an announcement, which says of whom it is. */
export function reportFromWire(
  of: { readonly group: GroupId; readonly term: Term; readonly leader: BrokerId },
  wire: WireReport,
): LeadershipReport {
  return {
    ...of,
    previousLeader: wire.previousLeader,
    previousTerm: intField('previous_term', wire.previousTerm, 0, of.term),
    cause: causeFromWire(LEADERSHIP_CAUSES, wire.cause),
    changedAtMs: intField('changed_at_ms', wire.changedAtMs, 0, Number.MAX_SAFE_INTEGER),
    detectUs: optionalInt('detect_us', wire.detectUs, 0, MICROSECONDS_MAX),
    electUs: optionalInt('elect_us', wire.electUs, 0, MICROSECONDS_MAX),
    commitUs: intField('commit_us', wire.commitUs, 0, MICROSECONDS_MAX),
    blockedUs: optionalInt('blocked_us', wire.blockedUs, 0, MICROSECONDS_MAX),
  };
}

export function timelineToWire(
  { detectUs, electUs, commitUs, blockedUs }: LeadershipPhases,
  firstWriteUs?: number,
): LeadershipTimeline {
  return {
    detectMs: milliseconds(detectUs),
    electMs: milliseconds(electUs),
    commitMs: commitUs / 1_000,
    blockedMs: milliseconds(blockedUs),
    firstWriteMs: milliseconds(firstWriteUs),
  };
}

export function changeToWire(change: LeadershipChange): WireChange {
  const { sequence, topic, partition, leader, term, previousLeader, previousTerm, changedAtMs } = change;
  return {
    ...{ sequence, topic, partition, leader, term, previousLeader, previousTerm, changedAtMs },
    cause: causeToWire(change.cause),
    timeline: timelineToWire(change, change.firstWriteUs),
  };
}

function milliseconds(us: number | undefined): number | undefined {
  return us === undefined ? undefined : us / 1_000;
}
