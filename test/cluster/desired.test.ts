import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { desiredMembers, hostsOf, isSettled } from '../../src/cluster/desired.js';
import { asGroupId } from '../../src/raft/types.js';
import { MembershipRig } from './membership-rig.js';

const CLUSTER = asGroupId(0);
const FIRST = asGroupId(1);
let rig: MembershipRig;

beforeEach(() => {
  rig = new MembershipRig();
  rig.join('n4');
  rig.createTopic('t', ['n1', 'n2', 'n3']);
});

describe('desiredMembers of a partition', () => {
  it('are the replicas, or the target while one is set, in order of preference', () => {
    expect(desiredMembers(rig.state, FIRST)).toEqual(['n1', 'n2', 'n3']);
    rig.reassign('t', 0, ['n4', 'n2']);
    expect(desiredMembers(rig.state, FIRST)).toEqual(['n4', 'n2']);
  });

  it('leave out a broker whose disk is lost until it is back with another, and keep one that leaves', () => {
    rig.apply({ kind: 'replaceBroker', id: 'n3' });
    expect(desiredMembers(rig.state, FIRST)).toEqual(['n1', 'n2']);
    rig.clusterMembers(8, ['n1', 'n2']);
    rig.report(1, 5, ['n1', 'n2']);
    expect([rig.status('n3'), desiredMembers(rig.state, FIRST)]).toEqual(['JOINING', ['n1', 'n2']]);
    rig.register('n3', 'new');
    expect(desiredMembers(rig.state, FIRST)).toEqual(['n1', 'n2', 'n3']);
    rig.apply({ kind: 'removeBroker', id: 'n2' });
    expect(desiredMembers(rig.state, FIRST)).toEqual(['n1', 'n2', 'n3']);
  });

  it('are nobody for a group that is gone', () => {
    expect(desiredMembers(rig.state, asGroupId(9))).toEqual([]);
  });
});

describe('desiredMembers of group 0', () => {
  it('are the active brokers: those of now in their order, then new ones as they were entered', () => {
    rig.join('n5');
    expect(desiredMembers(rig.state, CLUSTER, ['n2', 'n5', 'n1', 'n3'])).toEqual([
      'n2',
      'n5',
      'n1',
      'n3',
      'n4',
    ]);
  });

  it('keep a broker that the cluster was started with and that has not registered yet', () => {
    const late = new MembershipRig(['n1', 'n2']);
    expect(desiredMembers(late.state, CLUSTER, ['n1', 'n2', 'n3'])).toEqual(['n1', 'n2', 'n3']);
  });

  it('keep a broker that leaves while partitions are on it, and none that joins or is replaced', () => {
    rig.apply({ kind: 'addBroker', id: 'n5', peerAddress: 'n5:2' });
    rig.apply({ kind: 'removeBroker', id: 'n3' });
    expect(desiredMembers(rig.state, CLUSTER)).toEqual(['n1', 'n2', 'n3', 'n4']);
    rig.reassign('t', 0, ['n1', 'n2']);
    rig.report(1, 5, ['n1', 'n2']);
    expect(desiredMembers(rig.state, CLUSTER)).toEqual(['n1', 'n2', 'n4']);
    rig.clusterMembers(8, ['n1', 'n2', 'n4']);
    rig.apply({ kind: 'replaceBroker', id: 'n4' });
    expect(desiredMembers(rig.state, CLUSTER)).toEqual(['n1', 'n2']);
  });
});

describe('hostsOf', () => {
  it('are all who have, get or lose a replica: each once', () => {
    rig.reassign('t', 0, ['n4', 'n1']);
    rig.report(1, 5, ['n1', 'n2', 'n3'], ['n4']);
    expect([...hostsOf(rig.partition('t', 0))].sort()).toEqual(['n1', 'n2', 'n3', 'n4']);
    rig.report(1, 9, ['n1', 'n4']);
    expect(hostsOf(rig.partition('t', 0))).toEqual(['n4', 'n1']);
  });
});

describe('isSettled', () => {
  it('is true when the reported voters are the replicas, without learners and without a target', () => {
    expect(isSettled(rig.state, FIRST)).toBe(true);
    rig.reassign('t', 0, ['n4', 'n2']);
    expect(isSettled(rig.state, FIRST)).toBe(false);
    rig.report(1, 5, ['n2', 'n4'], ['n3']);
    expect(isSettled(rig.state, FIRST)).toBe(false);
    rig.report(1, 6, ['n2', 'n4']);
    expect(isSettled(rig.state, FIRST)).toBe(true);
  });

  it('is false from when a disk is lost until the broker is back', () => {
    rig.apply({ kind: 'replaceBroker', id: 'n3' });
    expect(isSettled(rig.state, FIRST)).toBe(false);
    rig.report(1, 5, ['n1', 'n2']);
    expect(isSettled(rig.state, FIRST)).toBe(false);
  });

  it('is true of group 0 when it has every active broker, and of a group that is gone', () => {
    expect(isSettled(rig.state, CLUSTER)).toBe(false);
    rig.clusterMembers(3, ['n4', 'n1', 'n2', 'n3']);
    expect(isSettled(rig.state, CLUSTER)).toBe(true);
    expect(isSettled(rig.state, asGroupId(9))).toBe(true);
  });
});

it('a leader that moves one member at a time always comes to an end, whatever the targets', () => {
  const target = fc.uniqueArray(fc.constantFrom('n1', 'n2', 'n3', 'n4'), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(target, { minLength: 1, maxLength: 5 }), fc.nat(6), (targets, stepsBetween) => {
      const moving = new MembershipRig();
      moving.join('n4');
      moving.createTopic('t', ['n1', 'n2', 'n3']);
      let index = 0;
      const step = (): void => {
        const { membership } = moving.partition('t', 0);
        const desired = desiredMembers(moving.state, FIRST);
        const missing = desired.find((id) => !membership.voters.includes(id));
        const extra = membership.voters.find((id) => !desired.includes(id));
        const voters = [...membership.voters];
        if (missing !== undefined) voters.push(missing);
        else if (extra !== undefined) voters.splice(voters.indexOf(extra), 1);
        else return;
        moving.report(1, (index += 1), voters);
      };
      for (const replicas of targets) {
        moving.reassign('t', 0, replicas);
        for (let i = 0; i < stepsBetween; i += 1) step();
      }
      for (let i = 0; i < 8; i += 1) step();
      expect(isSettled(moving.state, FIRST)).toBe(true);
      expect(moving.partition('t', 0).replicas).toEqual(targets.at(-1));
    }),
  );
});
