/** What a broker does when the cluster metadata changes: keeps other replicas, moves members, forgets peers' logs. */

import type { ClusterChange } from '../cluster/cluster-types.js';
import type { ClusterState } from '../cluster/cluster-state.js';
import type { BrokerId } from '../raft/types.js';
import type { ClusterEvents } from './cluster-host.js';
import type { LeaderTable } from './leader-table.js';
import type { Parking } from './parking.js';
import { Partitions, type PartitionsContext } from './partitions.js';
import { Reassignment, type ReassignmentContext } from './reassignment.js';
import { Retention } from './retention.js';

export interface FollowerContext extends PartitionsContext, ReassignmentContext {
  state(): ClusterState;
  readonly table: LeaderTable;
  readonly parking: Parking;
  /** As in BrokerOptions. */
  readonly retentionCheckMs: number | undefined;
}

export class MetadataFollower implements ClusterEvents {
  readonly partitions: Partitions;
  readonly reassignment: Reassignment;
  readonly retention: Retention;
  readonly #context: FollowerContext;

  constructor(context: FollowerContext) {
    this.#context = context;
    this.partitions = new Partitions(context);
    this.reassignment = new Reassignment(context);
    this.retention = new Retention(context, this.partitions, context.retentionCheckMs);
  }

  changed(changes: readonly ClusterChange[]): void {
    this.partitions.metadataChanged(changes);
    this.reassignment.metadataChanged(changes);
    for (const { kind, ...change } of changes) {
      if ('broker' in change) this.#mayHaveAnotherDisk([change.broker.id]);
      if (kind === 'topicCreated' || kind === 'topicDeleted') this.#forgetStrangers();
    }
  }

  restored(): void {
    const state = this.#context.state();
    this.partitions.adopt();
    this.reassignment.lookAtAll();
    this.#mayHaveAnotherDisk(state.brokers.keys());
    this.#forgetStrangers();
  }

  /** What a broker had counts no more when its disk may be another one (B12). */
  #mayHaveAnotherDisk(brokers: Iterable<BrokerId>): void {
    for (const id of brokers) for (const { raft } of this.#context.groups()) raft.peerReplaced(id);
  }

  /** Whoever led a partition that is gone leads nothing, and what was created elsewhere is awaited no more. */
  #forgetStrangers(): void {
    const { table, parking } = this.#context;
    const state = this.#context.state();
    table.forgetAll((group) => state.isDeleted(group));
    parking.forgetBelow(state.nextGroup);
  }
}
