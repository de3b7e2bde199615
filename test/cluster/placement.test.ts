import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClusterState } from '../../src/cluster/cluster-state.js';
import { type Candidate, candidatesOf, placeReplicas } from '../../src/cluster/placement.js';

/** Brokers n1, n2, ... with nothing on them; a rack for each. */
function brokers(racks: readonly string[], dead: readonly string[] = []): Candidate[] {
  return racks.map((rack, i) => {
    const id = `n${String(i + 1)}`;
    return { id, rack, alive: !dead.includes(id), leaderCount: 0, replicaCount: 0, heirs: new Map() };
  });
}

function countBy(ids: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

describe('placeReplicas', () => {
  it('lets equal brokers take turns, in the given order', () => {
    expect(placeReplicas(brokers(['', '', '']), 4, 3)).toEqual([
      ['n1', 'n2', 'n3'],
      ['n2', 'n3', 'n1'],
      ['n3', 'n1', 'n2'],
      ['n1', 'n3', 'n2'],
    ]);
  });

  it('lets all others inherit from a broker that dies, not one of them alone', () => {
    for (const count of [3, 4, 5]) {
      const candidates = brokers(Array.from({ length: count }, () => ''));
      const placed = placeReplicas(candidates, 60 * count, 3);
      for (const { id } of candidates) {
        const heirs = countBy(placed.filter(([leader]) => leader === id).map(([, heir]) => heir ?? ''));
        // More brokers than replicas: who follows goes by the number of replicas first.
        const several = Object.values(heirs);
        expect(several.length).toBeGreaterThan(1);
        expect(Math.max(...several) - Math.min(...several)).toBeLessThanOrEqual(1);
      }
    }
  });

  it('goes on where earlier topics have left off', () => {
    const [first, second, third] = brokers(['', '', '']);
    const loaded = [{ ...first!, heirs: new Map([['n2', 1]]) }, second!, third!];
    expect(placeReplicas(loaded, 1, 3)).toEqual([['n1', 'n3', 'n2']]);
  });

  it('gives every partition distinct replicas, and spreads leaders and replicas evenly', () => {
    const sizes = fc.record({
      count: fc.integer({ min: 1, max: 7 }),
      partitions: fc.integer({ min: 1, max: 60 }),
      factor: fc.integer({ min: 1, max: 7 }),
    });
    fc.assert(
      fc.property(sizes, ({ count, partitions, factor }) => {
        const candidates = brokers(Array.from({ length: count }, () => ''));
        const placed = placeReplicas(candidates, partitions, Math.min(factor, count));
        expect(placed).toHaveLength(partitions);
        for (const replicas of placed) expect(new Set(replicas).size).toBe(Math.min(factor, count));
        for (const ids of [placed.map(([leader]) => leader ?? ''), placed.flat()]) {
          const counts = candidates.map(({ id }) => countBy(ids)[id] ?? 0);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('uses every rack before it uses one twice', () => {
    const placed = placeReplicas(brokers(['a', 'a', 'a', 'b', 'c']), 10, 3);
    const rack: Record<string, string> = { n1: 'a', n2: 'a', n3: 'a', n4: 'b', n5: 'c' };
    for (const replicas of placed) {
      expect(new Set(replicas.map((id) => rack[id]))).toEqual(new Set(['a', 'b', 'c']));
    }
  });

  it('fills up from used racks when there are fewer racks than replicas', () => {
    expect(placeReplicas(brokers(['a', 'a', 'a']), 1, 3)).toEqual([['n1', 'n2', 'n3']]);
  });

  it('prefers the live broker that leads least as the leader', () => {
    const [first, second, third] = brokers(['', '', ''], ['n2']);
    const loaded = [{ ...first!, leaderCount: 2 }, second!, { ...third!, leaderCount: 1 }];
    expect(placeReplicas(loaded, 3, 1)).toEqual([['n3'], ['n1'], ['n3']]);
  });

  it('still gives dead brokers replicas, so that they take part when they are back', () => {
    const placed = placeReplicas(brokers(['', '', ''], ['n1']), 2, 3);
    expect(placed.map(([leader]) => leader)).toEqual(['n2', 'n3']);
    for (const replicas of placed) expect(replicas).toContain('n1');
  });

  it('makes a dead broker the leader when all are dead', () => {
    expect(placeReplicas(brokers([''], ['n1']), 1, 1)).toEqual([['n1']]);
  });
});

describe('candidatesOf', () => {
  it('counts preferred leaderships and replicas of all topics, and knows racks', () => {
    const state = new ClusterState();
    for (const [id, rack] of Object.entries({ n1: 'a', n2: '', n3: '' })) {
      const addresses = { address: `${id}:1`, peerAddress: `${id}:2` };
      state.apply({ kind: 'registerBroker', id, incarnation: 'i', ...addresses, rack });
    }
    state.apply({
      kind: 'createTopic',
      topic: 't',
      replicationFactor: 2,
      assignments: [
        ['n1', 'n2'],
        ['n2', 'n1'],
        ['n1', 'n3'],
      ],
    });
    expect(candidatesOf(state, ['n2', 'n1'], new Set(['n1']))).toEqual([
      { id: 'n2', rack: '', alive: false, leaderCount: 1, replicaCount: 2, heirs: new Map([['n1', 1]]) },
      {
        ...{ id: 'n1', rack: 'a', alive: true, leaderCount: 2, replicaCount: 3 },
        heirs: new Map([
          ['n2', 1],
          ['n3', 1],
        ]),
      },
    ]);
  });
});
