/**
 * Production brokers on a network, disks and a clock in memory: everything of a cluster but gRPC and the
 * real disk. Time passes only inside `run`, `until` and `answer`, so a test is the same every time.
 */

import type { LeaderBalance } from '../../src/broker/balancer.js';
import { Broker } from '../../src/broker/broker.js';
import { type FetchRequest, fetch, produce } from '../../src/broker/data.js';
import type { Acks, Fetched, Produced } from '../../src/broker/partition-host.js';
import type { Clock } from '../../src/broker/clock.js';
import { PeerHandler } from '../../src/broker/peer-handler.js';
import { register } from '../../src/broker/registration.js';
import { createTopic, deleteTopic, type TopicRequest } from '../../src/broker/topics.js';
import type { BellwetherError } from '../../src/errors.js';
import type { RaftTuning } from '../../src/raft/config.js';
import { asLogIndex, type BrokerId, ENTRY_KIND, type GroupId } from '../../src/raft/types.js';
import { decodeRecordBatch } from '../../src/records/batch-decode.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { Journal } from '../../src/storage/journal.js';
import { FaultyDisk } from '../storage/faulty-file-system.js';
import { ManualClock } from './manual-clock.js';
import { MemoryNetwork } from './memory-network.js';
import { settled, Watched } from './outcomes.js';

const DIRECTORY = 'data/journal';
/** Longest time that a step of a test may take, on the cluster's clock. */
const PATIENCE_MS = 10_000;

export interface Member {
  readonly id: BrokerId;
  readonly broker: Broker;
  readonly handler: PeerHandler;
  readonly journal: Journal;
  /** Whether it came to stand in the metadata before it stopped. */
  readonly registered: Promise<boolean>;
  /** Why the broker has stopped by itself, if it has. */
  readonly fatal: BellwetherError[];
}

export class MiniCluster {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly ids: readonly BrokerId[];
  readonly disks = new Map<BrokerId, FaultyDisk>();
  /** Of the brokers that are booted from now on; undefined for the default. */
  leaderBalance: LeaderBalance | undefined;
  readonly #tuning: Partial<RaftTuning>;
  readonly #members = new Map<BrokerId, Member>();
  readonly #incarnations = new Map<FaultyDisk, string>();
  #disksMade = 0;

  constructor(ids: readonly BrokerId[] = ['n1', 'n2', 'n3'], tuning: Partial<RaftTuning> = {}) {
    this.ids = ids;
    this.#tuning = tuning;
    for (const id of ids) this.replaceDisk(id);
  }

  /** A started cluster in which every broker is registered. */
  static async start(
    ids?: readonly BrokerId[],
    tuning?: Partial<RaftTuning>,
    leaderBalance?: LeaderBalance,
  ): Promise<MiniCluster> {
    const cluster = new MiniCluster(ids, tuning);
    cluster.leaderBalance = leaderBalance;
    await Promise.all(cluster.ids.map((id) => cluster.boot(id)));
    await cluster.until(() => cluster.members.every(({ broker }) => isRegistered(broker, cluster.ids)));
    return cluster;
  }

  /** An empty disk of its own identity. */
  replaceDisk(id: BrokerId): void {
    this.#disksMade += 1;
    const disk = new FaultyDisk();
    this.disks.set(id, disk);
    this.#incarnations.set(disk, `00000000-0000-4000-8000-${String(this.#disksMade).padStart(12, '0')}`);
  }

  /** A disk that was replaced is back. */
  putDiskBack(id: BrokerId, disk: FaultyDisk): void {
    this.disks.set(id, disk);
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  at(id: BrokerId): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`${id} is not running`);
    return member;
  }

  /** Starts a broker on what its disk holds; one that joins later knows no `bootstrap`. */
  async boot(id: BrokerId, bootstrap: readonly BrokerId[] = this.ids): Promise<Member> {
    const incarnation = this.#incarnations.get(this.disk(id)) ?? '';
    const fatal: BellwetherError[] = [];
    const clock = this.#clockOf(id);
    const fileSystem = this.disk(id).mount();
    const { journal, groups } = await Journal.open({
      fileSystem,
      directory: DIRECTORY,
      incarnation,
      fileBytes: 64 * 1024,
      preallocateBytes: 4096,
      cacheBytes: 256 * 1024,
      roomRetry: () => new Promise((resolve) => void clock.schedule(250, resolve)),
    });
    const transport = this.network.attach(id);
    const broker = new Broker(
      {
        id,
        bootstrap,
        peerAddresses: new Map(this.ids.map((peer) => [peer, `${peer}:2`])),
        peerAddress: `${id}:2`,
        incarnation,
        address: `${id}:1`,
        rack: '',
        tuning: this.#tuning,
        leaderBalance: this.leaderBalance,
      },
      {
        clock,
        journal,
        freeBytes: () => fileSystem.freeBytes(DIRECTORY),
        recovered: groups,
        transport,
        log: () => undefined,
        onFatal: (error) => {
          fatal.push(error);
          transport.close();
        },
      },
    );
    const handler = new PeerHandler(broker);
    broker.start();
    transport.start(handler);
    broker.peers.start();
    const member = { id, broker, handler, journal, registered: register(broker), fatal };
    this.#members.set(id, member);
    return member;
  }

  disk(id: BrokerId): FaultyDisk {
    const disk = this.disks.get(id);
    if (disk === undefined) throw new Error(`${id} has no disk`);
    return disk;
  }

  /** The machine dies: what was not synced is gone. */
  crash(id: BrokerId): void {
    const { broker } = this.at(id);
    this.disk(id).crash(() => false);
    broker.stop();
    this.network.detach(id);
    this.#members.delete(id);
  }

  /** A process that is busy with itself: neither its timers nor its mail are looked at for so long. */
  holdUp(id: BrokerId, ms: number): void {
    this.network.holdUp(id, ms);
  }

  /** The clock as a broker sees it, which takes part in what holds its process up. */
  #clockOf(id: BrokerId): Clock {
    const { clock, network } = this;
    return {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      random: () => clock.random(),
      newUuid: () => clock.newUuid(),
      schedule: (delayMs, callback) => clock.schedule(delayMs, () => network.whenFree(id, callback)),
      defer: (callback) => clock.defer(() => network.whenFree(id, callback)),
      soon: (callback) => clock.soon(() => network.whenFree(id, callback)),
    };
  }

  async restart(id: BrokerId): Promise<Member> {
    if (this.#members.has(id)) this.crash(id);
    return this.boot(id);
  }

  /** Ends everything that a test has left running. */
  close(): void {
    for (const { id } of this.members) this.crash(id);
  }

  /** Lets time pass. */
  async run(ms: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + ms;
    await this.#step(endMs, () => false);
  }

  /** Lets time pass until something is so; fails when it does not become so. */
  async until(isSo: () => boolean, withinMs = PATIENCE_MS): Promise<void> {
    await this.#step(this.clock.monotonicMs() + withinMs, isSo);
    if (!isSo()) throw new Error(`it did not become so within ${String(withinMs)} ms: ${String(isSo)}`);
  }

  /** Lets time pass until a promise settles, and settles as it does. */
  async answer<T>(promise: Promise<T>, withinMs = PATIENCE_MS): Promise<T> {
    const watched = new Watched(promise);
    await this.until(() => watched.now.state !== 'pending', withinMs);
    return promise;
  }

  async #step(endMs: number, isDone: () => boolean): Promise<void> {
    for (;;) {
      do await settled();
      while (this.clock.runDeferred() > 0);
      const nowMs = this.clock.monotonicMs();
      if (isDone() || nowMs >= endMs) return;
      this.clock.advance(Math.min(endMs, Math.max(nowMs, this.clock.nextTimerMs)) - nowMs);
    }
  }

  createTopic(via: BrokerId, request: Partial<TopicRequest> & { topic: string }) {
    const full = { partitions: 1, replicationFactor: undefined, ...request };
    return this.answer(createTopic(this.at(via).broker, full, 5_000));
  }

  deleteTopic(via: BrokerId, topic: string): Promise<void> {
    return this.answer(deleteTopic(this.at(via).broker, topic, 5_000));
  }

  /** Who leads, and is not in `except`, as all running brokers but those say; undefined while they differ. */
  leaderOf(topic: string, partition = 0, except: readonly BrokerId[] = []): BrokerId | undefined {
    const said = this.members
      .filter(({ id, fatal }) => !except.includes(id) && fatal.length === 0)
      .map(({ broker }) => {
        const assignment = broker.cluster.state.partition(topic, partition);
        return assignment && broker.table.leaderOf(assignment.group)?.leader;
      });
    const [leader] = said;
    return new Set(said).size === 1 && !except.includes(leader ?? '') ? leader : undefined;
  }

  /** Waits until all brokers agree who leads, and says who. */
  async elected(topic: string, partition = 0, except: readonly BrokerId[] = []): Promise<BrokerId> {
    await this.until(() => this.leaderOf(topic, partition, except) !== undefined);
    return this.leaderOf(topic, partition, except) ?? '';
  }

  /** Appends one record; `answer` what it returns. */
  produce(via: BrokerId, topic: string, value: string, acks: Acks = 'all', timeoutMs = 2_000) {
    const bytes = new TextEncoder().encode(value);
    const batch = encodeRecordBatch([{ key: undefined, value: bytes, headers: [], timestampMs: 1 }]);
    return produce(this.at(via).broker, { topic, partition: 0, acks, batch }, timeoutMs);
  }

  async produced(via: BrokerId, topic: string, value: string): Promise<Produced> {
    return this.answer(this.produce(via, topic, value));
  }

  fetch(via: BrokerId, topic: string, request: Partial<FetchRequest> = {}): Promise<Fetched> {
    const all = { partition: 0, offset: 0, bytesMax: 1_000_000, waitMs: 0, allowFollower: false };
    return fetch(this.at(via).broker, { topic, ...all, ...request });
  }

  /** Every committed record that a broker serves, in offset order. */
  async values(via: BrokerId, topic: string): Promise<string[]> {
    const { batches } = await this.fetch(via, topic, { allowFollower: true });
    const records = batches.flatMap((batch) => decodeRecordBatch(batch));
    expectDense(records.map(({ offset }) => offset));
    return records.map(({ value }) => new TextDecoder().decode(value));
  }

  group(topic: string, partition = 0): GroupId {
    const found = this.members
      .map(({ broker }) => broker.cluster.state.partition(topic, partition)?.group)
      .find((group) => group !== undefined);
    if (found === undefined) throw new Error(`nobody knows ${topic}`);
    return found;
  }

  /** The records of a group that the disk holds durably, as a broker that starts now would find them. */
  async onDisk(id: BrokerId, group: GroupId): Promise<string[]> {
    const disk = this.disk(id);
    const copy = new FaultyDisk();
    for (const path of disk.paths()) copy.overwrite(path, disk.inode(path).durable);
    const { groups } = await Journal.open({
      fileSystem: copy.mount(),
      directory: DIRECTORY,
      incarnation: this.#incarnations.get(this.disk(id)) ?? '',
      fileBytes: 64 * 1024,
      preallocateBytes: 4096,
    });
    const log = groups.get(group)?.log;
    if (log === undefined) return [];
    return log
      .entries(log.firstIndex, asLogIndex(log.lastIndex + 1), Number.MAX_SAFE_INTEGER)
      .filter(({ kind }) => kind === ENTRY_KIND.RECORD_BATCH)
      .flatMap(({ payload }) => decodeRecordBatch(payload))
      .map(({ value }) => new TextDecoder().decode(value));
  }
}

function isRegistered(broker: Broker, ids: readonly BrokerId[]): boolean {
  const { state } = broker.cluster;
  return state.clusterId !== '' && ids.every((id) => state.brokers.has(id) && broker.isAlive(id));
}

function expectDense(offsets: readonly number[]): void {
  if (offsets.some((offset, i) => offset !== i)) throw new Error(`offsets are not dense: ${offsets.join()}`);
}
