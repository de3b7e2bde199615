/**
 * I17: state machines that have applied the same entries are equal; and a partition's is what the
 * committed entries come to, committed offsets included, whoever leads.
 */

import type { Broker } from '../../broker/broker.js';
import type { ClusterState } from '../../cluster/cluster-state.js';
import type { Committed } from './committed.js';
import { CONSUMER_GROUP } from './log-matching.js';
import type { ReplicaView } from './replica-view.js';
import { holds } from './violation.js';

export class StateMachines {
  readonly #committed: Committed;
  /** Of group 0, by applied index: what the first replica there looked like. */
  readonly #clusters = new Map<number, string>();

  constructor(committed: Committed) {
    this.#committed = committed;
  }

  check({ group, applied, broker: id }: ReplicaView, broker: Broker): void {
    const log = broker.replica(group)?.log;
    if (log !== undefined) {
      const expected = this.#committed.chain(group).states[applied];
      // The commit index may run ahead of the entries that this checker has seen.
      if (expected === undefined) return;
      const here = { end: Number(log.highWatermark), offset: log.committedOffset(CONSUMER_GROUP) };
      const facts = { group, applied, broker: id, here, expected };
      holds(here.end === expected.end, 'I17', 'the high watermark is what the log comes to', facts);
      holds(here.offset === expected.offset, 'I17', 'no committed offset is lost or goes back', facts);
      return;
    }
    if (Number(group) !== 0) return;
    const here = wordsOf(broker.cluster.state);
    const known = this.#clusters.get(applied);
    if (known === undefined) this.#clusters.set(applied, here);
    else {
      const facts = { group, applied, broker: id, known, here };
      holds(known === here, 'I17', 'equal logs make equal states', facts);
    }
  }
}

/** The whole cluster metadata, in an order of its own. */
function wordsOf({ clusterId, nextGroup, brokers, topics }: ClusterState): string {
  return JSON.stringify({ clusterId, nextGroup, brokers: sorted(brokers), topics: sorted(topics) });
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}
