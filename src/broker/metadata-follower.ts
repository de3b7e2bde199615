/** What a broker does when the cluster metadata changes: keeps other replicas, moves members, forgets peers' logs. */

import type { ClusterChange } from '../cluster/cluster-types.js';
import type { ClusterEvents } from './cluster-host.js';
import type { LeaderTable } from './leader-table.js';
import { Partitions, type PartitionsContext } from './partitions.js';
import { Reassignment, type ReassignmentContext } from './reassignment.js';

export interface FollowerContext extends PartitionsContext, ReassignmentContext {
  readonly table: LeaderTable;
}

export class MetadataFollower implements ClusterEvents {
  readonly partitions: Partitions;
  readonly reassignment: Reassignment;
  readonly #context: FollowerContext;

  constructor(context: FollowerContext) {
    this.#context = context;
    this.partitions = new Partitions(context);
    this.reassignment = new Reassignment(context);
  }

  changed(changes: readonly ClusterChange[]): void {
    this.partitions.metadataChanged(changes);
    this.reassignment.metadataChanged(changes);
    for (const change of changes) {
      if (change.kind === 'brokerChanged') {
        // It may be another disk than before: what it had counts no more (B12).
        for (const { raft } of this.#context.groups()) raft.peerReplaced(change.broker.id);
      } else if (change.kind === 'topicDeleted') {
        // Whoever led a partition that is gone leads nothing.
        for (const { group } of change.topic.partitions) this.#context.table.forget(group);
      }
    }
  }

  restored(): void {
    this.partitions.adopt(this.#context.state());
    this.reassignment.lookAtAll();
  }
}
