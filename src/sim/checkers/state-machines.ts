/**
 * I17: state machines that have applied the same entries are equal; and a partition's is what the
 * committed entries come to, committed offsets and producers included, whoever leads.
 */

import type { Broker } from '../../broker/broker.js';
import { decodeClusterSnapshot } from '../../cluster/cluster-snapshot.js';
import { ClusterState } from '../../cluster/cluster-state.js';
import type { PartitionLog } from '../../log/partition-log.js';
import { decodePartitionSnapshot } from '../../log/partition-snapshot.js';
import type { ProducerWindow } from '../../log/producer-state.js';
import type { Snapshot } from '../../raft/log.js';
import type { Committed } from './committed.js';
import { CONSUMER_GROUP } from './log-matching.js';
import type { ReplicaView } from './replica-view.js';
import { holds } from './violation.js';

export class StateMachines {
  readonly #committed: Committed;
  /** Of group 0, by the last entry that took effect: what the first replica there looked like. */
  readonly #clusters = new Map<number, string>();
  #newest = 0;
  /** By group, then by the last entry that took effect: what the first replica there knew of producers. */
  readonly #producers = new Map<number, Map<number, string>>();
  /** Last entry of which a snapshot has the effect. */
  readonly #effects = new WeakMap<Snapshot, number>();

  constructor(committed: Committed) {
    this.#committed = committed;
  }

  check(view: ReplicaView, broker: Broker): void {
    const { group, applied, broker: id } = view;
    const log = broker.replica(group)?.log;
    const effect = this.#effectOf(view, log);
    if (log !== undefined) {
      const { states } = this.#committed.chain(group);
      const expected = states[applied];
      const effects = states[effect];
      // The commit index may run ahead of the entries that this checker has seen.
      if (expected === undefined || effects === undefined) return;
      const here = {
        start: Number(log.logStartOffset),
        end: Number(log.highWatermark),
        offset: log.committedOffset(CONSUMER_GROUP)?.offset,
      };
      const facts = { group, applied, effect, broker: id, here, expected, effects };
      const start = Math.min(effects.start, here.end);
      holds(here.end === expected.end, 'I17', 'the high watermark is what the log comes to', facts);
      holds(here.start === start, 'I17', 'deletions are what the log comes to', facts);
      holds(here.offset === effects.offset, 'I17', 'no committed offset is lost or goes back', facts);
      this.#checkProducers(view, effect, log);
      return;
    }
    if (Number(group) !== 0) return;
    const here = JSON.stringify(broker.cluster.state.toJson());
    const known = this.#clusters.get(effect);
    if (known === undefined) {
      this.#clusters.set(effect, here);
      if (effect > this.#newest) this.#newest = effect;
    } else {
      const facts = { group, applied, effect, broker: id, known, here };
      holds(known === here, 'I17', 'equal logs make equal states', facts);
    }
  }

  #checkProducers({ group, broker }: ReplicaView, effect: number, { producers }: PartitionLog): void {
    const here = printed(producers.committed);
    const byEffect = this.#producers.get(group) ?? new Map<number, string>();
    this.#producers.set(group, byEffect);
    const known = byEffect.get(effect);
    if (known === undefined) byEffect.set(effect, here);
    else
      holds(known === here, 'I17', 'equal logs know equal producers', { group, effect, broker, known, here });
  }

  /** The cluster metadata as far as any broker has ever applied it. */
  get cluster(): ClusterState {
    const newest = this.#clusters.get(this.#newest);
    return newest === undefined ? new ClusterState() : ClusterState.fromJson(JSON.parse(newest));
  }

  /**
   * Up to which entry the state machine has the effects: a snapshot may be ahead of its own index, and so may a
   * checkpoint, as the partition says.
   */
  #effectOf(view: ReplicaView, log: PartitionLog | undefined): number {
    const { host, applied } = view;
    const { snapshot } = host.log;
    if (snapshot !== undefined && !this.#effects.has(snapshot)) {
      const decode = log !== undefined ? decodePartitionSnapshot : decodeClusterSnapshot;
      this.#effects.set(snapshot, decode(snapshot.data).appliedIndex);
    }
    const ofSnapshot = snapshot === undefined ? 0 : (this.#effects.get(snapshot) ?? 0);
    view.effect = Math.max(view.effect, applied, ofSnapshot, log?.effectIndex ?? 0);
    return view.effect;
  }
}

/** Short, as there is one for each entry: ids in order, epochs, and the last batch, on which all depend. */
function printed(producers: ReadonlyMap<number, ProducerWindow>): string {
  return [...producers]
    .map(([id, { epoch, batches }]) => {
      const last = batches.at(-1);
      return [id, epoch, batches.length, last?.lastSequence, last?.baseOffset, last?.term].join(' ');
    })
    .join();
}
