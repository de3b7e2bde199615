/**
 * One broker: all its groups, what it knows of its peers, and the operations that clients may ask for.
 *
 * Knows neither gRPC nor the network: peers are behind `PeerTransport`, time behind `Clock`, the disk
 * behind the journal's file system.
 */

import { BellwetherError } from '../errors.js';
import type { PartitionAssignment } from '../cluster/cluster-types.js';
import type { Message, VoteRequest } from '../raft/messages.js';
import { asLogIndex, type BrokerId, type GroupId } from '../raft/types.js';
import { Announcer } from './announcer.js';
import { Balancer } from './balancer.js';
import type { BrokerOptions, BrokerParts } from './broker-options.js';
import { ClientStreams } from './client-streams.js';
import { CLUSTER_GROUP, CLUSTER_SUBJECT, ClusterHost } from './cluster-host.js';
import { type DiskWatch, diskWatchOf } from './disk-watch.js';
import { Departure } from './departure.js';
import { Exchanges } from './exchanges.js';
import { Failover } from './failover.js';
import { GroupFactory, type GroupSpec } from './group-factory.js';
import { GroupEvents } from './group-events.js';
import type { GroupHost } from './group-host.js';
import { LeaderTable } from './leader-table.js';
import { LIMITS } from './limits.js';
import { MetadataFollower } from './metadata-follower.js';
import { HeldWrites } from './held-writes.js';
import { Liveness } from './liveness.js';
import { Outbox } from './outbox.js';
import { Parking } from './parking.js';
import type { PartitionHost } from './partition-host.js';
import { type Peers, peersOf } from './peers.js';
import { allOf, type Leadership, leadershipOf } from './leadership.js';
import type { LeaderAnnouncement, PeerTransport } from './peer-port.js';
import { ProducerIds } from './producer-ids.js';
import { Readiness } from './readiness.js';
import {
  asDefect,
  hasFailed,
  isStopping,
  noLeader,
  notLeader,
  type Subject,
  unknownPartition,
} from './refusals.js';
import { Scheduler } from './scheduler.js';
import { submitCommand } from './submit.js';
import { VoteExchange } from './vote-exchange.js';

export class Broker {
  readonly id: BrokerId;
  readonly options: BrokerOptions;
  readonly clock: BrokerParts['clock'];
  readonly transport: PeerTransport;
  readonly cluster: ClusterHost;
  readonly table: LeaderTable;
  readonly disk: DiskWatch;
  readonly liveness: Liveness;
  readonly peers: Peers;
  readonly failover: Failover;
  readonly balancer: Balancer;
  readonly readiness: Readiness;
  readonly leadership: Leadership;
  readonly votes: VoteExchange;
  readonly heldWrites: HeldWrites;
  readonly departure: Departure;
  readonly parking = new Parking();
  readonly streams = new ClientStreams();
  readonly producerIds = new ProducerIds(this);
  readonly log: BrokerParts['log'];
  readonly #factory: GroupFactory;
  readonly #outbox: Outbox;
  readonly #scheduler: Scheduler;
  readonly #announcer: Announcer;
  readonly #groupEvents: GroupEvents;
  readonly #follower: MetadataFollower;
  readonly #onFatal: (error: BellwetherError) => void;
  #failed: BellwetherError | undefined;
  #stopped = false;

  constructor(options: BrokerOptions, parts: BrokerParts) {
    this.id = options.id;
    this.options = options;
    this.clock = parts.clock;
    this.transport = parts.transport;
    this.log = parts.log;
    this.#factory = new GroupFactory(options.id, parts, options.tuning, () => !this.departure.hasBegun);
    this.#onFatal = parts.onFatal;
    this.votes = new VoteExchange(parts.clock);
    const oldestWriteMs = (): number => this.#scheduler.oldestWriteMs;
    this.disk = diskWatchOf(options, parts, oldestWriteMs, (ms) => this.#groupEvents.diskStalled(ms));
    this.liveness = new Liveness(parts.clock, {
      beat: (lagMs) => this.readiness.beat(lagMs),
      sendHeartbeat: (peer, sequence) => parts.transport.sendHeartbeat(peer, sequence),
      isIdle: () => this.#scheduler.isIdle,
      linkUp: (peer) => this.#groupEvents.linkUp(peer),
      linkDown: (peer, cause) => this.#groupEvents.linkDown(peer, cause),
      linkRenewed: (peer) => this.#groupEvents.linkRenewed(peer),
    });
    this.table = new LeaderTable(parts.clock, (broker) => this.isAlive(broker));
    const step = (group: GroupId, message: Message): void => this.step(group, message);
    const groupOf = (id: GroupId): GroupHost | undefined => this.group(id);
    const wake = (group: GroupHost): void => this.wake(group);
    const unanswered = (group: GroupId, request: VoteRequest): void =>
      this.#inGroup(group, (raft, nowMs) => raft.voteUnanswered(nowMs, request));
    const { clock, table, transport, liveness, log } = this;
    const declined = (by: BrokerId): void => this.balancer.declined(by);
    const exchanges = new Exchanges({ transport, step, unanswered, declined, groupOf, wake, log });
    this.#outbox = new Outbox(transport, this.votes, exchanges);
    this.#scheduler = new Scheduler(clock, parts.journal, this.#outbox, {
      groupAdvanced: (group) => this.#groupAdvanced(group),
      failed: (error) => this.fail(error instanceof BellwetherError ? error : asDefect(error)),
    });
    this.leadership = leadershipOf(this);
    this.#announcer = new Announcer(this.id, clock, {
      announce: (announcement) => this.#announce(announcement),
      began: (group) => this.leadership.began(group),
    });
    this.balancer = new Balancer(this, options.leaderBalance);
    this.readiness = new Readiness(this, parts.onServing);
    this.#groupEvents = new GroupEvents({
      ...{ clock, table, liveness, log, leadership: this.leadership, balancer: this.balancer },
      ...{ announcer: this.#announcer, outbox: this.#outbox, scheduler: this.#scheduler },
      guarded: (act) => this.#guarded(act),
    });
    const groups = (): Iterable<GroupHost> => this.#scheduler.groups.values();
    const recorded = (group: GroupId, term: number) => this.cluster.state.leadership.find(group, term);
    const common = { self: this.id, clock, table, groups, groupOf, wake };
    this.heldWrites = new HeldWrites(common);
    this.departure = new Departure({
      ...common,
      begun: () => {
        this.balancer.stop();
        this.readiness.draining();
      },
      endPolls: () => this.#follower.partitions.endPolls(),
    });
    this.failover = new Failover({ ...common, transport, recorded, isAlive: (id) => this.isAlive(id) });
    this.#follower = new MetadataFollower({
      ...{ ...common, log, unclaimed: this.#factory.unclaimed, parking: this.parking },
      ...{ incarnation: options.incarnation, retentionCheckMs: options.retentionCheckMs },
      state: () => this.cluster.state,
      elsewhere: (group, subject) => this.elsewhere(group, subject),
      createGroup: (id, spec, machine) => this.#createGroup(id, { ...spec, machine, persistCommit: false }),
      dropGroup: (group) => this.#dropGroup(group),
      submit: (command) => submitCommand(this, command, LIMITS.defaultTimeoutMs),
    });
    const events = allOf(this.#follower, this.leadership.watches);
    this.cluster = new ClusterHost(clock, events, parts.snapshotSpacing);
    this.peers = peersOf({
      ...{ options, clock, transport, liveness, cluster: this.cluster },
      isServing: () => this.isServing,
      unsure: () => (this.table.leaderOf(CLUSTER_GROUP) === undefined ? this.clusterElsewhere() : undefined),
    });
  }

  /** Joins: creates the groups that the disk knows. `peers.start` makes it heard. */
  start(): void {
    const { bootstrap: voters } = this.options;
    const spec = { voters, votesFrom: asLogIndex(0), machine: this.cluster, persistCommit: true };
    this.cluster.attach(this.#createGroup(CLUSTER_GROUP, spec));
    this.liveness.start();
    this.disk.space.start();
    this.#follower.retention.start();
  }

  /** HOST:PORT that other brokers are told. */
  get peerAddress(): string {
    return this.options.peerAddresses.get(this.id) ?? this.options.peerAddress;
  }

  /** Stops taking part. What was submitted to the journal is its owner's to close. */
  stop(): void {
    this.#stopped = true;
    this.readiness.draining();
    this.#end();
    this.votes.close();
  }

  /** Ends the broker's part in the cluster for good: its disk, or its identity, cannot be trusted. */
  fail(error: BellwetherError): void {
    if (this.#failed !== undefined || this.#stopped) return;
    this.#failed = error;
    this.readiness.failed(error);
    this.#end();
    this.#onFatal(error);
  }

  #end(): void {
    this.balancer.stop();
    this.#follower.retention.stop();
    this.liveness.stop();
    this.disk.space.stop();
    this.#scheduler.stop();
  }

  /** False once the broker has failed or was stopped. */
  get isServing(): boolean {
    return this.#failed === undefined && !this.#stopped;
  }

  /** Throws when the broker must not serve any more. */
  checkServing(): void {
    if (this.#failed !== undefined) throw hasFailed(this.id, this.#failed);
    if (this.#stopped) throw isStopping(this.id);
  }

  isAlive(broker: BrokerId): boolean {
    return broker === this.id || this.liveness.isUp(broker);
  }

  group(id: GroupId): GroupHost | undefined {
    return this.#scheduler.groups.get(id);
  }

  wake(group: GroupHost): void {
    this.#scheduler.wake(group);
  }

  /** Gives a message to its group; messages of unknown groups are dropped. */
  step(group: GroupId, message: Message): void {
    this.#inGroup(group, (raft, nowMs) => raft.step(nowMs, message));
  }

  #inGroup(group: GroupId, act: (raft: GroupHost['raft'], nowMs: number) => void): void {
    const host = this.group(group);
    if (host === undefined) return;
    this.#guarded(() => act(host.raft, this.clock.monotonicMs()));
    this.wake(host);
  }

  /** Takes in that `from` leads, or has stopped leading, a group. */
  leaderAnnounced(from: BrokerId, announcement: LeaderAnnouncement): void {
    if (this.cluster.state.isDeleted(announcement.group)) return;
    this.table.learn(announcement);
    if (announcement.leader === undefined) this.balancer.resigned(from, announcement.group);
    const host = announcement.leader === undefined ? this.group(announcement.group) : undefined;
    if (host === undefined) return;
    this.leadership.resigned(host, from, announcement);
    this.#inGroup(host.id, (raft, nowMs) => raft.leaderResigned(nowMs, from, announcement.term));
  }

  /** The assignment of a partition. @throws BellwetherError UNKNOWN_TOPIC_OR_PARTITION */
  assignment(topic: string, partition: number): PartitionAssignment {
    const assignment = this.cluster.state.partition(topic, partition);
    // A broker that has not heard of its cluster yet cannot say that it has no such partition.
    if (assignment === undefined && this.cluster.state.clusterId === '') throw this.clusterElsewhere();
    if (assignment === undefined) throw unknownPartition({ topic, partition });
    return assignment;
  }

  /** This broker's replica of a partition; undefined when it has none. */
  replica(group: GroupId): PartitionHost | undefined {
    return this.#follower.partitions.get(group);
  }

  /** The error for a request that belongs to another broker: NOT_LEADER with a hint, or NO_LEADER. */
  elsewhere(group: GroupId, subject: Subject): BellwetherError {
    const leader = this.table.leaderOf(group);
    if (this.cluster.state.isDeleted(group)) return unknownPartition(subject);
    if (leader === undefined || leader.leader === this.id) return noLeader(subject);
    return notLeader(this.id, subject, leader, this.cluster.state.brokers.get(leader.leader)?.address);
  }

  clusterElsewhere(): BellwetherError {
    return this.elsewhere(CLUSTER_GROUP, CLUSTER_SUBJECT);
  }

  /**
   * A broken invariant leaves a replica that nobody may trust: the broker stops. Whoever brought the
   * message is not to blame, and could only crash of it.
   */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.fail(asDefect(error));
    }
  }

  #createGroup(id: GroupId, spec: GroupSpec): GroupHost {
    const host = this.#factory.create(id, spec);
    const nowMs = this.clock.monotonicMs();
    host.raft.start(
      nowMs,
      this.peers.ids.filter((peer) => this.liveness.isUp(peer)),
    );
    this.#scheduler.add(host);
    for (const message of this.parking.take(id)) host.raft.step(nowMs, message);
    return host;
  }

  #dropGroup(group: GroupId): void {
    this.#announcer.forget(group);
    this.balancer.forget(group);
    this.leadership.timeline.forget(group);
    this.#follower.reassignment.forget(group);
    const onDisk = this.#factory.forget(group);
    if (onDisk || this.group(group) !== undefined) this.#scheduler.remove(group);
  }

  #groupAdvanced(group: GroupHost): void {
    this.leadership.timeline.groupAdvanced(group);
    this.#announcer.groupAdvanced(group);
    this.balancer.groupAdvanced(group);
    this.table.look(group.id);
    this.failover.groupAdvanced(group);
    this.#follower.reassignment.groupAdvanced(group);
    if (group.id !== CLUSTER_GROUP) return;
    this.cluster.advanced(() => this.wake(group));
    this.peers.changed();
  }

  #announce(announcement: LeaderAnnouncement): void {
    this.table.learn(announcement);
    for (const peer of this.peers.ids) {
      if (this.liveness.isUp(peer)) this.#outbox.announce(peer, [announcement]);
    }
  }
}
