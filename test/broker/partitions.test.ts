import { expect, it } from 'vitest';
import { noLeader } from '../../src/broker/refusals.js';
import { Partitions } from '../../src/broker/partitions.js';
import { ClusterState } from '../../src/cluster/cluster-state.js';
import type { ClusterCommand } from '../../src/cluster/commands.js';
import { asLogIndex, type GroupId } from '../../src/raft/types.js';
import { ManualClock } from './manual-clock.js';
import { Replica } from './replica.js';

function registration(id: string, incarnation: string): ClusterCommand {
  return { kind: 'registerBroker', id, incarnation, address: `${id}:1`, peerAddress: `${id}:2`, rack: '' };
}

it('a replaced disk keeps no replica by a metadata that tells of the disk before it (B12)', () => {
  const state = new ClusterState();
  const created: GroupId[] = [];
  const partitions = new Partitions({
    self: 'n3',
    incarnation: 'new',
    clock: new ManualClock(),
    state: () => state,
    unclaimed: new Map(),
    elsewhere: (_group, subject) => noLeader(subject),
    createGroup: (group, _spec, machine) => {
      created.push(group);
      return new Replica({ group, machine }).host;
    },
    dropGroup: () => undefined,
  });
  const apply = (command: ClusterCommand): void => {
    const { result, changes } = state.apply(command);
    expect(result).toEqual({ ok: true });
    partitions.metadataChanged(changes);
  };
  for (const id of ['n1', 'n2']) apply(registration(id, id));
  apply(registration('n3', 'old'));
  const assignments = [['n1', 'n2', 'n3']];
  apply({ kind: 'createTopic', topic: 't', replicationFactor: 3, assignments });
  partitions.adopt();
  expect(created).toEqual([]);
  apply({ kind: 'replaceBroker', id: 'n3' });
  const { group } = state.partition('t', 0) ?? expect.unreachable();
  apply({ kind: 'membershipChanged', group, index: asLogIndex(9), voters: ['n1', 'n2'], learners: [] });
  state.clusterMembershipCommitted(asLogIndex(9), { voters: ['n1', 'n2'], learners: [] });
  expect(state.brokers.get('n3')?.status).toBe('JOINING');
  apply(registration('n3', 'new'));
  expect(created).toEqual([group]);
});
