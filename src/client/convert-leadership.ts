/** Generated messages about leadership -> the SDK's public types. */
import type { TransferLeadershipResponse } from '../../gen/bellwether/v1/admin_service.js';
import { LeadershipCause as WireCause } from '../../gen/bellwether/v1/leadership.js';
import type {
  LeadershipChange as WireChange,
  LeadershipTimeline as WireTimeline,
} from '../../gen/bellwether/v1/leadership.js';
import {
  FailoverOutcome,
  LeadershipObstacle as WireObstacle,
} from '../../gen/bellwether/v1/partition_service.js';
import type {
  ExplainLeaderResponse,
  PartitionFailoverResponse,
  PartitionLeaderResponse,
  ReplicaStanding as WireStanding,
} from '../../gen/bellwether/v1/partition_service.js';
import type {
  FailoverResult,
  LeaderExplanation,
  LeadershipCause,
  LeadershipChange,
  LeadershipObstacle,
  LeadershipTimeline,
  PartitionLeader,
  ReplicaStanding,
  TransferResult,
} from './leadership-types.js';

const CAUSES: Readonly<Record<number, LeadershipCause>> = {
  [WireCause.CREATED]: 'CREATED',
  [WireCause.CONNECTION_LOST]: 'CONNECTION_LOST',
  [WireCause.HEARTBEAT_MISSED]: 'HEARTBEAT_MISSED',
  [WireCause.REQUESTED]: 'REQUESTED',
  [WireCause.SHUTDOWN]: 'SHUTDOWN',
  [WireCause.DISK_STALLED]: 'DISK_STALLED',
  [WireCause.BALANCED]: 'BALANCED',
  [WireCause.DISK_FULL]: 'DISK_FULL',
  [WireCause.REASSIGNED]: 'REASSIGNED',
  [WireCause.QUORUM_LOST]: 'QUORUM_LOST',
  [WireCause.RESTARTED]: 'RESTARTED',
  [WireCause.UNKNOWN]: 'UNKNOWN',
};

const OBSTACLES: Readonly<Record<number, LeadershipObstacle>> = {
  [WireObstacle.NOT_HEARD_FROM]: 'NOT_HEARD_FROM',
  [WireObstacle.LAGGING]: 'LAGGING',
  [WireObstacle.COOLING_DOWN]: 'COOLING_DOWN',
  [WireObstacle.LEARNER]: 'LEARNER',
  [WireObstacle.NO_QUORUM]: 'NO_QUORUM',
  [WireObstacle.BALANCE_OFF]: 'BALANCE_OFF',
  [WireObstacle.BALANCE_PENDING]: 'BALANCE_PENDING',
};

/** An outcome unknown to this version counts as MOVED: the answer says who leads either way. */
const OUTCOMES: Readonly<Record<number, FailoverResult['outcome']>> = {
  [FailoverOutcome.ALREADY_MOVED]: 'ALREADY_MOVED',
  [FailoverOutcome.WOULD_MOVE]: 'WOULD_MOVE',
};

export function toPartitionLeader(response: PartitionLeaderResponse): PartitionLeader {
  return {
    leader: response.leader,
    followers: response.followers,
    term: response.term,
    leaderAddress: response.leaderAddress,
    inSyncReplicas: response.inSyncReplicas,
    highWatermark: response.highWatermark,
    leaderSinceMs: response.leaderSinceMs,
  };
}

export function toFailover(response: PartitionFailoverResponse): FailoverResult {
  const { newLeader, newTerm, failoverMs, timeline } = response;
  const outcome = OUTCOMES[response.outcome] ?? 'MOVED';
  return { newLeader, newTerm, failoverMs, outcome, timeline: timeline && toTimeline(timeline) };
}

export function toTransfer(response: TransferLeadershipResponse): TransferResult {
  const { leader, term, transferMs, timeline } = response;
  const outcome = response.outcome === FailoverOutcome.ALREADY_MOVED ? 'ALREADY_MOVED' : 'MOVED';
  return { leader, term, transferMs, outcome, timeline: timeline && toTimeline(timeline) };
}

export function toChange(change: WireChange): LeadershipChange {
  return {
    sequence: change.sequence,
    topic: change.topic,
    partition: change.partition,
    leader: change.leader,
    term: change.term,
    previousLeader: unlessEmpty(change.previousLeader),
    previousTerm: change.previousTerm,
    cause: CAUSES[change.cause] ?? `CAUSE_${change.cause}`,
    changedAtMs: change.changedAtMs,
    timeline: change.timeline && toTimeline(change.timeline),
  };
}

export function toExplanation(response: ExplainLeaderResponse): LeaderExplanation {
  return {
    leader: unlessEmpty(response.leader),
    term: response.term,
    preferredLeader: response.preferredLeader,
    summary: response.summary,
    replicas: response.replicas.map(toStanding),
    changes: response.changes.map(toChange),
  };
}

function toStanding({ broker, leads, obstacles, lagEntries, coolDownMs }: WireStanding): ReplicaStanding {
  return {
    broker,
    leads,
    obstacles: obstacles.map(toObstacle),
    lagEntries,
    coolDownMs,
  };
}

function toObstacle(obstacle: WireObstacle): LeadershipObstacle {
  return OBSTACLES[obstacle] ?? `OBSTACLE_${obstacle}`;
}

function toTimeline(wire: WireTimeline): LeadershipTimeline {
  const { detectMs, electMs, commitMs, blockedMs, firstWriteMs } = wire;
  const totalMs = (detectMs ?? 0) + (electMs ?? 0) + commitMs;
  return { detectMs, electMs, commitMs, totalMs, blockedMs, firstWriteMs };
}

/** The wire says "none" with an empty string. */
function unlessEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}
