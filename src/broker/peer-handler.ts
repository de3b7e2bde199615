/** What a broker does with what its peers send: the inbound side of the peer port. */

import { type ClusterCommand, decodeCommand } from '../cluster/commands.js';
import { BellwetherError } from '../errors.js';
import type { GroupOffset } from '../log/group-offset.js';
import { decodeOffsetCommit, type OffsetCommit } from '../log/offset-commit.js';
import type { Replication, ReplicationReply, TimeoutNow, VoteReply, VoteRequest } from '../raft/messages.js';
import { type BrokerId, ENTRY_KIND, type GroupId } from '../raft/types.js';
import type { Broker } from './broker.js';
import { CLUSTER_GROUP, spreads } from './cluster-host.js';
import { needsRoom } from './disk-hand-over.js';
import { committedOffsets } from './offsets.js';
import { LIMITS } from './limits.js';
import type { PartitionHost } from './partition-host.js';
import { isStopping } from './refusals.js';
import type {
  InGroup,
  LeaderAnnouncement,
  PeerEvents,
  PeerIdentity,
  SubmitRequest,
  SubmitResult,
  TransferRequest,
} from './peer-port.js';

const EMPTY = new Uint8Array(0);

export class PeerHandler implements PeerEvents {
  readonly #broker: Broker;
  readonly #refusedBy = new Set<BrokerId>();
  #waitSaidMs = -Infinity;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get identity(): PeerIdentity {
    const { id, options, cluster, peerAddress } = this.#broker;
    return {
      clusterId: cluster.state.clusterId,
      broker: id,
      incarnation: options.incarnation,
      peerAddress,
      metadataIndex: cluster.appliedIndex,
    };
  }

  admit(peer: PeerIdentity): void {
    this.#broker.checkServing();
    this.#broker.peers.admit(peer);
  }

  reaches(peer: BrokerId): boolean {
    return !this.#broker.disk.isSlow && this.#broker.liveness.reaches(peer);
  }

  dataStreamOpened(peer: BrokerId): void {
    this.#refusedBy.delete(peer);
    this.#broker.liveness.dataStream(peer, true);
  }

  dataStreamClosed(peer: BrokerId): void {
    this.#broker.liveness.dataStream(peer, false);
  }

  heartbeatStreamOpened(peer: BrokerId): void {
    this.#broker.liveness.heartbeatStream(peer, true);
  }

  heartbeatStreamClosed(peer: BrokerId): void {
    this.#broker.liveness.heartbeatStream(peer, false);
  }

  heartbeatConfirmed(peer: BrokerId, sequence: number): void {
    this.#broker.liveness.confirmed(peer, sequence);
  }

  /** One peer may be the stranger itself; when most of them refuse, it is this broker. */
  refusedByPeer(peer: BrokerId, { message, metadata }: BellwetherError): void {
    const { id, options, cluster, peers, log } = this.#broker;
    log('a peer refused this broker', { peer, reason: message });
    // It may be started before it is added; nothing of the cluster is on its disk yet.
    const isNew = options.bootstrap.length === 0 && cluster.state.clusterId === '';
    if (isNew && (metadata['refusal'] === 'UNKNOWN' || metadata['refusal'] === 'REMOVED')) {
      this.#waitToBeAdded(peer, message);
      return;
    }
    this.#refusedBy.add(peer);
    const refusing = peers.ids.filter((each) => this.#refusedBy.has(each));
    if (refusing.length * 2 > peers.ids.length) {
      const text = `most peers refuse broker ${id}: ${message}; ${this.#whatNext(metadata['refusal'])}`;
      this.#broker.fail(new BellwetherError('CLUSTER_MISMATCH', text, { metadata: { ...metadata } }));
    }
  }

  /** Links are dialled again and again; only the log must not tell of each time. */
  #waitToBeAdded(peer: BrokerId, reason: string): void {
    const { clock, log } = this.#broker;
    const next = `run ${this.#addCommand}`;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#waitSaidMs + LIMITS.waitLogMs) return;
    this.#waitSaidMs = nowMs;
    log('waiting to be added to the cluster', { peer, reason, next }, 'warn');
  }

  get #addCommand(): string {
    const { id, peerAddress } = this.#broker;
    return `"bellwether broker add ${id}=${peerAddress}"`;
  }

  #whatNext(refusal: string | undefined): string {
    switch (refusal) {
      case 'UNKNOWN':
        return `run ${this.#addCommand}, and start it with --join`;
      case 'REMOVED':
        return `to have it back, run ${this.#addCommand}, and start it with --join and an empty data folder`;
      case 'OTHER_DISK':
        return `start it with its former data folder, or, when that disk is lost, run "bellwether broker replace ${this.#broker.id}" first`;
      default:
        return 'check --peers and --data';
    }
  }

  appendsReceived(
    from: BrokerId,
    appends: readonly InGroup<Replication>[],
    announcements: readonly LeaderAnnouncement[],
  ): void {
    for (const { group, message } of appends) this.#stepOrPark(group, message);
    for (const announcement of announcements) this.#broker.leaderAnnounced(from, announcement);
  }

  caughtUp(): Promise<void> | undefined {
    return this.#broker.disk.caughtUp();
  }

  appendRepliesReceived(_from: BrokerId, replies: readonly InGroup<ReplicationReply>[]): void {
    for (const { group, message } of replies) this.#broker.step(group, message);
  }

  votesRequested(
    _from: BrokerId,
    requests: readonly InGroup<VoteRequest>[],
  ): Promise<readonly InGroup<VoteReply>[]> {
    // Nobody answers for a group that is gone; the votes of the others must not wait for it. Nor for one that is
    // still to come, which may itself need the votes of the others: group 0 creates it.
    const here = requests.filter(({ group }) => this.#isHere(group));
    const coming = requests.filter(({ group }) => !this.#isHere(group) && !this.#wasCreated(group));
    const answers = this.#broker.votes.collect(here.length > 0 ? here : coming);
    for (const { group, message } of [...here, ...coming]) this.#stepOrPark(group, message);
    return answers;
  }

  campaignsOrdered(_from: BrokerId, orders: readonly InGroup<TimeoutNow>[]): void {
    // Who orders them would wait in vain for a broker that hands over itself.
    if (this.#broker.departure.hasBegun) throw isStopping(this.#broker.id);
    const { space } = this.#broker.disk;
    const declined = space.isShort ? orders.filter(needsRoom) : [];
    for (const { group, message } of orders.filter((order) => !declined.includes(order))) {
      const host = this.#broker.group(group);
      if (host !== undefined) this.#broker.leadership.timeline.ordered(host, message);
      this.#broker.step(group, message);
    }
    // Whoever ordered the others learns that their leader stays.
    if (declined.length > 0) space.check(this.#broker.id);
  }

  transferRequested({ group, term, target, maxBlockMs }: TransferRequest): void {
    const host = this.#broker.group(group);
    if (host === undefined || host.raft.role !== 'leader' || host.raft.term !== term) {
      throw this.#notLeader(group);
    }
    this.#broker.failover.transfer(host, target, maxBlockMs);
  }

  async submitRequested(request: SubmitRequest, timeoutMs: number): Promise<SubmitResult> {
    this.#broker.checkServing();
    const { group, payload } = request;
    const checked = checkPayload(request);
    if ('kind' in checked) {
      const host = this.#broker.cluster;
      return host.append(
        { payload, spreads: spreads(checked) },
        timeoutMs,
        () => this.#broker.clusterElsewhere(),
        () => {
          this.#broker.wake(host.group);
        },
      );
    }
    const partition = this.#partition(group);
    const index = await partition.commitOffset(checked, timeoutMs, () => {
      this.#broker.wake(partition.group);
    });
    return { index, result: EMPTY };
  }

  async offsetsRequested(
    consumerGroup: string,
    groups: readonly GroupId[],
    timeoutMs: number,
  ): Promise<readonly (GroupOffset | undefined)[]> {
    this.#broker.checkServing();
    const partitions = groups.map((group) => this.#partition(group));
    return committedOffsets(this.#broker, partitions, consumerGroup, timeoutMs);
  }

  #partition(group: GroupId): PartitionHost {
    const partition = this.#broker.replica(group);
    if (partition === undefined) throw this.#notLeader(group);
    return partition;
  }

  #notLeader(group: GroupId): BellwetherError {
    const subject = this.#broker.cluster.state.assignment(group) ?? {
      topic: `group ${String(group)}`,
      partition: 0,
    };
    return this.#broker.elsewhere(group, subject);
  }

  /** A group that was never created here will be soon; one that was created is deleted. */
  #stepOrPark(group: GroupId, message: Replication | VoteRequest): void {
    if (this.#isHere(group) || this.#wasCreated(group)) this.#broker.step(group, message);
    else this.#broker.parking.park(group, message);
  }

  #isHere(group: GroupId): boolean {
    return this.#broker.group(group) !== undefined;
  }

  #wasCreated(group: GroupId): boolean {
    return group < this.#broker.cluster.state.nextGroup;
  }
}

/**
 * What is appended is applied by every replica, where a payload that makes no sense is a broken invariant:
 * it must be refused here.
 */
function checkPayload({ group, kind, payload }: SubmitRequest): ClusterCommand | OffsetCommit {
  try {
    if (group === CLUSTER_GROUP && kind === ENTRY_KIND.CLUSTER_COMMAND) return decodeCommand(payload);
    if (group === CLUSTER_GROUP || kind !== ENTRY_KIND.COMMIT_OFFSETS) {
      throw new Error(`entries of kind ${String(kind)} are not submitted to group ${String(group)}`);
    }
    return decodeOffsetCommit(payload);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new BellwetherError('INVALID_REQUEST', `payload: ${text}`, {
      metadata: { field: 'payload' },
      cause,
    });
  }
}
