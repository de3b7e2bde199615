/** Says in words why leadership moved, where the time went, and what speaks against a replica. */
import type {
  LeadershipCause,
  LeadershipChange,
  LeadershipObstacle,
  LeadershipTimeline,
  ReplicaStanding,
} from '../client/index.js';

/** From here on a duration is told in seconds. */
const SECONDS_FROM_MS = 10_000;

/** The cause in a word or two, such as "connection lost"; as it is when this version does not know it. */
export function causeWords(cause: LeadershipCause): string {
  return cause.startsWith('CAUSE_') ? cause : cause.toLowerCase().replaceAll('_', ' ');
}

/** When it happened, as ISO 8601 in UTC. */
export function timeText({ changedAtMs }: LeadershipChange): string {
  return new Date(changedAtMs).toISOString();
}

/**
 * One change as one sentence, such as "orders/0: n1 -> n2, term 4, 14.2 ms: the connection to n1 broke, noticed
 * after 3.1 ms; elected 6.0 ms later; first commit 5.1 ms later". Each "later" counts from the one before.
 */
export function changeSentence(change: LeadershipChange): string {
  const { topic, partition, term, timeline } = change;
  const head = `${topic}/${partition}: ${moveWords(change)}, term ${term}`;
  if (timeline === undefined) return `${head}: ${causeClause(change)}`;
  const { blockedMs, totalMs } = timeline;
  const figure = blockedMs === undefined ? duration(totalMs) : `writes refused for ${duration(blockedMs)}`;
  return `${head}, ${figure}: ${[causeClause(change), ...phases(change, timeline)].join('; ')}`;
}

/** What became known of a change after it was told: the first write of the new leader. */
export function firstWriteSentence({ topic, partition, leader, term, timeline }: LeadershipChange): string {
  const first = duration(timeline?.firstWriteMs ?? 0);
  return `${topic}/${partition}: ${leader}, term ${term}: first write acknowledged ${first} after the first commit`;
}

/** What speaks for and against a replica. */
export function standingWords(standing: ReplicaStanding, preferredLeader: string): string {
  const { broker, leads, obstacles, lagEntries } = standing;
  const preferred = broker === preferredLeader ? ['preferred'] : [];
  if (leads) return [...preferred, 'leads'].join(', ');
  const against = obstacles.map((obstacle) => obstacleWords(obstacle, standing));
  const lag =
    lagEntries === undefined || obstacles.includes('LAGGING') ? [] : [`lacks ${entries(lagEntries)}`];
  return [...preferred, ...(against.length === 0 ? ['could take over'] : against), ...lag].join('; ');
}

function moveWords({ previousLeader, leader }: LeadershipChange): string {
  if (previousLeader === undefined) return `${leader} leads`;
  return previousLeader === leader ? `${leader} leads again` : `${previousLeader} -> ${leader}`;
}

function causeClause({
  cause,
  leader,
  previousLeader = 'the old leader',
  timeline,
}: LeadershipChange): string {
  const detectMs = timeline?.detectMs;
  const noticed = detectMs === undefined ? '' : `, noticed after ${duration(detectMs)}`;
  return `${causeText(cause, leader, previousLeader)}${noticed}`;
}

function causeText(cause: LeadershipCause, leader: string, old: string): string {
  switch (cause) {
    case 'CREATED':
      return 'the partition is new';
    case 'CONNECTION_LOST':
      return `the connection to ${old} broke`;
    case 'HEARTBEAT_MISSED':
      return `${old} fell silent`;
    case 'REQUESTED':
      return 'somebody asked for it';
    case 'SHUTDOWN':
      return `${old} was being stopped`;
    case 'DISK_STALLED':
      return `the disk of ${old} did not answer`;
    case 'BALANCED':
      return `${leader} is preferred, and got it back`;
    case 'REASSIGNED':
      return `the replica of ${old} was moved away`;
    case 'QUORUM_LOST':
      return `${old} heard from no quorum`;
    case 'RESTARTED':
      return 'the replicas had been started again';
    case 'DISK_FULL':
      return `the disk of ${old} was short of room`;
    case 'UNKNOWN':
      return 'the cause is not known';
    default:
      return `${cause}, a cause that this version does not know`;
  }
}

/** What followed the cause, each counted from the one before. */
function phases(change: LeadershipChange, timeline: LeadershipTimeline): string[] {
  const { electMs, commitMs, blockedMs, firstWriteMs } = timeline;
  const ordered = blockedMs === undefined ? 'later' : 'after the order';
  return [
    ...(electMs === undefined ? [] : [`elected ${duration(electMs)} ${ordered}${termsInVain(change)}`]),
    `first commit ${duration(commitMs)} ${electMs === undefined ? 'after the election' : 'later'}`,
    ...(firstWriteMs === undefined ? [] : [`first write acknowledged ${duration(firstWriteMs)} later`]),
  ];
}

/** Terms that passed meanwhile without a leader who committed, such as after a split vote. */
function termsInVain({ term, previousTerm }: LeadershipChange): string {
  const count = previousTerm === 0 ? 0 : term - previousTerm - 1;
  if (count <= 0) return '';
  return count === 1 ? ' (one term brought no leader)' : ` (${count} terms brought no leader)`;
}

function obstacleWords(obstacle: LeadershipObstacle, { lagEntries, coolDownMs }: ReplicaStanding): string {
  switch (obstacle) {
    case 'NOT_HEARD_FROM':
      return 'not heard from';
    case 'LAGGING':
      return lagEntries === undefined
        ? 'lags behind what is committed'
        : `lags: lacks ${entries(lagEntries)}`;
    case 'COOLING_DOWN':
      return `lost the lead a short while ago, left alone for ${duration(coolDownMs)} more`;
    case 'LEARNER':
      return 'being added, does not vote yet';
    case 'NO_QUORUM':
      return 'could lead, but no quorum is heard from to elect it';
    case 'BALANCE_OFF':
      return 'could lead, but leadership does not move back by itself: the balance is off';
    case 'BALANCE_PENDING':
      return 'could lead, and gets leadership back soon';
    default:
      return `${obstacle}, which this version does not know`;
  }
}

function entries(count: number): string {
  if (count === 0) return 'nothing';
  return count === 1 ? '1 entry' : `${count} entries`;
}

function duration(ms: number): string {
  return ms < SECONDS_FROM_MS ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
