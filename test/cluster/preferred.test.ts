import { describe, expect, it } from 'vitest';
import { ClusterState } from '../../src/cluster/cluster-state.js';
import { imbalancePercent, leaderSpread, preferredLeader } from '../../src/cluster/preferred.js';
import { asGroupId, type GroupId } from '../../src/raft/types.js';

const IDS = ['n1', 'n2', 'n3'];

function clusterOf(...assignments: readonly (readonly string[])[]): ClusterState {
  const state = new ClusterState();
  for (const id of IDS) {
    const addresses = { address: `${id}:1`, peerAddress: `${id}:2`, rack: '' };
    state.apply({ kind: 'registerBroker', id, incarnation: id, ...addresses });
  }
  state.apply({ kind: 'createTopic', topic: 't', replicationFactor: 2, assignments });
  return state;
}

describe('the preferred leader', () => {
  it('is the first replica, and from a reassignment on the first of the target', () => {
    const state = clusterOf(['n2', 'n1']);
    expect(preferredLeader(state, asGroupId(1), [])).toBe('n2');
    state.apply({ kind: 'reassignPartition', topic: 't', partition: 0, replicas: ['n3', 'n1'] });
    expect(preferredLeader(state, asGroupId(1), [])).toBe('n3');
  });

  it('of the metadata is the first voter that stays; a group that is gone has none', () => {
    const state = clusterOf(['n1', 'n2']);
    expect(preferredLeader(state, asGroupId(0), ['n3', 'n1', 'n2'])).toBe('n3');
    state.apply({ kind: 'removeBroker', id: 'n3' });
    expect(preferredLeader(state, asGroupId(0), ['n3', 'n1', 'n2'])).toBe('n1');
    expect(preferredLeader(state, asGroupId(9), IDS)).toBeUndefined();
  });
});

describe('the imbalance', () => {
  it('is the share of partitions that their preferred leader does not lead, of a broker and of all', () => {
    const state = clusterOf(['n1', 'n2'], ['n1', 'n3'], ['n2', 'n1'], ['n2', 'n3']);
    const leaders: Readonly<Record<number, string | undefined>> = { 1: 'n1', 2: 'n3', 3: undefined, 4: 'n2' };
    const spread = leaderSpread(state.byGroup.values(), (group: GroupId) => leaders[group]);
    expect([...spread]).toEqual([
      ['n1', { preferred: 2, ledElsewhere: 1 }],
      ['n2', { preferred: 2, ledElsewhere: 1 }],
    ]);
    expect(imbalancePercent(spread.values())).toBe(50);
    expect(imbalancePercent([{ preferred: 3, ledElsewhere: 1 }])).toBeCloseTo(33.333, 2);
  });

  it('of nothing is 0', () => {
    expect(imbalancePercent([])).toBe(0);
  });
});
