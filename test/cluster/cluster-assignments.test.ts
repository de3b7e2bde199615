import { beforeEach, describe, expect, it } from 'vitest';
import { MembershipRig } from './membership-rig.js';

let rig: MembershipRig;

beforeEach(() => {
  rig = new MembershipRig();
  rig.join('n4');
  rig.createTopic('t', ['n1', 'n2', 'n3']);
});

const cancel = { kind: 'cancelReassignment', topic: 't', partition: 0 } as const;

describe('reassignPartition', () => {
  it('ends when the voters are those of the target and nobody learns', () => {
    expect(rig.reassign('t', 0, ['n4', 'n1', 'n2'])).toEqual(['assignmentChanged']);
    expect(rig.partition('t', 0)).toMatchObject({ replicas: ['n1', 'n2', 'n3'], target: ['n4', 'n1', 'n2'] });
    rig.report(1, 5, ['n1', 'n2', 'n3'], ['n4']);
    rig.report(1, 6, ['n1', 'n2', 'n3', 'n4']);
    expect(rig.partition('t', 0).target).toEqual(['n4', 'n1', 'n2']);
    rig.report(1, 7, ['n1', 'n2', 'n4']);
    expect(rig.partition('t', 0)).toMatchObject({
      initial: ['n1', 'n2', 'n3'],
      replicas: ['n4', 'n1', 'n2'],
      target: undefined,
      membership: { index: 7, voters: ['n1', 'n2', 'n4'], learners: [] },
    });
  });

  it('does not end while a broker still learns', () => {
    rig.reassign('t', 0, ['n1', 'n2']);
    rig.report(1, 5, ['n1', 'n2'], ['n4']);
    expect(rig.partition('t', 0).target).toEqual(['n1', 'n2']);
  });

  it('only changes the order of preference at once', () => {
    rig.reassign('t', 0, ['n3', 'n2', 'n1']);
    expect(rig.partition('t', 0)).toMatchObject({ replicas: ['n3', 'n2', 'n1'], target: undefined });
  });

  it('takes the place of an earlier one, and says nothing new when asked for twice', () => {
    rig.reassign('t', 0, ['n4']);
    expect(rig.reassign('t', 0, ['n4'])).toEqual([]);
    rig.reassign('t', 0, ['n1', 'n4']);
    expect(rig.partition('t', 0).target).toEqual(['n1', 'n4']);
  });

  it('to where the replicas are is accepted and starts nothing', () => {
    expect(rig.reassign('t', 0, ['n1', 'n2', 'n3'])).toEqual([]);
    expect(rig.partition('t', 0).target).toBeUndefined();
  });

  it.each([
    ['no broker', [], 'REASSIGNMENT_REFUSED'],
    ['a broker twice', ['n1', 'n1'], 'REASSIGNMENT_REFUSED'],
    ['an unknown broker', ['n1', 'n9'], 'REASSIGNMENT_REFUSED'],
  ])('refuses %s', (_, replicas, reason) => {
    const move = { kind: 'reassignPartition', topic: 't', partition: 0, replicas } as const;
    expect(rig.refusal(move).reason).toBe(reason);
  });

  it('refuses brokers that join or leave, but lets one that is replaced keep its place', () => {
    rig.apply({ kind: 'addBroker', id: 'n5', peerAddress: 'n5:2' });
    rig.apply({ kind: 'replaceBroker', id: 'n3' });
    const move = { kind: 'reassignPartition', topic: 't', partition: 0 } as const;
    expect(rig.refusal({ ...move, replicas: ['n1', 'n5'] }).message).toContain('n5 is JOINING');
    expect(rig.reassign('t', 0, ['n1', 'n4', 'n3'])).toEqual(['assignmentChanged']);
    rig.apply({ kind: 'removeBroker', id: 'n2' });
    expect(rig.refusal({ ...move, replicas: ['n1', 'n2'] }).message).toContain('n2 is REMOVING');
  });

  it('and cancelling refuse a partition that does not exist', () => {
    for (const partition of [-1, 1]) {
      const move = { kind: 'reassignPartition', topic: 't', partition, replicas: ['n1'] } as const;
      expect(rig.refusal(move).reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
      expect(rig.refusal({ ...cancel, partition }).reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    }
  });
});

describe('createTopic', () => {
  it.each([
    ['is unknown', 'n9'],
    ['awaits its disk', 'n5'],
    ['leaves', 'n2'],
  ])('refuses replicas on a broker that %s', (_, id) => {
    rig.apply({ kind: 'addBroker', id: 'n5', peerAddress: 'n5:2' });
    rig.apply({ kind: 'removeBroker', id: 'n2' });
    const create = {
      kind: 'createTopic',
      topic: 'u',
      replicationFactor: 2,
      assignments: [['n1', id]],
    } as const;
    expect(rig.refusal(create).reason).toBe('REASSIGNMENT_REFUSED');
  });
});

describe('cancelReassignment', () => {
  it('ends at once when nothing was moved yet', () => {
    rig.reassign('t', 0, ['n1', 'n2', 'n4']);
    rig.apply(cancel);
    expect(rig.partition('t', 0)).toMatchObject({ replicas: ['n1', 'n2', 'n3'], target: undefined });
  });

  it('moves back what was moved, and ends then', () => {
    rig.reassign('t', 0, ['n1', 'n2', 'n4']);
    rig.report(1, 5, ['n1', 'n2', 'n3'], ['n4']);
    rig.apply(cancel);
    expect(rig.partition('t', 0).target).toEqual(['n1', 'n2', 'n3']);
    rig.report(1, 6, ['n1', 'n2', 'n3']);
    expect(rig.partition('t', 0)).toMatchObject({ replicas: ['n1', 'n2', 'n3'], target: undefined });
  });

  it('refuses when none runs', () => {
    expect(rig.refusal(cancel).reason).toBe('NO_REASSIGNMENT');
  });
});

describe('membershipChanged', () => {
  it('takes no older report for a newer one, and none of a deleted group', () => {
    rig.report(1, 6, ['n1', 'n2']);
    for (const index of [5, 6]) expect(rig.report(1, index, ['n3'])).toEqual([]);
    expect(rig.partition('t', 0).membership.voters).toEqual(['n1', 'n2']);
    rig.apply({ kind: 'deleteTopic', topic: 't' });
    expect(rig.report(1, 9, ['n1'])).toEqual([]);
    expect(rig.report(0, 9, ['n1'])).toEqual([]);
  });
});
