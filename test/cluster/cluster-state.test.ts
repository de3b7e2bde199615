import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClusterState } from '../../src/cluster/cluster-state.js';
import {
  type ClusterCommand,
  decodeCommand,
  decodeResult,
  encodeCommand,
  encodeResult,
} from '../../src/cluster/commands.js';
import { InvariantError } from '../../src/invariant.js';
import { asGroupId, asLogIndex } from '../../src/raft/types.js';

function createTopic(topic: string, partitions = 1): ClusterCommand {
  const assignments = Array.from({ length: partitions }, () => ['n1', 'n2']);
  return { kind: 'createTopic', topic, replicationFactor: 2, assignments };
}

function registerBroker(id: string, incarnation: string, address = `${id}:1`): ClusterCommand {
  return { kind: 'registerBroker', id, incarnation, address, peerAddress: `${id}:2`, rack: '' };
}

const name = fc.constantFrom('a', 'b', 'c');
const broker = fc.constantFrom('n1', 'n2', 'n3', 'n4');
const members = fc.uniqueArray(broker, { maxLength: 4 });
const command: fc.Arbitrary<ClusterCommand> = fc.oneof(
  name.map((clusterId) => ({ kind: 'initCluster', clusterId }) as const),
  fc.tuple(name, name, name).map(([id, incarnation, address]) => registerBroker(id, incarnation, address)),
  fc.tuple(name, fc.integer({ min: 1, max: 4 })).map(([topic, partitions]) => createTopic(topic, partitions)),
  name.map((topic) => ({ kind: 'deleteTopic', topic }) as const),
  broker.map((id) => ({ kind: 'addBroker', id, peerAddress: `${id}:2` }) as const),
  broker.map((id) => registerBroker(id, `disk-${id}`)),
  broker.map((id) => ({ kind: 'removeBroker', id }) as const),
  broker.map((id) => ({ kind: 'replaceBroker', id }) as const),
  fc
    .record({ topic: name, partition: fc.nat(2), replicas: members })
    .map((move) => ({ kind: 'reassignPartition', ...move }) as const),
  fc
    .record({ topic: name, partition: fc.nat(2) })
    .map((move) => ({ kind: 'cancelReassignment', ...move }) as const),
  fc
    .record({
      group: fc.nat(2).map(asGroupId),
      index: fc.nat(20).map(asLogIndex),
      voters: members,
      learners: members,
    })
    .map((report) => ({ kind: 'membershipChanged', ...report }) as const),
);

/** What happens to a cluster that was started with n1 and n2 and has a topic. */
const history = fc
  .array(command, { maxLength: 60, size: 'max' })
  .map((commands) => [
    ...['n1', 'n2'].map((id) => registerBroker(id, `disk-${id}`)),
    createTopic('a'),
    ...commands,
  ]);

function snapshot(state: ClusterState) {
  const { clusterId, nextGroup, brokers, topics, clusterMembership, byGroup } = state;
  return {
    clusterId,
    nextGroup,
    clusterMembership,
    brokers: [...brokers],
    topics: [...topics],
    byGroup: [...byGroup].sort(([a], [b]) => a - b),
  };
}

describe('ClusterState', () => {
  it('comes to the same state and results on every broker, from what is stored', () => {
    fc.assert(
      fc.property(history, (commands) => {
        const here = new ClusterState();
        const there = new ClusterState();
        for (const each of commands) {
          const { result, changes } = here.apply(each);
          const other = there.apply(decodeCommand(encodeCommand(each)));
          expect(other).toEqual({ result: decodeResult(encodeResult(result)), changes });
        }
        expect(snapshot(there)).toEqual(snapshot(here));
      }),
    );
  });

  it('comes back from its JSON as it was, and goes on the same', () => {
    fc.assert(
      fc.property(history, fc.array(command, { maxLength: 10 }), (past, future) => {
        const here = new ClusterState();
        for (const each of past) here.apply(each);
        const text = JSON.stringify(here.toJson());
        const there = ClusterState.fromJson(JSON.parse(text));
        expect(snapshot(there)).toEqual(snapshot(here));
        expect(JSON.stringify(there.toJson())).toBe(text);
        for (const each of future) expect(there.apply(each)).toEqual(here.apply(each));
        expect(snapshot(there)).toEqual(snapshot(here));
      }),
    );
  });

  it.each([
    ['null', null],
    ['another version', { version: 2 }],
    ['a missing table', { version: 1, clusterId: 'c', nextGroup: 1 }],
  ])('does not guess at JSON that is %s', (_, json) => {
    expect(() => ClusterState.fromJson(json)).toThrow(InvariantError);
  });

  it('never gives a group number twice, and finds every partition by it', () => {
    fc.assert(
      fc.property(history, (commands) => {
        const state = new ClusterState();
        const seen = new Set<number>();
        for (const each of commands) {
          const [change] = state.apply(each).changes;
          if (change?.kind !== 'topicCreated') continue;
          for (const { group } of change.topic.partitions) {
            expect(seen.has(group)).toBe(false);
            seen.add(group);
          }
        }
        for (let group = 0; group < state.nextGroup + 2; group++) {
          const assignment = state.assignment(asGroupId(group));
          expect(state.isDeleted(asGroupId(group))).toBe(seen.has(group) && assignment === undefined);
          if (assignment === undefined) continue;
          expect(state.partition(assignment.topic, assignment.partition)).toBe(assignment);
        }
      }),
    );
  });

  it('keeps the first name of the cluster', () => {
    const state = new ClusterState();
    expect(state.clusterId).toBe('');
    for (const clusterId of ['first', 'second']) state.apply({ kind: 'initCluster', clusterId });
    expect(state.clusterId).toBe('first');
  });

  it('refuses a broker that comes back with another disk, and lets one change its address', () => {
    const state = new ClusterState();
    state.apply(registerBroker('n1', 'disk-1'));
    expect(state.apply(registerBroker('n1', 'disk-2'))).toMatchObject({
      result: { ok: false, reason: 'CLUSTER_MISMATCH' },
      changes: [],
    });
    expect(state.apply(registerBroker('n1', 'disk-1', 'elsewhere:1')).result).toEqual({ ok: true });
    expect(state.brokers.get('n1')).toMatchObject({ incarnation: 'disk-1', address: 'elsewhere:1' });
  });

  it('never awaits a disk for a broker that is a member of a group (B34), whatever is reported when', () => {
    fc.assert(
      fc.property(history, (commands) => {
        const state = new ClusterState();
        for (const each of commands) {
          state.apply(each);
          const memberships = [
            state.clusterMembership,
            ...[...state.byGroup.values()].map((a) => a.membership),
          ];
          const standing = new Set(memberships.flatMap(({ voters, learners }) => [...voters, ...learners]));
          for (const { id, status } of state.brokers.values()) {
            expect([id, status === 'JOINING' && standing.has(id)]).toEqual([id, false]);
          }
        }
      }),
    );
  });

  it('numbers partitions from 0 and knows no others', () => {
    const state = new ClusterState();
    for (const id of ['n1', 'n2']) state.apply(registerBroker(id, 'i'));
    state.apply(createTopic('t', 3));
    expect(state.topics.get('t')?.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2]);
    for (const partition of [-1, 3, 0.5, NaN]) expect(state.partition('t', partition)).toBeUndefined();
  });

  it('changes nothing when it refuses', () => {
    const state = new ClusterState();
    for (const id of ['n1', 'n2']) state.apply(registerBroker(id, 'i'));
    state.apply(createTopic('t'));
    const before = snapshot(state);
    expect(state.apply(createTopic('t', 4)).result).toMatchObject({ reason: 'TOPIC_ALREADY_EXISTS' });
    const { result } = state.apply({ kind: 'deleteTopic', topic: 'other' });
    expect(result).toMatchObject({ reason: 'UNKNOWN_TOPIC_OR_PARTITION' });
    expect(snapshot(state)).toEqual(before);
  });
});

describe('a stored command', () => {
  it('of an unknown version is not guessed at', () => {
    const bytes = new TextEncoder().encode('{"version":99,"command":{"kind":"deleteTopic","topic":"t"}}');
    expect(() => decodeCommand(bytes)).toThrow(InvariantError);
  });
});
