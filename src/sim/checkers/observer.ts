/** Looks at the replicas of a broker after each event of it, and has every checker see what changed. */

import type { Message } from '../../raft/messages.js';
import { asGroupId, type BrokerId, type GroupId } from '../../raft/types.js';
import type { RecoveredGroup } from '../../storage/journal-replay.js';
import type { SimDisk } from '../disk.js';
import type { DurableImage } from '../durable-image.js';
import type { SimProcess } from '../process.js';
import { Committed } from './committed.js';
import { ElectionSafety } from './election-safety.js';
import { FailoverTimes } from './failover-times.js';
import { LogMatching } from './log-matching.js';
import { checkPointers } from './pointers.js';
import { Probes } from './probes.js';
import { Promises } from './promises.js';
import { newView, refresh, type ReplicaView } from './replica-view.js';
import { StateMachines } from './state-machines.js';

export class Observer {
  readonly entries = new LogMatching();
  readonly failovers: FailoverTimes;
  readonly committed = new Committed(this.entries, this, (group, term) =>
    this.failovers.committed(group, term),
  );
  readonly elections = new ElectionSafety(this.committed);
  readonly #promises = new Promises();
  readonly probes = new Probes();
  readonly #machines = new StateMachines(this.committed);
  readonly #views = new Map<BrokerId, Map<GroupId, ReplicaView>>();
  /** Replicas on disks that were wiped, as they were: an answer of theirs may still be on its way. */
  readonly #lost: ReplicaView[] = [];
  readonly #disks = new Map<BrokerId, Set<SimDisk>>();
  readonly #onChange: (process: SimProcess, view: ReplicaView, wasRole: string) => void;

  constructor(
    nowMs: () => number,
    onChange: (process: SimProcess, view: ReplicaView, wasRole: string) => void,
  ) {
    this.failovers = new FailoverTimes(nowMs);
    this.#onChange = onChange;
  }

  get images(): { broker: BrokerId; image: DurableImage }[] {
    return [...this.#disks].flatMap(([broker, disks]) => [...disks].map(({ image }) => ({ broker, image })));
  }

  viewsOf(broker: BrokerId): Iterable<ReplicaView> {
    return this.#views.get(broker)?.values() ?? [];
  }

  replicasOf(group: number): readonly ReplicaView[] {
    const found = this.#lost.filter((view) => Number(view.group) === group);
    for (const views of this.#views.values()) {
      const view = views.get(asGroupId(group));
      if (view !== undefined) found.push(view);
    }
    return found;
  }

  sent(process: SimProcess, group: GroupId, message: Message): void {
    this.#promises.sent(process, group, message);
    if (message.kind === 'appendReply') {
      const terms = this.#views.get(process.id)?.get(group)?.terms ?? [];
      this.probes.answered(group, message, new Set(terms).size);
    }
  }

  died(process: SimProcess): void {
    if (process.broker === undefined) return;
    const views = [...this.viewsOf(process.id)];
    this.#promises.died(process, views);
    this.failovers.died(views);
  }

  lost(broker: BrokerId): void {
    this.#promises.wiped(broker);
    this.#lost.push(...(this.#views.get(broker)?.values() ?? []));
    this.#views.delete(broker);
  }

  recovered(process: SimProcess, groups: ReadonlyMap<GroupId, RecoveredGroup>): void {
    const disks = this.#disks.get(process.id) ?? new Set();
    this.#disks.set(process.id, disks.add(process.options.disk));
    this.#promises.recovered(process, groups);
    this.#views.delete(process.id);
  }

  look(process: SimProcess): void {
    const { broker, id } = process;
    if (broker === undefined) return;
    const views = this.#views.get(id) ?? new Map<GroupId, ReplicaView>();
    this.#views.set(id, views);
    const { state } = broker.cluster;
    for (let number = 0; number < state.nextGroup; number++) {
      const group = asGroupId(number);
      const host = broker.group(group);
      if (host === undefined) {
        // Its topic is deleted.
        views.delete(group);
        continue;
      }
      let view = views.get(group);
      if (view === undefined) {
        view = newView(id, process.options.life, host);
        views.set(group, view);
      }
      this.#look(process, view);
    }
  }

  #look(process: SimProcess, view: ReplicaView): void {
    const appliedBefore = view.applied;
    const change = refresh(view);
    if (change === undefined) return;
    this.entries.check(change);
    this.committed.check(change);
    this.elections.check(change);
    const { before } = change;
    const log = process.broker?.replica(view.group)?.log;
    checkPointers(view, log);
    if (view.applied > appliedBefore && process.broker !== undefined)
      this.#machines.check(view, process.broker);
    if (view.role === 'leader') this.failovers.led(view.group, view.term);
    if (before.role !== view.role || before.term !== view.term) this.#onChange(process, view, before.role);
  }
}
