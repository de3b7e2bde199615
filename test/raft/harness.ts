/**
 * A whole group in memory: production `Raft` objects over fake disks and a fake network, in virtual time.
 * Every input is followed by all checks of invariants.ts.
 *
 * Nothing happens by itself: `settle` delivers what is on the way, `advance` lets time pass.
 */

import { invariant } from '../../src/invariant.js';
import type { ChangeResult } from '../../src/raft/changes.js';
import { DEFAULT_RAFT_TUNING, type RaftTuning } from '../../src/raft/config.js';
import type { ProposeResult } from '../../src/raft/leader.js';
import type { Membership } from '../../src/raft/membership.js';
import type { Message } from '../../src/raft/messages.js';
import { Raft } from '../../src/raft/raft.js';
import type { ReadResult } from '../../src/raft/reads.js';
import { asLogIndex, type BrokerId, ENTRY_KIND } from '../../src/raft/types.js';
import type { FakeDisk, Survived } from './fake-disk.js';
import { FakeNetwork } from './fake-network.js';
import { History, stateAt } from './invariants.js';
import { SeededRandom } from './seeded-random.js';
import { TestReplica } from './test-replica.js';
import { noTrace, type Trace } from './trace.js';

/** Steps after which a cluster that does not come to rest is held to run for ever. */
const STEPS_MAX = 20_000;

export interface ClusterOptions {
  /** At most 7; they are called n1, n2 and so on. */
  readonly replicas?: number;
  /** How many of them, from n1 on, the group was made with; all unless told. */
  readonly voters?: number;
  readonly seed?: number;
  readonly tuning?: Partial<RaftTuning>;
  readonly persistCommit?: boolean;
  /** Told of all that happens, from the first start on. */
  readonly trace?: Trace;
  /** The core; a broken one shows that a test would notice. */
  readonly core?: typeof Raft;
}

export class Cluster {
  readonly ids: readonly BrokerId[];
  readonly network = new FakeNetwork();
  readonly history: History;
  readonly random: SeededRandom;
  nowMs = 0;
  readonly #options: ClusterOptions;
  readonly #trace: Trace;
  readonly #replicas = new Map<BrokerId, TestReplica>();

  constructor(options: ClusterOptions = {}) {
    this.#options = options;
    this.#trace = options.trace ?? noTrace;
    this.random = new SeededRandom(options.seed ?? 1);
    this.ids = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'].slice(0, options.replicas ?? 3);
    this.history = new History(this.#replicas, this.#initialVoters);
    for (const id of this.ids) {
      const replica = new TestReplica(id, this.network, this.history, this.#trace);
      this.#replicas.set(id, replica);
      replica.start(this.#makeRaft(id, replica.disk, false));
    }
    for (const id of this.ids) this.#input(id, (raft) => raft.start(this.nowMs));
  }

  /** A cluster with all links up and a leader, at rest. */
  static withLeader(options: ClusterOptions = {}): Cluster {
    const cluster = new Cluster(options);
    cluster.heal();
    cluster.advance(1_000);
    return cluster;
  }

  /** Messages sent so far, the lost ones included. */
  get sentCount(): number {
    return this.network.sentCount;
  }

  raft(id: BrokerId): Raft {
    const { raft } = this.#replica(id);
    invariant(raft !== undefined, 'the replica runs', { id });
    return raft;
  }

  disk(id: BrokerId): FakeDisk {
    return this.#replica(id).disk;
  }

  isRunning(id: BrokerId): boolean {
    return this.#replica(id).raft !== undefined;
  }

  get running(): readonly BrokerId[] {
    return this.ids.filter((id) => this.isRunning(id));
  }

  /** Who leads the newest term that has a leader among the running. */
  get leader(): BrokerId | undefined {
    const leaders = this.running.filter((id) => this.raft(id).role === 'leader');
    return leaders.sort((a, b) => this.raft(b).term - this.raft(a).term)[0];
  }

  /** Payloads of the log of a replica, as text; no-ops are left out. */
  log(id: BrokerId): readonly string[] {
    const { entries } = this.disk(id).readable;
    const records = entries.filter(({ kind }) => kind === ENTRY_KIND.RECORD_BATCH);
    return records.map((entry) => new TextDecoder().decode(entry.payload));
  }

  propose(id: BrokerId, text: string): ProposeResult {
    const payload = new TextEncoder().encode(text);
    return this.#input(id, (raft) => raft.propose(ENTRY_KIND.RECORD_BATCH, payload));
  }

  /** Asks a running replica for a linearizable read; the history has what becomes of it. */
  read(id: BrokerId): ReadResult {
    return this.#input(id, (raft) => {
      const asked = raft.requestRead();
      if (asked.ok) this.history.onRead(id, asked.id);
      return asked;
    });
  }

  /** Hands one input to a running replica, then does what it asks for. */
  input<T>(id: BrokerId, act: (raft: Raft, nowMs: number) => T): T {
    return this.#input(id, (raft) => act(raft, this.nowMs));
  }

  step(message: Message): void {
    const running = this.isRunning(message.to);
    this.#trace({ kind: 'arrives', message, running });
    if (running) this.#input(message.to, (raft) => raft.step(this.nowMs, message));
  }

  /** Delivers the oldest message that `wanted` accepts. Returns it; undefined when there is none. */
  deliver(wanted?: (message: Message) => boolean): Message | undefined {
    const message = this.network.take(wanted);
    if (message !== undefined) this.step(message);
    return message;
  }

  /** Delivers the oldest notice of a resigned leader. Returns false when there is none. */
  deliverNotice(): boolean {
    const notice = this.network.takeNotice();
    if (notice === undefined) return false;
    const running = this.isRunning(notice.to);
    this.#trace({ kind: 'hears', notice, running });
    if (running) {
      this.#input(notice.to, (raft) => raft.leaderResigned(this.nowMs, notice.from, notice.term));
    }
    return true;
  }

  /** Delivers all in the order of sending until nothing is on the way. No time passes. */
  settle(): void {
    for (let steps = 0; this.deliver() !== undefined || this.deliverNotice(); steps++) {
      invariant(steps < STEPS_MAX, 'the cluster comes to rest');
    }
  }

  /** Time of the next timer of any running replica; Infinity when all sleep. */
  get deadlineMs(): number {
    return Math.min(...this.running.map((id) => this.raft(id).deadlineMs));
  }

  /** Runs the timers that are due now. */
  tick(): void {
    for (const id of this.running) if (this.raft(id).deadlineMs <= this.nowMs) this.tickOne(id);
  }

  /** Runs the timer of one replica, if it is due. */
  tickOne(id: BrokerId): void {
    this.#trace({ kind: 'timer', id, nowMs: this.nowMs });
    this.#input(id, (raft) => raft.tick(this.nowMs));
  }

  /** Lets time pass from timer to timer and delivers all in between. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    this.settle();
    for (let steps = 0; this.deadlineMs <= untilMs; steps++) {
      invariant(steps < STEPS_MAX, 'timers move on');
      this.nowMs = Math.max(this.nowMs, this.deadlineMs);
      this.tick();
      this.settle();
    }
    this.nowMs = untilMs;
  }

  /** Stops finishing the writes of a replica; `sync` finishes them one by one. */
  holdSyncs(id: BrokerId): void {
    this.#replica(id).autoSync = false;
  }

  releaseSyncs(id: BrokerId): void {
    this.#replica(id).autoSync = true;
    while (this.sync(id));
  }

  /** Finishes the oldest write of a running replica. Returns false when none is pending. */
  sync(id: BrokerId): boolean {
    return this.#replica(id).sync(this.nowMs);
  }

  /** Kills a replica: unsynced writes are lost. The others see the loss of the link at once. */
  crash(id: BrokerId, survived?: Survived): void {
    this.crashUnseen(id, survived);
    for (const peer of this.running) this.suspect(peer, id);
  }

  /** As `crash`, but nobody has noticed yet. */
  crashUnseen(id: BrokerId, survived?: Survived): void {
    this.#replica(id).crash(survived);
  }

  /** Starts a crashed replica from its disk; links that are open come up with the new incarnation. */
  restart(id: BrokerId): void {
    const replica = this.#replica(id);
    invariant(replica.raft === undefined, 'only a crashed replica restarts', { id });
    const raft = this.#makeRaft(id, replica.disk, true);
    replica.start(raft);
    this.history.onRestart(replica, raft);
    this.#input(id, () => raft.start(this.nowMs));
    for (const peer of this.running) {
      if (peer === id) continue;
      this.suspect(peer, id);
      this.hear(peer, id);
      this.hear(id, peer);
    }
  }

  /** `observer` sees its link to `peer` break. */
  suspect(observer: BrokerId, peer: BrokerId): void {
    if (!this.isRunning(observer) || !this.raft(observer).isAlive(peer)) return;
    this.#input(observer, (raft) => raft.peerDown(this.nowMs, peer));
  }

  /** `observer` hears `peer`, if the direction is open. */
  hear(observer: BrokerId, peer: BrokerId): void {
    if (!this.isRunning(observer) || !this.isRunning(peer) || !this.network.isOpen(peer, observer)) return;
    if (!this.raft(observer).isAlive(peer)) {
      this.#input(observer, (raft) => raft.peerUp(this.nowMs, peer));
    }
  }

  /** Cuts both directions and what is on the way in them; both ends notice. */
  disconnect(a: BrokerId, b: BrokerId): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  /** Cuts one direction: only `to` notices. */
  cutOneWay(from: BrokerId, to: BrokerId): void {
    this.network.close(from, to);
    this.network.drop((message) => message.from === from && message.to === to);
    this.suspect(to, from);
  }

  isolate(id: BrokerId): void {
    for (const peer of this.ids) if (peer !== id) this.disconnect(id, peer);
  }

  /** Opens every direction; who had noticed a loss hears the other again. Restarts nobody. */
  heal(): void {
    for (const from of this.ids) for (const to of this.ids) this.network.open(from, to);
    for (const from of this.ids) for (const to of this.ids) if (from !== to) this.hear(to, from);
  }

  /** Has a running replica forget its log up to `index`, which it has applied. */
  compact(id: BrokerId, index: number): void {
    const data = new TextEncoder().encode(stateAt(this.history.committed, index));
    this.#input(id, (raft) => raft.compact(asLogIndex(index), data));
  }

  changeMembership(id: BrokerId, next: Membership): ChangeResult {
    return this.#input(id, (raft) => raft.proposeMembership(next));
  }

  /** The disk of a crashed replica is lost, or its replica was dropped: it starts with nothing. */
  wipe(id: BrokerId): void {
    this.#replica(id).wipe();
    this.history.onWipe(id);
  }

  get #initialVoters(): readonly BrokerId[] {
    return this.ids.slice(0, this.#options.voters ?? this.ids.length);
  }

  #replica(id: BrokerId): TestReplica {
    const replica = this.#replicas.get(id);
    invariant(replica !== undefined, 'the replica is one of the cluster', { id });
    return replica;
  }

  #makeRaft(id: BrokerId, disk: FakeDisk, restarts: boolean): Raft {
    const { tuning, persistCommit = false, core: Core = Raft } = this.#options;
    const config = {
      id,
      voters: this.#initialVoters,
      persistCommit,
      // The commit index is told at once, unless a test is about its ride on the next append.
      tuning: { ...DEFAULT_RAFT_TUNING, commitRideMs: 0, ...tuning },
      random: this.random.next,
    };
    return new Core(config, disk, restarts ? disk.recover() : undefined);
  }

  #input<T>(id: BrokerId, act: (raft: Raft) => T): T {
    const result = act(this.raft(id));
    this.#replica(id).pump(this.nowMs);
    return result;
  }
}
