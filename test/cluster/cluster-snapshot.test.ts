import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClusterLog } from '../../src/cluster/cluster-log.js';
import { decodeClusterSnapshot, encodeClusterSnapshot } from '../../src/cluster/cluster-snapshot.js';
import { ClusterState } from '../../src/cluster/cluster-state.js';
import { type ClusterCommand, encodeCommand } from '../../src/cluster/commands.js';
import { InvariantError } from '../../src/invariant.js';
import type { Snapshot } from '../../src/raft/log.js';
import { asGroupId, asLogIndex, asTerm, type Entry, ENTRY_KIND } from '../../src/raft/types.js';
import { decodeUtf8, encodeUtf8 } from '../../src/records/utf8.js';

const name = fc.constantFrom('a', 'b', 'c', 'd');
const command: fc.Arbitrary<ClusterCommand> = fc.oneof(
  name.map((clusterId) => ({ kind: 'initCluster', clusterId }) as const),
  fc.tuple(name, name, name).map(([id, incarnation, rack]) => {
    return { kind: 'registerBroker', id, incarnation, address: id, peerAddress: id, rack } as const;
  }),
  name.map((id) => ({ kind: 'addBroker', id, peerAddress: id }) as const),
  name.map((id) => ({ kind: 'removeBroker', id }) as const),
  name.map((id) => ({ kind: 'replaceBroker', id }) as const),
  fc.tuple(name, fc.uniqueArray(name, { minLength: 1 })).map(([topic, replicas]) => {
    return { kind: 'reassignPartition', topic, partition: 0, replicas } as const;
  }),
  fc.tuple(name, fc.integer({ min: 1, max: 4 })).map(([topic, partitions]) => ({
    kind: 'createTopic' as const,
    topic,
    replicationFactor: 1,
    assignments: Array.from({ length: partitions }, (_, i) => [`n${String(i % 4)}`]),
  })),
  name.map((topic) => ({ kind: 'deleteTopic', topic }) as const),
);
/** Brokers that replicas may be placed on. */
const registrations = ['n0', 'n1', 'n2', 'n3'].map((id): ClusterCommand => {
  return { kind: 'registerBroker', id, incarnation: id, address: id, peerAddress: id, rack: '' };
});
const commands = fc
  .array(command, { maxLength: 40, size: 'max' })
  .map((drawn) => [...registrations, ...drawn]);

function entryOf(index: number, command: ClusterCommand): Entry {
  const payload = encodeCommand(command);
  return { index: asLogIndex(index), term: asTerm(1), kind: ENTRY_KIND.CLUSTER_COMMAND, payload };
}

function snapshotAt(index: number, data: Uint8Array): Snapshot {
  return { index: asLogIndex(index), term: asTerm(1), membership: { voters: ['n1'], learners: [] }, data };
}

/** All that can be seen of a state, in its order. */
function seenOf(state: ClusterState) {
  const { clusterId, nextGroup, brokers, topics } = state;
  const groups = Array.from({ length: nextGroup + 1 }, (_, group) => asGroupId(group));
  return {
    clusterId,
    nextGroup,
    brokers: [...brokers],
    topics: [...topics],
    groups: groups.map((group) => [state.assignment(group), state.isDeleted(group)]),
  };
}

function stateAfter(all: readonly ClusterCommand[]): ClusterState {
  const state = new ClusterState();
  for (const each of all) state.apply(each);
  return state;
}

describe('the data of a cluster snapshot', () => {
  it('brings back the state as it was, and gives the same bytes again (I17)', () => {
    fc.assert(
      fc.property(commands, fc.nat(99), (all, applied) => {
        const state = stateAfter(all);
        const data = encodeClusterSnapshot({ appliedIndex: asLogIndex(applied), state });
        const read = decodeClusterSnapshot(data);
        expect([read.appliedIndex, seenOf(read.state)]).toEqual([applied, seenOf(state)]);
        expect(encodeClusterSnapshot(read)).toEqual(data);
      }),
    );
  });

  it('is JSON with a version', () => {
    const data = encodeClusterSnapshot({ appliedIndex: asLogIndex(7), state: new ClusterState() });
    expect(JSON.parse(decodeUtf8(data))).toMatchObject({ version: 1, applied: 7 });
  });

  it.each([
    ['another version', { version: 2, applied: 1, state: {} }],
    ['no applied index', { version: 1, state: {} }],
    ['no state', { version: 1, applied: 1 }],
  ])('takes damage for a broken invariant: %s', (_name, json) => {
    expect(() => decodeClusterSnapshot(encodeUtf8(JSON.stringify(json)))).toThrow(InvariantError);
  });
});

describe('a cluster log with snapshots', () => {
  it('comes to the state of one that saw everything, restored from any snapshot (I17)', () => {
    const shares = fc.tuple(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(
        commands,
        shares,
        fc.integer({ min: 1, max: 5 }),
        (all, [takenShare, indexShare], stride) => {
          const taken = Math.round(all.length * takenShare);
          const index = Math.round(taken * indexShare);
          const whole = new ClusterLog();
          for (const [i, each] of all.entries()) whole.appended(entryOf(i + 1, each));
          whole.committedTo(asLogIndex(taken));
          const snapshot = snapshotAt(index, whole.snapshot(asLogIndex(taken)));
          const atSnapshot = seenOf(whole.state);
          const changes = whole.committedTo(asLogIndex(all.length));

          const log = new ClusterLog();
          log.restored(snapshot);
          for (const [i, each] of all.entries()) if (i + 1 > index) log.appended(entryOf(i + 1, each));
          const reported = [];
          for (let commit = index; commit < all.length;) {
            commit = Math.min(all.length, commit + stride);
            reported.push(...log.committedTo(asLogIndex(commit)));
            if (commit <= taken) expect(seenOf(log.state)).toEqual(atSnapshot);
          }
          expect(seenOf(log.state)).toEqual(seenOf(whole.state));
          expect(reported).toEqual(changes);
        },
      ),
    );
  });

  it('takes a snapshot every 1,024 entries and keeps 256 behind it', () => {
    const log = new ClusterLog();
    log.committedTo(asLogIndex(1_280));
    expect(log.compactable()).toBe(0);
    log.committedTo(asLogIndex(1_281));
    expect(log.compactable()).toBe(1_025);
    const snapshot = snapshotAt(1_025, log.snapshot(asLogIndex(1_281)));
    log.compactedTo(asLogIndex(1_025));
    const again = new ClusterLog();
    again.restored(snapshot);
    for (const each of [log, again]) {
      each.committedTo(asLogIndex(2_305));
      expect(each.compactable()).toBe(0);
      each.committedTo(asLogIndex(2_306));
      expect(each.compactable()).toBe(2_050);
    }
  });

  it('puts another state in the place of the one it had, unless that is later', () => {
    const data = (applied: number, topic: string) =>
      encodeClusterSnapshot({
        appliedIndex: asLogIndex(applied),
        state: stateAfter([
          ...registrations,
          { kind: 'createTopic', topic, replicationFactor: 1, assignments: [['n1']] },
        ]),
      });
    const log = new ClusterLog();
    const before = log.state;
    log.restored(snapshotAt(3, data(9, 'late')));
    expect(log.state).not.toBe(before);
    log.restored(snapshotAt(5, data(6, 'early')));
    expect([...log.state.topics.keys()]).toEqual(['late']);
    const deletion = entryOf(9, { kind: 'deleteTopic', topic: 'late' });
    log.appended(deletion);
    expect(log.committedTo(asLogIndex(9))).toEqual([]);
  });

  it('takes an applied index that goes back, or entries in front of the snapshot, for a broken invariant', () => {
    const log = new ClusterLog();
    log.committedTo(asLogIndex(4));
    const data = log.snapshot(asLogIndex(4));
    expect(() => log.snapshot(asLogIndex(3))).toThrow('of what has been applied');
    expect(() => {
      log.restored(snapshotAt(5, data));
    }).toThrow('stands for applied entries');
    expect(() => {
      log.restored(snapshotAt(3, data));
    }).toThrow('never goes back');
    expect(() => {
      log.compactedTo(asLogIndex(5));
    }).toThrow('only committed entries');
    log.compactedTo(asLogIndex(4));
    expect(() => {
      log.appended(entryOf(4, { kind: 'deleteTopic', topic: 'a' }));
    }).toThrow('entries follow the snapshot');
  });
});
