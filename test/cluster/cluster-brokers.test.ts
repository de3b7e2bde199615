import { describe, expect, it } from 'vitest';
import { BROKERS_MAX } from '../../src/cluster/cluster-brokers.js';
import * as config from '../../src/config.js';
import { MembershipRig } from './membership-rig.js';

it('at most as many brokers are added as a cluster may be started with', () => {
  expect(BROKERS_MAX).toBe(config.BROKERS_MAX);
});

describe('registerBroker', () => {
  it('makes those that register by themselves active, and voters of group 0 until its first change', () => {
    const rig = new MembershipRig(['n2', 'n1']);
    expect([rig.status('n1'), rig.status('n2')]).toEqual(['ACTIVE', 'ACTIVE']);
    expect(rig.state.clusterMembership).toEqual({ index: 0, voters: ['n2', 'n1'], learners: [] });
    rig.clusterMembers(7, ['n2', 'n1', 'n3']);
    rig.register('n3', 'disk-3');
    expect(rig.state.clusterMembership.voters).toEqual(['n2', 'n1', 'n3']);
  });

  it('gives an added broker the disk that it comes with, once', () => {
    const rig = new MembershipRig();
    rig.apply({ kind: 'addBroker', id: 'n4', peerAddress: 'n4:2' });
    expect(rig.state.brokers.get('n4')).toMatchObject({ status: 'JOINING', incarnation: '', address: '' });
    expect(rig.register('n4', 'disk-4')).toEqual(['brokerChanged']);
    expect(rig.state.brokers.get('n4')).toMatchObject({ status: 'ACTIVE', incarnation: 'disk-4' });
    expect(rig.state.clusterMembership.voters).not.toContain('n4');
    expect(() => rig.register('n4', 'disk-5')).toThrow('CLUSTER_MISMATCH');
  });

  it.each(['ACTIVE', 'REPLACING', 'REMOVING'] as const)(
    'keeps the status %s of a broker that comes with the disk that is known, and tells another what to do',
    (status) => {
      const rig = new MembershipRig();
      rig.createTopic('t', ['n1', 'n2', 'n3']);
      if (status === 'REPLACING') rig.apply({ kind: 'replaceBroker', id: 'n3' });
      if (status === 'REMOVING') rig.apply({ kind: 'removeBroker', id: 'n3' });
      rig.register('n3', 'disk-n3', 'rack');
      expect(rig.state.brokers.get('n3')).toMatchObject({ status, rack: 'rack' });
      const command = {
        kind: 'registerBroker',
        id: 'n3',
        address: 'x:1',
        peerAddress: 'x:2',
        rack: '',
      } as const;
      const { reason, message } = rig.refusal({ ...command, incarnation: 'other' });
      expect(reason).toBe('CLUSTER_MISMATCH');
      expect(message).toMatch(status === 'REPLACING' ? /once .* JOINING/ : /bellwether broker replace n3/);
    },
  );
});

describe('addBroker', () => {
  it('is idempotent while the broker has not started, and refuses a name that is taken', () => {
    const rig = new MembershipRig();
    const add = { kind: 'addBroker', id: 'n4', peerAddress: 'n4:2' } as const;
    expect(rig.apply(add)).toEqual(['brokerChanged']);
    expect(rig.apply(add)).toEqual([]);
    expect(rig.refusal({ ...add, peerAddress: 'n4:9' }).reason).toBe('BROKER_ALREADY_EXISTS');
    rig.register('n4', 'disk-4');
    expect(rig.refusal(add).reason).toBe('BROKER_ALREADY_EXISTS');
  });

  it('refuses an address at which another broker listens, for brokers or for clients', () => {
    const rig = new MembershipRig();
    for (const peerAddress of ['n2:2', 'n2:1']) {
      const refusal = rig.refusal({ kind: 'addBroker', id: 'n4', peerAddress });
      expect(refusal.reason).toBe('BROKER_CHANGE_REFUSED');
      expect(refusal.message).toContain(`${peerAddress} is an address of broker n2`);
    }
  });

  it('refuses one more than a cluster may have', () => {
    const rig = new MembershipRig(Array.from({ length: BROKERS_MAX }, (_, i) => `n${i}`));
    const { reason } = rig.refusal({ kind: 'addBroker', id: 'more', peerAddress: 'more:2' });
    expect(reason).toBe('BROKER_CHANGE_REFUSED');
  });
});

describe('removeBroker', () => {
  const remove = { kind: 'removeBroker', id: 'n3' } as const;

  it('erases the broker once it is in no partition and not in group 0, whichever comes last', () => {
    for (const clusterFirst of [true, false]) {
      const rig = new MembershipRig();
      rig.join('n4');
      rig.createTopic('t', ['n1', 'n2', 'n3']);
      rig.reassign('t', 0, ['n1', 'n2', 'n4']);
      expect(rig.apply(remove)).toEqual(['brokerChanged']);
      expect(rig.apply(remove)).toEqual([]);
      if (clusterFirst) rig.clusterMembers(9, ['n1', 'n2', 'n4']);
      expect(rig.status('n3')).toBe('REMOVING');
      const last = rig.report(1, 5, ['n1', 'n2', 'n4']);
      if (clusterFirst) expect(last).toEqual(['assignmentChanged', 'brokerGone']);
      else
        expect(rig.clusterMembers(9, ['n1', 'n2', 'n4'])).toEqual(['clusterMembershipChanged', 'brokerGone']);
      expect(rig.status('n3')).toBeUndefined();
    }
  });

  it('keeps the broker while a partition belongs on it, though no group has it as a member', () => {
    const rig = new MembershipRig();
    rig.createTopic('t', ['n1', 'n2', 'n3']);
    rig.apply(remove);
    rig.clusterMembers(9, ['n1', 'n2']);
    rig.report(1, 5, ['n1', 'n2']);
    expect(rig.status('n3')).toBe('REMOVING');
    expect(rig.apply({ kind: 'deleteTopic', topic: 't' })).toEqual(['topicDeleted', 'brokerGone']);
  });

  it('erases a broker that never started at once', () => {
    const rig = new MembershipRig();
    rig.apply({ kind: 'addBroker', id: 'n4', peerAddress: 'n4:2' });
    expect(rig.apply({ kind: 'removeBroker', id: 'n4' })).toEqual(['brokerChanged', 'brokerGone']);
  });

  it('refuses an unknown broker, and the last that is active', () => {
    const rig = new MembershipRig(['n1', 'n3']);
    expect(rig.refusal({ kind: 'removeBroker', id: 'n9' }).reason).toBe('BROKER_NOT_FOUND');
    rig.apply(remove);
    expect(rig.refusal({ kind: 'removeBroker', id: 'n1' }).reason).toBe('BROKER_CHANGE_REFUSED');
  });
});

describe('replaceBroker', () => {
  const replace = { kind: 'replaceBroker', id: 'n3' } as const;

  it('takes another disk only after every group has let the lost one go (B5, B34)', () => {
    const rig = new MembershipRig();
    rig.createTopic('t', ['n1', 'n2', 'n3'], ['n3', 'n1', 'n2']);
    expect(rig.apply(replace)).toEqual(['brokerChanged']);
    expect(rig.apply(replace)).toEqual([]);
    rig.report(1, 5, ['n1', 'n2']);
    rig.clusterMembers(9, ['n1', 'n2']);
    expect(rig.status('n3')).toBe('REPLACING');
    expect(() => rig.register('n3', 'new')).toThrow('CLUSTER_MISMATCH');
    expect(rig.report(2, 5, ['n1', 'n2'])).toEqual(['assignmentChanged', 'brokerChanged']);
    expect(rig.state.brokers.get('n3')).toMatchObject({ status: 'JOINING', incarnation: '' });
    expect(rig.apply(replace)).toEqual([]);
    rig.register('n3', 'new');
    expect(rig.state.brokers.get('n3')).toMatchObject({ status: 'ACTIVE', incarnation: 'new' });
    expect(rig.partition('t', 0).replicas).toEqual(['n1', 'n2', 'n3']);
  });

  it('waits again when a late report shows it in a group after all', () => {
    const rig = new MembershipRig();
    rig.createTopic('t', ['n1', 'n2']);
    rig.reassign('t', 0, ['n1', 'n2', 'n3']);
    rig.apply(replace);
    rig.clusterMembers(9, ['n1', 'n2']);
    expect(rig.status('n3')).toBe('JOINING');
    rig.report(1, 4, ['n1', 'n2'], ['n3']);
    expect(rig.status('n3')).toBe('REPLACING');
    expect(() => rig.register('n3', 'new')).toThrow('CLUSTER_MISMATCH');
    rig.report(1, 5, ['n1', 'n2']);
    expect(rig.status('n3')).toBe('JOINING');
  });

  it('counts a learner as standing in the group', () => {
    const rig = new MembershipRig();
    rig.createTopic('t', ['n1', 'n2']);
    rig.reassign('t', 0, ['n1', 'n2', 'n3']);
    rig.report(1, 4, ['n1', 'n2'], ['n3']);
    rig.apply(replace);
    rig.clusterMembers(9, ['n1', 'n2']);
    expect(rig.status('n3')).toBe('REPLACING');
    rig.report(1, 5, ['n1', 'n2']);
    expect(rig.status('n3')).toBe('JOINING');
  });

  it.each([
    ['the only replica of a partition', [['n3']], [] as string[], 't/0'],
    [
      'one of two replicas',
      [
        ['n1', 'n2', 'n3'],
        ['n1', 'n3'],
      ],
      [] as string[],
      't1/0',
    ],
    ['the second lost disk of three', [['n1', 'n2', 'n3']], ['n2'], 'the cluster metadata'],
  ])('refuses %s: nobody could take it out of the group', (_, assignments, lost, named) => {
    const rig = new MembershipRig();
    for (const [i, replicas] of assignments.entries()) rig.createTopic(i === 0 ? 't' : `t${i}`, replicas);
    for (const id of lost) rig.apply({ kind: 'replaceBroker', id });
    const { reason, message } = rig.refusal(replace);
    expect(reason).toBe('BROKER_CHANGE_REFUSED');
    expect(message).toContain(named);
  });

  it('refuses an unknown broker, and one that is being removed', () => {
    const rig = new MembershipRig();
    expect(rig.refusal({ kind: 'replaceBroker', id: 'n9' }).reason).toBe('BROKER_NOT_FOUND');
    rig.apply({ kind: 'removeBroker', id: 'n3' });
    expect(rig.refusal(replace).reason).toBe('BROKER_CHANGE_REFUSED');
  });
});
