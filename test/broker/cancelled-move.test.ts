import { expect, it } from 'vitest';
import { Reassignment } from '../../src/broker/reassignment.js';
import type { PartitionAssignment } from '../../src/cluster/cluster-types.js';
import type { MembershipChanged } from '../../src/cluster/commands.js';
import { asLogIndex, type BrokerId } from '../../src/raft/types.js';
import { Replica } from './replica.js';

/** A leader of n1, n2, n3, and what the metadata wants of its partition. */
class Rig extends Replica {
  target: readonly BrokerId[] | undefined;
  readonly reported: MembershipChanged[] = [];
  readonly reassignment = new Reassignment({
    self: this.id,
    clock: this.clock,
    state: () => ({
      brokers: new Map(),
      byGroup: new Map([[this.group, this.#assignment()]]),
      clusterMembership: { index: asLogIndex(0), voters: [], learners: [] },
      assignment: () => this.#assignment(),
    }),
    groups: () => [this.host],
    groupOf: () => this.host,
    wake: () => undefined,
    submit: (command) => {
      this.reported.push(command);
      return Promise.resolve();
    },
    log: () => undefined,
  });

  /** The metadata wants it on these brokers, or no more. */
  wants(target: readonly BrokerId[] | undefined): void {
    this.target = target;
    this.reassignment.forget(this.group);
    this.reassignment.groupAdvanced(this.host);
    this.pump();
  }

  #assignment(): PartitionAssignment {
    const replicas = ['n1', 'n2', 'n3'];
    const membership = { index: asLogIndex(0), voters: replicas, learners: [] };
    const { group, target } = this;
    return { topic: 't', partition: 0, group, initial: replicas, replicas, target, membership };
  }
}

// Simulator, seed 1569: the learner that a cancelled move had asked for stayed one for ever.
it('a move that is cancelled while its first step is not committed is taken back once it is', () => {
  const rig = new Rig();
  rig.lead();
  rig.wants(['n1', 'n2', 'n4']);
  expect(rig.raft.newestMembership.membership.learners).toEqual(['n4']);
  rig.wants(undefined);
  expect(rig.raft.membership.learners).toEqual([]);
  rig.ack('n2');
  rig.ack('n2');
  rig.reassignment.groupAdvanced(rig.host);
  expect(rig.reported).toMatchObject([{ kind: 'membershipChanged', learners: ['n4'] }]);
});
