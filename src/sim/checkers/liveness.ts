/**
 * What must follow once the faults have stopped: L1, one leader per group; L2, all replicas are equal; L8, with
 * the leader balance on, the preferred brokers lead.
 */

import type { ClusterState } from '../../cluster/cluster-state.js';
import { isSettled } from '../../cluster/desired.js';
import { preferredLeader } from '../../cluster/preferred.js';
import { asGroupId, asLogIndex, type BrokerId, type Entry } from '../../raft/types.js';
import type { ReplicaView } from './replica-view.js';
import { holds } from './violation.js';

/** Bytes that are read at a time. */
const READ_BYTES = 1_000_000;

/** Why a group is not at rest; undefined when it is. */
export function unrest(
  group: number,
  replicas: readonly ReplicaView[],
  lost: ReadonlySet<BrokerId>,
): string | undefined {
  const name = `group ${String(group)}`;
  const leaders = replicas.filter(({ host }) => host.raft.leadsWithCommit);
  const [leader] = leaders;
  if (leader === undefined || leaders.length > 1) {
    const each = replicas.map(
      ({ broker, host: { raft } }) =>
        `${broker} ${raft.role} of ${String(raft.leader)} t${String(raft.term)} ${String(raft.commitIndex)}/${String(raft.lastIndex)} of ${raft.voters.join()}`,
    );
    return `L1: ${name} has ${String(leaders.length)} leaders: ${each.join('; ')}`;
  }
  const { lastIndex, commitIndex, term } = leader.host.raft;
  const { membership } = leader.host.raft;
  const voters = membership.voters.filter((id) => !lost.has(id));
  const learners = membership.learners.filter((id) => !lost.has(id));
  const members = thoseAtRest(replicas, lost);
  const here = members.map(({ broker }) => broker);
  if (learners.length > 0) return `L2: ${name} still has the learners ${learners.join()}`;
  if (here.length !== voters.length || !voters.every((voter) => here.includes(voter)))
    return `L2: ${name} has the voters ${voters.join()}, replicas on ${here.join()}, led by ${leader.broker}`;
  for (const { host, broker } of members) {
    const { raft } = host;
    if (raft.leader !== leader.broker || raft.term !== term)
      return `L1: ${broker} follows another leader in ${name}`;
    if (
      host.log.lastIndex !== lastIndex ||
      raft.lastIndex !== lastIndex ||
      raft.commitIndex !== commitIndex ||
      commitIndex !== lastIndex
    ) {
      return `L2: ${broker} is at ${String(raft.commitIndex)}/${String(raft.lastIndex)} of ${String(lastIndex)} in ${name}`;
    }
  }
  if (leader.host.raft.transferTarget !== undefined) return `I20: ${name} is still being handed over`;
  return undefined;
}

/** A move to a disk that is lost does not end: the replica that was to go stays, and is no member any more. */
export function thoseAtRest(
  replicas: readonly ReplicaView[],
  lost: ReadonlySet<BrokerId>,
): readonly ReplicaView[] {
  const membership = replicas.find(({ host }) => host.raft.leadsWithCommit)?.host.raft.membership;
  const isHeldUp = membership?.learners.some((id) => lost.has(id)) === true;
  return isHeldUp ? replicas.filter(({ broker }) => membership.voters.includes(broker)) : replicas;
}

/** Why the metadata does not see a group in its place; undefined when it does, or when a lost disk holds it up. */
export function unsettled(
  group: number,
  state: ClusterState,
  lost: ReadonlySet<BrokerId>,
): string | undefined {
  const { replicas = [], target = [], membership } = state.assignment(asGroupId(group)) ?? {};
  const concerned = [...replicas, ...target, ...(membership?.voters ?? state.clusterMembership.voters)];
  if (concerned.some((id) => lost.has(id)) || isSettled(state, asGroupId(group))) return undefined;
  const words = JSON.stringify(state.assignment(asGroupId(group)) ?? state.clusterMembership);
  return `L2: group ${String(group)} is not where it belongs: ${words}`;
}

/**
 * L8: why a group is not led as it should be; undefined when it is, or when the broker that should cannot: it
 * leaves the cluster, or does not run.
 */
export function astray(
  group: number,
  replicas: readonly ReplicaView[],
  state: ClusterState,
): string | undefined {
  const leader = replicas.find(({ host }) => host.raft.leadsWithCommit);
  if (leader === undefined) return undefined;
  const preferred = preferredLeader(state, asGroupId(group), leader.host.raft.voters);
  if (preferred === undefined || preferred === leader.broker) return undefined;
  const runs = replicas.some(({ broker }) => broker === preferred);
  if (!runs || state.brokers.get(preferred)?.status !== 'ACTIVE') return undefined;
  return `L8: group ${String(group)} is led by ${leader.broker}, and should be by ${preferred}`;
}

/** L2: replicas at rest are equal entry by entry behind their snapshots, read from the log and not from memory. */
export function checkEqual(group: number, replicas: readonly ReplicaView[]): void {
  const [first, ...others] = replicas;
  if (first === undefined) return;
  const from = Math.max(...replicas.map(({ host }) => host.log.firstIndex));
  const expected = entriesOf(first).filter(({ index }) => index >= from);
  for (const other of others) {
    const found = entriesOf(other).filter(({ index }) => index >= from);
    const at = expected.findIndex((entry, i) => !isEqual(entry, found[i]));
    const facts = { group, a: first.broker, b: other.broker, at, lengths: [expected.length, found.length] };
    holds(at === -1 && found.length === expected.length, 'L2', 'replicas are equal entry by entry', facts);
  }
}

function entriesOf({ host: { log } }: ReplicaView): Entry[] {
  const entries: Entry[] = [];
  for (let next = log.firstIndex; next <= log.lastIndex; next = asLogIndex(log.firstIndex + entries.length)) {
    entries.push(...log.entries(next, asLogIndex(log.lastIndex + 1), READ_BYTES));
  }
  return entries;
}

function isEqual(a: Entry, b: Entry | undefined): boolean {
  if (b === undefined || a.index !== b.index || a.term !== b.term || a.kind !== b.kind) return false;
  return a.payload.length === b.payload.length && a.payload.every((byte, i) => byte === b.payload[i]);
}
