/**
 * Commands about brokers: register, add, remove, replace. Pure.
 *
 * A broker is its disk: one that comes back with another disk has forgotten its votes and what it
 * acknowledged (B5, B34), so it is taken back only after every group has let the old one go.
 */

import { quorumSize } from '../raft/quorum.js';
import type { BrokerId } from '../raft/types.js';
import { accepted, type ClusterTables, refused, type Verdict } from './cluster-tables.js';
import type { BrokerRegistration, ClusterChange, ReportedMembership } from './cluster-types.js';
import type { AddBroker, RegisterBroker } from './commands.js';

/** Brokers of a cluster at most. src/config.ts has the same bound for the brokers that it is started with. */
export const BROKERS_MAX = 7;

export function registerBroker(tables: ClusterTables, command: RegisterBroker): Verdict {
  const { id, incarnation, address, peerAddress, rack } = command;
  const known = tables.brokers.get(id);
  const entry = { id, incarnation, address, peerAddress, rack };
  if (known === undefined) {
    if (isStranger(tables, id)) {
      const text = `broker ${id} is not in the cluster; run "bellwether broker add ${id}=HOST:PORT" first`;
      return refused('CLUSTER_MISMATCH', text, { broker: id, presented: incarnation });
    }
    const voters = enterInFirstMembership(tables, id);
    return accepted(tables.putBroker({ ...entry, status: 'ACTIVE' }), ...voters);
  }
  if (known.incarnation === incarnation) {
    // Each start registers anew; what is the same must not look like a change.
    const isSame = known.address === address && known.peerAddress === peerAddress && known.rack === rack;
    return isSame ? accepted() : accepted(tables.putBroker({ ...entry, status: known.status }));
  }
  if (known.status === 'JOINING' && known.incarnation === '') {
    return accepted(tables.putBroker({ ...entry, status: 'ACTIVE' }));
  }
  return refused('CLUSTER_MISMATCH', mismatchText(known), {
    broker: id,
    registered: known.incarnation,
    presented: incarnation,
    status: known.status,
  });
}

/** True for one that is neither added nor one of those that the cluster was started with: it may have been removed. */
function isStranger(
  { clusterMembership: { index, voters, learners } }: ClusterTables,
  id: BrokerId,
): boolean {
  return index > 0 && !voters.includes(id) && !learners.includes(id);
}

/** A broker that registers without being added is one that the cluster was started with: it votes in group 0. */
function enterInFirstMembership(tables: ClusterTables, id: BrokerId): ClusterChange[] {
  const { clusterMembership } = tables;
  if (clusterMembership.index > 0) return [];
  const membership = { ...clusterMembership, voters: [...clusterMembership.voters, id] };
  tables.clusterMembership = membership;
  return [{ kind: 'clusterMembershipChanged', membership }];
}

function mismatchText({ id, status }: BrokerRegistration): string {
  const text = `broker ${id} is registered with another disk`;
  if (status === 'REPLACING') {
    return `${text}, which is being taken out of its groups; start it again once "bellwether broker list" shows it as JOINING`;
  }
  return `${text}; start it with that data folder, or, when that disk is lost, run "bellwether broker replace ${id}" and then start it with an empty one`;
}

export function addBroker(tables: ClusterTables, { id, peerAddress }: AddBroker): Verdict {
  const known = tables.brokers.get(id);
  if (known !== undefined) {
    if (known.status === 'JOINING' && known.peerAddress === peerAddress) return accepted();
    return refused('BROKER_ALREADY_EXISTS', `broker ${id} is in the cluster, with status ${known.status}`, {
      broker: id,
      status: known.status,
      peer_address: known.peerAddress,
    });
  }
  const holder = [...tables.brokers.values()].find(
    (each) => each.peerAddress === peerAddress || each.address === peerAddress,
  );
  if (holder !== undefined) {
    const text = `${peerAddress} is an address of broker ${holder.id}; name the --peer-listen address of ${id}`;
    return refused('BROKER_CHANGE_REFUSED', text, {
      broker: id,
      peer_address: peerAddress,
      holder: holder.id,
    });
  }
  if (tables.brokers.size >= BROKERS_MAX) {
    return refused(
      'BROKER_CHANGE_REFUSED',
      `a cluster has at most ${String(BROKERS_MAX)} brokers; remove one`,
      {
        broker: id,
        brokers: String(tables.brokers.size),
        brokers_max: String(BROKERS_MAX),
      },
    );
  }
  const broker = { id, incarnation: '', address: '', peerAddress, rack: '', status: 'JOINING' } as const;
  const entered = tables.putBroker(broker);
  return accepted(entered, ...tables.settleBrokers());
}

/** Marks a broker as leaving; whoever submits this reassigns its partitions first. */
export function removeBroker(tables: ClusterTables, id: BrokerId): Verdict {
  const known = tables.brokers.get(id);
  if (known === undefined) return unknownBroker(id);
  if (known.status === 'REMOVING') return accepted();
  const others = [...tables.brokers.values()].filter((each) => each.status === 'ACTIVE' && each.id !== id);
  if (known.status === 'ACTIVE' && others.length === 0) {
    return refused('BROKER_CHANGE_REFUSED', `broker ${id} is the last active one; add another first`, {
      broker: id,
    });
  }
  const marked = tables.putBroker({ ...known, status: 'REMOVING' });
  return accepted(marked, ...tables.settleBrokers());
}

/** Declares the disk of a broker lost. */
export function replaceBroker(tables: ClusterTables, id: BrokerId): Verdict {
  const known = tables.brokers.get(id);
  if (known === undefined) return unknownBroker(id);
  if (known.status === 'REPLACING' || known.status === 'JOINING') return accepted();
  if (known.status === 'REMOVING') {
    return refused('BROKER_CHANGE_REFUSED', `broker ${id} is being removed, which needs no disk of its own`, {
      broker: id,
      status: known.status,
    });
  }
  const blocked = groupWithoutQuorum(tables, id);
  if (blocked !== undefined) {
    return refused(
      'BROKER_CHANGE_REFUSED',
      `without ${id}, ${blocked} has no quorum that could take it out of its members: it would wait for ever; bring the data folder of ${id} back`,
      { broker: id, group: blocked },
    );
  }
  const marked = tables.putBroker({ ...known, status: 'REPLACING' });
  return accepted(marked, ...tables.settleBrokers());
}

/** Names a group whose voters on brokers with a disk are no majority without `lost`. */
function groupWithoutQuorum(tables: ClusterTables, lost: BrokerId): string | undefined {
  const isLeft = (id: BrokerId): boolean =>
    id !== lost &&
    tables.brokers.get(id)?.status !== 'REPLACING' &&
    tables.brokers.get(id)?.status !== 'JOINING';
  const isBlocked = ({ voters }: ReportedMembership): boolean =>
    voters.includes(lost) && voters.filter(isLeft).length < quorumSize(voters.length);
  if (isBlocked(tables.clusterMembership)) return 'the cluster metadata';
  const partition = [...tables.byGroup.values()].find(({ membership }) => isBlocked(membership));
  return partition === undefined ? undefined : `${partition.topic}/${String(partition.partition)}`;
}

function unknownBroker(id: BrokerId): Verdict {
  return refused('BROKER_NOT_FOUND', `the cluster has no broker ${id}`, { broker: id });
}
