/** Both streams to one peer, each on its own connection: entries on one; heartbeats and votes on the other. */

import { Metadata } from '@grpc/grpc-js';
import {
  type AppendEntriesRequest,
  type AppendEntriesResponse,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type RaftServiceClient,
  RaftServiceService,
  type Sender,
} from '../../gen/bellwether/raft/v1/raft_service.js';
import { LIMITS } from '../broker/limits.js';
import type { InGroup, LeaderAnnouncement, PeerEvents } from '../broker/peer-port.js';
import { BellwetherError } from '../errors.js';
import type { Replication } from '../raft/messages.js';
import type { BrokerId } from '../raft/types.js';
import { peerChannelOptions } from '../wire/channel-options.js';
import { encodeAppendEntries } from './append-codec.js';
import { decodeAppendReplies } from './append-reply-codec.js';
import { announcementToWire, identityOf, senderOf } from './convert-raft.js';
import { repliesFromWire, replicationToWire } from './convert-snapshot.js';
import { PeerStream } from './peer-stream.js';

/** Bytes of a group's append on the wire without its payloads, of a chunk's envelope, and so on; estimates. */
const APPEND_BYTES = 64;
const SNAPSHOT_BYTES = 512;
const ANNOUNCEMENT_BYTES = 160;
const HEARTBEAT_BYTES = 32;

export class PeerLink {
  readonly #peer: BrokerId;
  readonly #events: PeerEvents;
  #addresses: readonly string[];
  readonly #data: PeerStream<AppendEntriesRequest, AppendEntriesResponse>;
  readonly #heartbeats: PeerStream<HeartbeatRequest, HeartbeatResponse>;

  constructor(peer: BrokerId, addresses: readonly string[], events: PeerEvents) {
    this.#peer = peer;
    this.#events = events;
    this.#addresses = addresses;
    const onRefused = (error: BellwetherError): void => {
      if (error.reason !== 'CLUSTER_MISMATCH') return;
      // Another broker may be at an address that the peer has left: that is no word of the peer.
      const wrongDoor = error.metadata['meant'] !== undefined && this.#addresses.length > 1;
      if (!wrongDoor) events.refusedByPeer(peer, error);
    };
    this.#data = new PeerStream<AppendEntriesRequest, AppendEntriesResponse>({
      addresses,
      channelOptions: peerChannelOptions('raft'),
      bufferBytesMax: LIMITS.peerBufferBytesMax,
      open: (client) => {
        const { path } = RaftServiceService.appendEntries;
        return client.makeBidiStreamRequest(path, encodeAppendEntries, decodeAppendReplies, new Metadata());
      },
      hello: () => ({ sender: this.#sender, appends: [], announcements: [], snapshots: [] }),
      admits: ({ sender }) => this.#isPeer(sender),
      onOpened: () => {
        events.dataStreamOpened(peer);
      },
      onMessage: (response) => {
        this.#takeReplies(response);
      },
      onClosed: () => {
        events.dataStreamClosed(peer);
      },
      onRefused,
    });
    this.#heartbeats = new PeerStream<HeartbeatRequest, HeartbeatResponse>({
      addresses,
      channelOptions: peerChannelOptions('heartbeat'),
      bufferBytesMax: LIMITS.peerBufferBytesMax,
      open: (client) => client.heartbeat(),
      hello: () => ({ sender: this.#sender, sequence: 0 }),
      admits: ({ sender }) => this.#isPeer(sender),
      onOpened: () => {
        events.heartbeatStreamOpened(peer);
      },
      onMessage: ({ confirmedSequence }) => {
        events.heartbeatConfirmed(peer, confirmedSequence);
      },
      onClosed: () => {
        events.heartbeatStreamClosed(peer);
      },
      onRefused,
    });
  }

  /** Where the peer may be reached. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  start(): void {
    this.#data.start();
    this.#heartbeats.start();
  }

  /** Where the peer may be from now on; open streams stay. */
  setAddresses(addresses: readonly string[]): void {
    this.#addresses = addresses;
    this.#data.setAddresses(addresses);
    this.#heartbeats.setAddresses(addresses);
  }

  /** The peer was heard: whatever waits before dialling again need not. */
  kick(): void {
    this.#data.kick();
    this.#heartbeats.kick();
  }

  close(): void {
    this.#data.close();
    this.#heartbeats.close();
  }

  sendAppends(appends: readonly InGroup<Replication>[], announcements: readonly LeaderAnnouncement[]): void {
    let sizeBytes = announcements.length * ANNOUNCEMENT_BYTES;
    for (const { message } of appends) sizeBytes += wireBytes(message);
    this.#data.send(
      {
        sender: undefined,
        ...replicationToWire(appends),
        announcements: announcements.map(announcementToWire),
      },
      sizeBytes,
    );
  }

  sendHeartbeat(sequence: number): void {
    this.#heartbeats.send({ sender: undefined, sequence }, HEARTBEAT_BYTES);
  }

  /** For unary calls. @throws BellwetherError CONNECTION_FAILED while the link is down. */
  get client(): RaftServiceClient {
    const { client } = this.#heartbeats;
    if (client !== undefined) return client;
    throw notConnected(this.#peer);
  }

  get #sender(): AppendEntriesRequest['sender'] {
    return senderOf(this.#events.identity, this.#peer);
  }

  #takeReplies(response: AppendEntriesResponse): void {
    const self = this.#events.identity.broker;
    this.#events.appendRepliesReceived(this.#peer, repliesFromWire(this.#peer, self, response));
  }

  /** Another broker, or an earlier disk of the peer, may be at an address that is out of date (I21). */
  #isPeer(sender: Sender | undefined): boolean {
    try {
      const identity = identityOf(sender, this.#events.identity.broker);
      if (identity.broker !== this.#peer) return false;
      this.#events.admit(identity);
      return true;
    } catch (error) {
      if (!(error instanceof BellwetherError)) throw error;
      return false;
    }
  }
}

export function notConnected(peer: BrokerId): BellwetherError {
  return new BellwetherError('CONNECTION_FAILED', `broker ${peer} is not connected`, {
    metadata: { broker: peer },
  });
}

function wireBytes(message: Replication): number {
  if (message.kind === 'installSnapshot') return SNAPSHOT_BYTES + message.chunk.length;
  return message.entries.reduce((sum, entry) => sum + APPEND_BYTES + entry.payload.length, APPEND_BYTES);
}
