import { describe, expect, it } from 'vitest';
import { planEvacuation } from '../../src/cluster/evacuation.js';
import { MembershipRig } from './membership-rig.js';

const all = () => true;

describe('planEvacuation', () => {
  it('replaces the broker in its place and leaves the others where they are', () => {
    const rig = new MembershipRig();
    rig.join('n4');
    rig.createTopic('t', ['n3', 'n1', 'n2'], ['n1', 'n2', 'n4']);
    expect(planEvacuation(rig.state, 'n3', all)).toEqual([
      { topic: 't', partition: 0, replicas: ['n4', 'n1', 'n2'] },
    ]);
  });

  it('spreads what it moves over the brokers that are left', () => {
    const rig = new MembershipRig();
    rig.join('n4');
    rig.createTopic('t', ['n3'], ['n3'], ['n3'], ['n1']);
    const moves = planEvacuation(rig.state, 'n3', all);
    expect('stranded' in moves ? [] : moves.map(({ replicas }) => replicas[0])).toEqual(['n2', 'n4', 'n1']);
  });

  it('prefers brokers that are alive, then racks that the partition does not use yet', () => {
    const rig = new MembershipRig([]);
    const racks = { n1: 'a', n2: 'b', n3: 'c', n4: 'a', n5: 'c' };
    for (const [id, rack] of Object.entries(racks)) rig.register(id, `disk-${id}`, rack);
    rig.createTopic('t', ['n1', 'n2', 'n3'], ['n5', 'n2', 'n1'], ['n5', 'n2', 'n1']);
    const first = (isAlive: (id: string) => boolean) => {
      const moves = planEvacuation(rig.state, 'n3', isAlive);
      return 'stranded' in moves ? undefined : moves[0]?.replicas;
    };
    expect(first(all)).toEqual(['n1', 'n2', 'n5']);
    expect(first((id) => id !== 'n5')).toEqual(['n1', 'n2', 'n4']);
  });

  it('moves a partition that is on its way to the broker, not one that is on its way off it', () => {
    const rig = new MembershipRig();
    rig.join('n4');
    rig.createTopic('t', ['n1', 'n2'], ['n1', 'n3']);
    rig.reassign('t', 0, ['n1', 'n3']);
    rig.reassign('t', 1, ['n1', 'n4']);
    expect(planEvacuation(rig.state, 'n3', all)).toEqual([
      { topic: 't', partition: 0, replicas: ['n1', 'n2'] },
    ]);
  });

  it('names the partition for which no active broker is left', () => {
    const rig = new MembershipRig();
    rig.apply({ kind: 'addBroker', id: 'n4', peerAddress: 'n4:2' });
    rig.createTopic('t', ['n1', 'n3']);
    rig.createTopic('wide', ['n1', 'n2', 'n3']);
    expect(planEvacuation(rig.state, 'n3', all)).toMatchObject({ stranded: { topic: 'wide', partition: 0 } });
  });
});
