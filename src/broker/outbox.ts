/** Gathers what all groups want to send in one pass, so that each peer gets few messages. */

import { unreachable } from '../invariant.js';
import type { Message, Replication, ReplicationReply, TimeoutNow, VoteRequest } from '../raft/messages.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import { LIMITS } from './limits.js';
import type { InGroup, LeaderAnnouncement, PeerTransport } from './peer-port.js';
import type { VoteExchange } from './vote-exchange.js';

interface Bundle {
  appends: InGroup<Replication>[];
  appendBytes: number;
  announcements: LeaderAnnouncement[];
  replies: InGroup<ReplicationReply>[];
  votes: InGroup<VoteRequest>[];
  campaigns: InGroup<TimeoutNow>[];
}

export interface OutboxEvents {
  /** Asks for votes and takes the answers in. */
  requestVotes(to: BrokerId, requests: readonly InGroup<VoteRequest>[]): void;
  orderCampaigns(to: BrokerId, orders: readonly InGroup<TimeoutNow>[]): void;
}

export class Outbox {
  readonly #transport: PeerTransport;
  readonly #votes: VoteExchange;
  readonly #events: OutboxEvents;
  readonly #bundles = new Map<BrokerId, Bundle>();

  constructor(transport: PeerTransport, votes: VoteExchange, events: OutboxEvents) {
    this.#transport = transport;
    this.#votes = votes;
    this.#events = events;
  }

  add(group: GroupId, message: Message): void {
    switch (message.kind) {
      case 'append':
      case 'installSnapshot':
        this.#addAppend(group, message);
        break;
      case 'appendReply':
      case 'snapshotReply':
        this.#bundle(message.to).replies.push({ group, message });
        break;
      case 'voteRequest':
        this.#bundle(message.to).votes.push({ group, message });
        break;
      case 'voteReply':
        this.#votes.answer({ group, message });
        break;
      case 'timeoutNow':
        this.#bundle(message.to).campaigns.push({ group, message });
        break;
      default:
        unreachable(message);
    }
  }

  announce(to: BrokerId, announcements: readonly LeaderAnnouncement[]): void {
    this.#bundle(to).announcements.push(...announcements);
  }

  /** Sends everything gathered. */
  flush(): void {
    for (const [peer, bundle] of this.#bundles) {
      if (bundle.replies.length > 0) this.#transport.sendAppendReplies(peer, bundle.replies);
      this.#flushAppends(peer, bundle);
      for (const votes of slices(bundle.votes)) this.#events.requestVotes(peer, votes);
      for (const campaigns of slices(bundle.campaigns)) this.#events.orderCampaigns(peer, campaigns);
    }
    this.#bundles.clear();
  }

  #addAppend(group: GroupId, message: Replication): void {
    const bundle = this.#bundle(message.to);
    const bytes = payloadBytes(message);
    if (bundle.appendBytes + bytes > LIMITS.peerMessageBytesMax) this.#flushAppends(message.to, bundle);
    bundle.appends.push({ group, message });
    bundle.appendBytes += bytes;
  }

  #flushAppends(peer: BrokerId, bundle: Bundle): void {
    if (bundle.appends.length === 0 && bundle.announcements.length === 0) return;
    this.#transport.sendAppends(peer, bundle.appends, bundle.announcements);
    bundle.appends = [];
    bundle.appendBytes = 0;
    bundle.announcements = [];
  }

  #bundle(peer: BrokerId): Bundle {
    let bundle = this.#bundles.get(peer);
    if (bundle === undefined) {
      bundle = { appends: [], appendBytes: 0, announcements: [], replies: [], votes: [], campaigns: [] };
      this.#bundles.set(peer, bundle);
    }
    return bundle;
  }
}

function payloadBytes(message: Replication): number {
  if (message.kind === 'installSnapshot') return message.chunk.length;
  return message.entries.reduce((sum, entry) => sum + entry.payload.length, 0);
}

function* slices<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += LIMITS.peerMessageGroupsMax) {
    yield items.slice(at, at + LIMITS.peerMessageGroupsMax);
  }
}
