import { expect, it } from 'vitest';
import type { GroupHost } from '../../src/broker/group-host.js';
import { Reassignment } from '../../src/broker/reassignment.js';
import type { ClusterState } from '../../src/cluster/cluster-state.js';
import { asGroupId } from '../../src/raft/types.js';
import { ManualClock } from './manual-clock.js';

const GROUP = asGroupId(1);

/** n1 leads a partition that belongs on n2 alone; `begins` says whether n2 can take it over. */
function wakesAfterPass(begins: boolean): number {
  const brokers = new Map([['n2', { id: 'n2', incarnation: 'disk', status: 'ACTIVE' }]]);
  const membership = { voters: ['n1', 'n2'], learners: [], index: 1 };
  const assignment = { group: GROUP, replicas: ['n1'], target: ['n2'], membership };
  const state = { brokers, assignment: () => assignment } as unknown as ClusterState;
  const raft = {
    leadsWithCommit: true,
    term: 1,
    voters: membership.voters,
    membership,
    membershipIndex: 1,
    isCaughtUp: () => true,
    isAlive: () => true,
    transferTarget: undefined,
    transferLeadership: () => ({ ok: begins }),
  };
  const group = { id: GROUP, raft } as unknown as GroupHost;
  let wakes = 0;
  const reassignment = new Reassignment({
    self: 'n1',
    clock: new ManualClock(),
    state: () => state,
    groups: () => [group],
    groupOf: () => group,
    wake: () => {
      wakes += 1;
    },
    submit: () => Promise.resolve(),
    log: () => undefined,
  });
  reassignment.groupAdvanced(group);
  return wakes;
}

it('a leader that should go, and that nobody can follow now, waits for an event and does not spin', () => {
  expect(wakesAfterPass(true)).toBe(1);
  expect(wakesAfterPass(false)).toBe(0);
});
