/** Why a partition is led as it is: what speaks for and against each replica, as far as this broker sees it. */

import type { PartitionAssignment } from '../cluster/cluster-types.js';
import { hostsOf } from '../cluster/desired.js';
import { preferredLeader } from '../cluster/preferred.js';
import type { LeadershipChange } from '../cluster/leadership-change.js';
import { quorumSize } from '../raft/quorum.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import type { Broker } from './broker.js';
import { CLUSTER_GROUP } from './cluster-host.js';

/** Why a replica does not lead, or may not take over now; the words are those of the protocol. */
export type Obstacle =
  'NOT_HEARD_FROM' | 'LAGGING' | 'COOLING_DOWN' | 'LEARNER' | 'NO_QUORUM' | 'BALANCE_OFF' | 'BALANCE_PENDING';

export interface Standing {
  readonly broker: BrokerId;
  readonly leads: boolean;
  readonly obstacles: readonly Obstacle[];
  /** Undefined where this broker does not lead. */
  readonly lagEntries: number | undefined;
  readonly coolDownMs: number;
}

export interface Explanation {
  /** Undefined while nobody is known to lead. */
  readonly leader: BrokerId | undefined;
  readonly term: number;
  readonly preferredLeader: BrokerId;
  readonly summary: string;
  /** In order of preference. */
  readonly replicas: readonly Standing[];
  /** The newest first. */
  readonly changes: readonly LeadershipChange[];
}

/** What of a group decides who may lead it. */
interface Members {
  readonly group: GroupId;
  readonly voters: readonly BrokerId[];
  /** Voters and learners, in order of preference. */
  readonly hosts: readonly BrokerId[];
}

/** What this broker knows of the partition at this moment. */
export function explainLeader(broker: Broker, assignment: PartitionAssignment): Explanation {
  const { group, membership } = assignment;
  return explain(broker, { group, voters: membership.voters, hosts: hostsOf(assignment) });
}

/**
 * The same of the cluster metadata, which is led by the same rules. Its voters are those that this broker knows.
 *
 * @throws BellwetherError NO_LEADER, or NOT_LEADER with a hint, from a broker that has not joined yet
 */
export function explainController(broker: Broker): Explanation {
  const { voters, learners } = broker.cluster.group.raft.membership;
  if (voters.length === 0) throw broker.clusterElsewhere();
  return explain(broker, { group: CLUSTER_GROUP, voters, hosts: [...voters, ...learners] });
}

function explain(broker: Broker, { group, voters, hosts }: Members): Explanation {
  const leader = broker.table.leaderOf(group);
  const heard = voters.filter((voter) => broker.isAlive(voter));
  const hasQuorum = heard.length >= quorumSize(voters.length);
  const preferred = preferredLeader(broker.cluster.state, group, voters);
  const replicas = hosts.map((id): Standing => {
    const coolDownMs = coolDownOf(broker, group, id, id === preferred);
    const lagEntries = lagOf(broker, group, id);
    const leads = leader?.leader === id;
    if (leads) return { broker: id, leads, obstacles: [], lagEntries, coolDownMs: 0 };
    const obstacles: Obstacle[] = [];
    if (!broker.isAlive(id)) obstacles.push('NOT_HEARD_FROM');
    if (!voters.includes(id)) obstacles.push('LEARNER');
    if (isLagging(broker, group, id)) obstacles.push('LAGGING');
    if (coolDownMs > 0) obstacles.push('COOLING_DOWN');
    const couldLead = !obstacles.some((each) => each === 'NOT_HEARD_FROM' || each === 'LEARNER');
    if (couldLead && leader === undefined && !hasQuorum) obstacles.push('NO_QUORUM');
    if (obstacles.length === 0 && leader !== undefined && id === preferred) {
      obstacles.push(broker.balancer.isOn ? 'BALANCE_PENDING' : 'BALANCE_OFF');
    }
    return { broker: id, leads, obstacles, lagEntries, coolDownMs };
  });
  const facts = {
    leader: leader?.leader,
    term: leader?.term ?? broker.table.newestTerm(group),
    preferredLeader: preferred ?? '',
    replicas,
    changes: broker.cluster.state.leadership.ofGroup(group),
  };
  return { ...facts, summary: summaryOf(facts, heard, voters) };
}

/**
 * For how long a replica is left alone: elections prefer the one that lost the leadership last, and the balance
 * hands nothing to a preferred leader that came up or lost something lately. Rounded up.
 */
function coolDownOf(broker: Broker, group: GroupId, id: BrokerId, isPreferred: boolean): number {
  const deposedMs = broker.group(group)?.raft.coolDownMs(broker.clock.monotonicMs(), id) ?? 0;
  const balanceMs = isPreferred && broker.balancer.isOn ? broker.balancer.coolDownMs(group, id) : 0;
  return Math.ceil(Math.max(deposedMs, balanceMs));
}

/**
 * Entries that a replica lacks of what the leader has, where this broker is the leader. Of one that has not answered
 * this leader yet nothing is known: it may have everything.
 */
function lagOf(broker: Broker, group: GroupId, id: BrokerId): number | undefined {
  const raft = broker.group(group)?.raft;
  if (raft?.role !== 'leader') return undefined;
  if (id === broker.id) return 0;
  const match = raft.progress.get(id)?.match ?? 0;
  return match === 0 ? undefined : raft.lastIndex - match;
}

/** The leader counts what is committed; anybody else goes by what the leader says is in sync. */
function isLagging(broker: Broker, group: GroupId, id: BrokerId): boolean {
  const raft = broker.group(group)?.raft;
  if (raft?.role === 'leader') {
    const match = raft.progress.get(id)?.match ?? 0;
    return match > 0 && match < raft.commitIndex;
  }
  const leader = broker.table.leaderOf(group);
  return leader !== undefined && broker.isAlive(id) && !leader.inSyncReplicas.includes(id);
}

function summaryOf(
  { leader, term, preferredLeader, replicas }: Omit<Explanation, 'summary'>,
  heard: readonly BrokerId[],
  voters: readonly BrokerId[],
): string {
  if (leader === undefined) {
    const missing = voters.filter((voter) => !heard.includes(voter));
    if (heard.length >= quorumSize(voters.length)) return 'Nobody leads: an election runs.';
    const are = missing.length === 1 ? 'is' : 'are';
    return `Nobody leads: ${list(missing)} ${are} not heard from, and a quorum of ${list(voters)} is needed.`;
  }
  const leads = `${leader} leads in term ${String(term)}`;
  if (leader === preferredLeader) return `${leads} and is the preferred leader.`;
  const preferred = replicas.find(({ broker }) => broker === preferredLeader);
  return `${leads}; ${preferredLeader} is preferred and ${whyNot(preferred)}.`;
}

/** The first thing that speaks against a preferred leader, in words. */
function whyNot(standing: Standing | undefined): string {
  switch (standing?.obstacles[0]) {
    case 'NOT_HEARD_FROM':
      return 'is not heard from';
    case 'LEARNER':
      return 'does not vote yet';
    case 'LAGGING':
      return standing.lagEntries === undefined
        ? 'is not in sync'
        : `lacks ${String(standing.lagEntries)} entries`;
    case 'COOLING_DOWN':
      return `is left alone for another ${String(Math.ceil(standing.coolDownMs / 1_000))} s, as it came up or lost the leadership a short while ago`;
    case 'BALANCE_PENDING':
      return 'gets the leadership back soon';
    case 'BALANCE_OFF':
      return 'could lead, but leadership is not moved back by itself';
    case 'NO_QUORUM':
    case undefined:
      return 'could lead';
  }
}

function list(names: readonly string[]): string {
  return names.join(', ');
}
