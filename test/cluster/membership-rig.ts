/** A cluster metadata with brokers and one topic, and short ways to change it. */
import { ClusterState } from '../../src/cluster/cluster-state.js';
import type { BrokerStatus, ClusterChange, PartitionAssignment } from '../../src/cluster/cluster-types.js';
import type { ClusterCommand } from '../../src/cluster/commands.js';
import { asGroupId, asLogIndex, type BrokerId } from '../../src/raft/types.js';

export class MembershipRig {
  readonly state = new ClusterState();

  /** Brokers that register without being added: the cluster was started with them. */
  constructor(ids: readonly BrokerId[] = ['n1', 'n2', 'n3']) {
    for (const id of ids) this.register(id, `disk-${id}`);
  }

  /** Applies a command that must be accepted, and returns the kinds of what it changed. */
  apply(command: ClusterCommand): ClusterChange['kind'][] {
    const { result, changes } = this.state.apply(command);
    if (!result.ok) throw new Error(`${result.reason}: ${result.message}`);
    return changes.map(({ kind }) => kind);
  }

  /** The reason for which a command is refused; fails when it is accepted, or changes something. */
  refusal(command: ClusterCommand): { readonly reason: string; readonly message: string } {
    const before = JSON.stringify(this.state.toJson());
    const { result, changes } = this.state.apply(command);
    if (result.ok) throw new Error('it was accepted');
    if (changes.length > 0 || JSON.stringify(this.state.toJson()) !== before) {
      throw new Error('a refused command changed something');
    }
    return { reason: result.reason, message: result.message };
  }

  register(id: BrokerId, incarnation: string, rack = ''): ClusterChange['kind'][] {
    const address = `${id}:1`;
    const peerAddress = `${id}:2`;
    return this.apply({ kind: 'registerBroker', id, incarnation, address, peerAddress, rack });
  }

  /** Admits and starts a broker. */
  join(id: BrokerId, rack = ''): void {
    this.apply({ kind: 'addBroker', id, peerAddress: `${id}:2` });
    this.register(id, `disk-${id}`, rack);
  }

  createTopic(topic: string, ...assignments: readonly (readonly BrokerId[])[]): void {
    const replicationFactor = assignments[0]?.length ?? 0;
    this.apply({ kind: 'createTopic', topic, replicationFactor, assignments });
  }

  reassign(topic: string, partition: number, replicas: readonly BrokerId[]): ClusterChange['kind'][] {
    return this.apply({ kind: 'reassignPartition', topic, partition, replicas });
  }

  /** The leader of a group reports its members. */
  report(
    group: number,
    index: number,
    voters: readonly BrokerId[],
    learners: readonly BrokerId[] = [],
  ): ClusterChange['kind'][] {
    const report = { group: asGroupId(group), index: asLogIndex(index), voters, learners };
    return this.apply({ kind: 'membershipChanged', ...report });
  }

  /** Group 0 commits its own members. */
  clusterMembers(index: number, voters: readonly BrokerId[]): ClusterChange['kind'][] {
    const changes = this.state.clusterMembershipCommitted(asLogIndex(index), { voters, learners: [] });
    return changes.map(({ kind }) => kind);
  }

  status(id: BrokerId): BrokerStatus | undefined {
    return this.state.brokers.get(id)?.status;
  }

  partition(topic: string, partition: number): PartitionAssignment {
    const found = this.state.partition(topic, partition);
    if (found === undefined) throw new Error(`there is no ${topic}/${partition}`);
    return found;
  }
}
