/** Looks at the replicas of a broker after each event of it, and has every checker see what changed. */

import type { Broker } from '../../broker/broker.js';
import type { Message } from '../../raft/messages.js';
import { asGroupId, type BrokerId, type GroupId } from '../../raft/types.js';
import type { RecoveredGroup } from '../../storage/journal-replay.js';
import type { SimDisk } from '../disk.js';
import type { SimProcess } from '../process.js';
import { Committed } from './committed.js';
import { checkDeparture } from './departures.js';
import { ElectionSafety } from './election-safety.js';
import { FailoverTimes } from './failover-times.js';
import { LogMatching } from './log-matching.js';
import { checkPointers } from './pointers.js';
import { Probes } from './probes.js';
import { Promises } from './promises.js';
import { Memberships } from './memberships.js';
import { newView, refresh, type ReplicaView } from './replica-view.js';
import { StateMachines } from './state-machines.js';
import type { SyncedDisk } from './synced-disks.js';
import { ToldLeaderships } from './told-leaderships.js';
import { holds } from './violation.js';

export class Observer {
  readonly entries = new LogMatching();
  readonly failovers: FailoverTimes;
  readonly committed = new Committed(this.entries, this, (group, term) =>
    this.failovers.committed(group, term),
  );
  readonly elections = new ElectionSafety(this.committed);
  readonly told = new ToldLeaderships(this.elections);
  readonly #memberships = new Memberships(this.committed);
  readonly #promises = new Promises();
  readonly probes = new Probes();
  readonly machines = new StateMachines(this.committed);
  readonly #views = new Map<BrokerId, Map<GroupId, ReplicaView>>();
  /** Each disk that a broker has or had, with its incarnation. */
  readonly #disks = new Map<SimDisk, { readonly broker: BrokerId; readonly incarnation: string }>();
  readonly #initial = new Map<number, readonly BrokerId[]>();
  readonly #deleted = new Set<number>();
  /** Disks that the cluster metadata has named at some time. */
  readonly #registered = new Set<string>();
  readonly #founders: () => readonly BrokerId[];
  readonly #onChange: (process: SimProcess, view: ReplicaView, wasRole: string) => void;

  constructor(
    nowMs: () => number,
    founders: () => readonly BrokerId[],
    onChange: (process: SimProcess, view: ReplicaView, wasRole: string) => void,
  ) {
    this.failovers = new FailoverTimes(nowMs);
    this.#founders = founders;
    this.#onChange = onChange;
  }

  get images(): SyncedDisk[] {
    return [...this.#disks].map(([{ image }, of]) => ({ ...of, image }));
  }

  initialVoters(group: number): readonly BrokerId[] {
    return group === 0 ? this.#founders() : (this.#initial.get(group) ?? []);
  }

  isDeleted(group: number): boolean {
    return this.#deleted.has(group);
  }

  viewsOf(broker: BrokerId): Iterable<ReplicaView> {
    return this.#views.get(broker)?.values() ?? [];
  }

  replicasOf(group: number): readonly ReplicaView[] {
    const found: ReplicaView[] = [];
    for (const views of this.#views.values()) {
      const view = views.get(asGroupId(group));
      if (view !== undefined) found.push(view);
    }
    return found;
  }

  sent(process: SimProcess, group: GroupId, message: Message): void {
    this.#promises.sent(process, group, message, this.#registered.has(process.incarnation));
    if (message.kind === 'voteReply' && message.granted && !message.preVote) {
      this.#memberships.voted(group, message.requestedTerm, message.to, process.id);
    }
    if (message.kind === 'append') {
      // What left while its sender led on; a deposed leader has no progress any more.
      const raft = this.#views.get(process.id)?.get(group)?.host.raft;
      const progress = raft?.term === message.term ? raft.progress.get(message.to) : undefined;
      const terms = this.#views.get(message.to)?.get(group)?.terms ?? [];
      if (progress !== undefined) this.probes.asked(group, message, progress, new Set(terms).size);
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
    this.#views.delete(broker);
  }

  recovered(process: SimProcess, groups: ReadonlyMap<GroupId, RecoveredGroup>): void {
    const { id: broker, incarnation } = process;
    this.#disks.set(process.options.disk, { broker, incarnation });
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
      let view = views.get(group);
      if (view !== undefined && view.host !== host) {
        views.delete(group);
        this.#dropped(id, group, state.isDeleted(group));
        view = undefined;
      }
      if (host === undefined) continue;
      if (view === undefined) {
        const assignment = state.assignment(group);
        if (assignment !== undefined) this.#initial.set(group, assignment.initial);
        const registered = (other: BrokerId): string =>
          broker.cluster.state.brokers.get(other)?.incarnation ?? '';
        view = newView(id, process.options.life, host, registered);
        views.set(group, view);
      }
      this.#look(process, view);
    }
  }

  /** A replica is gone from its broker, with its disk's part. One that counts in a quorum stays (B5). */
  #dropped(broker: BrokerId, group: GroupId, isDeleted: boolean): void {
    if (isDeleted) this.#deleted.add(group);
    this.#promises.dropped(broker, group);
    const voters = this.committed.chain(group).memberships.at(-1)?.voters ?? [];
    const facts = { group, broker, voters };
    holds(isDeleted || !voters.includes(broker), 'I2', 'a replica that counts is not dropped', facts);
  }

  #look(process: SimProcess, view: ReplicaView): void {
    const appliedBefore = view.applied;
    const change = refresh(view);
    if (change === undefined) return;
    this.entries.check(change);
    this.committed.check(change);
    this.#memberships.check(change);
    this.elections.check(change);
    const { before } = change;
    const log = process.broker?.replica(view.group)?.log;
    checkPointers(view, log);
    if (view.applied > appliedBefore && process.broker !== undefined) {
      this.machines.check(view, process.broker);
      if (Number(view.group) === 0) {
        this.#noteDisks(process.broker);
        this.told.check(process.id, process.broker.cluster.state.leadership);
      }
    }
    if (view.role === 'leader') this.failovers.led(view.group, view.term);
    if (before.role === view.role && before.term === view.term) return;
    checkDeparture(process, view);
    this.#onChange(process, view, before.role);
  }

  #noteDisks({ cluster: { state } }: Broker): void {
    for (const { incarnation } of state.brokers.values()) this.#registered.add(incarnation);
  }
}
