/** The peer listener's side of bellwether.raft.v1: checks who speaks, converts, and hands over. */

import {
  type AppendEntriesRequest,
  type AppendEntriesResponse,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type RaftServiceServer,
  RaftServiceService,
  type Sender,
} from '../../gen/bellwether/raft/v1/raft_service.js';
import type { InGroup, PeerEvents } from '../broker/peer-port.js';
import { LIMITS } from '../broker/limits.js';
import { BellwetherError } from '../errors.js';
import type { ReplicationReply } from '../raft/messages.js';
import { asGroupId, asTerm, type BrokerId } from '../raft/types.js';
import { adaptBidi, type BidiStream } from './adapt-bidi.js';
import { adaptUnary, type OnDefect, type ServiceHandlers } from './adapt.js';
import { decodeAppendEntries } from './append-codec.js';
import { encodeAppendReplies } from './append-reply-codec.js';
import { callTimeoutMs } from './call-timeout.js';
import {
  announcementFromWire,
  entryKindOf,
  identityOf,
  senderOf,
  timeoutNowFromWire,
  voteReplyToWire,
  voteRequestFromWire,
} from './convert-raft.js';
import { repliesToWire, replicationFromWire } from './convert-snapshot.js';

/** Bytes that a heartbeat, or a greeting, may take in the send buffer; an estimate for its bound. */
const SMALL_MESSAGE_BYTES = 256;
/** Bytes of one group's reply on the wire, at most. */
const REPLY_BYTES = 64;

/** The generated service, with codecs of our own for what each record takes. */
export const RAFT_SERVICE = {
  ...RaftServiceService,
  appendEntries: {
    ...RaftServiceService.appendEntries,
    requestDeserialize: decodeAppendEntries,
    responseSerialize: encodeAppendReplies,
  },
};

type AppendStream = BidiStream<AppendEntriesRequest, AppendEntriesResponse>;
type HeartbeatStream = BidiStream<HeartbeatRequest, HeartbeatResponse>;

interface Closable {
  close(error?: BellwetherError): void;
}

export interface PeerServiceOptions {
  readonly events: PeerEvents;
  readonly onDefect: OnDefect;
  /** A peer was heard: if it could not be reached, now is the time to try again. */
  readonly onHeard: (peer: BrokerId) => void;
}

export class PeerService {
  readonly #options: PeerServiceOptions;
  /** The stream on which each peer's entries arrive, and its replies leave. */
  readonly #appendStreams = new Map<BrokerId, AppendStream>();
  /** All open streams, and who has introduced itself on each. */
  readonly #streams = new Map<Closable, BrokerId | undefined>();

  constructor(options: PeerServiceOptions) {
    this.#options = options;
  }

  get handlers(): ServiceHandlers<RaftServiceServer> {
    const { events, onDefect } = this.#options;
    const unary = { onDefect };
    const bidi = { onDefect, sendBufferBytesMax: LIMITS.peerBufferBytesMax };
    const self = events.identity.broker;
    return {
      requestVote: adaptUnary(async ({ sender, votes }) => {
        const from = this.#admit(sender);
        const requests = votes.map((vote) => voteRequestFromWire(from, self, vote));
        const replies = await events.votesRequested(from, requests);
        return { votes: replies.map(voteReplyToWire) };
      }, unary),
      appendEntries: adaptBidi((stream: AppendStream) => {
        this.#serveAppends(stream);
      }, bidi),
      timeoutNow: adaptUnary(({ sender, groups }) => {
        const from = this.#admit(sender);
        events.campaignsOrdered(
          from,
          groups.map((order) => timeoutNowFromWire(from, self, order)),
        );
        return Promise.resolve({});
      }, unary),
      transferLeadership: adaptUnary(({ sender, groupId, term, target, maxBlockMs }) => {
        this.#admit(sender);
        events.transferRequested({ group: asGroupId(groupId), term: asTerm(term), target, maxBlockMs });
        return Promise.resolve({});
      }, unary),
      submit: adaptUnary(async ({ sender, groupId, kind, payload }, context) => {
        this.#admit(sender);
        const request = { group: asGroupId(groupId), kind: entryKindOf(kind), payload };
        return events.submitRequested(request, callTimeoutMs(context));
      }, unary),
      readOffsets: adaptUnary(async ({ sender, consumerGroup, groupIds }, context) => {
        this.#admit(sender);
        const groups = groupIds.map(asGroupId);
        const offsets = await events.offsetsRequested(consumerGroup, groups, callTimeoutMs(context));
        return {
          offsets: groupIds.map((groupId, i) => ({ groupId, committedAtMs: 0, ...offsets[i] })),
        };
      }, unary),
      heartbeat: adaptBidi((stream: HeartbeatStream) => {
        this.#serveHeartbeats(stream);
      }, bidi),
    };
  }

  /** Sends replies on the stream that the peer opened; without one they are lost, as on a cut link. */
  sendAppendReplies(to: BrokerId, replies: readonly InGroup<ReplicationReply>[]): void {
    this.#appendStreams.get(to)?.send(repliesToWire(replies), replies.length * REPLY_BYTES);
  }

  /** Ends every stream: they do not end by themselves. */
  close(): void {
    for (const stream of [...this.#streams.keys()]) stream.close();
  }

  /** Ends every stream that a peer has opened: nothing that it still sends on them arrives (I21). */
  endStreams(peer: BrokerId): void {
    const ended = new BellwetherError('CONNECTION_LOST', `broker ${peer} was disconnected`, {
      metadata: { broker: peer },
    });
    for (const [stream, from] of [...this.#streams]) if (from === peer) stream.close(ended);
  }

  #admit(sender: Sender | undefined): BrokerId {
    const { events, onHeard } = this.#options;
    const peer = identityOf(sender, events.identity.broker);
    events.admit(peer);
    onHeard(peer.broker);
    return peer.broker;
  }

  #serveAppends(stream: AppendStream): void {
    const { events } = this.#options;
    const self = events.identity.broker;
    let from: BrokerId | undefined;
    this.#track(stream, () => {
      if (from !== undefined && this.#appendStreams.get(from) === stream) this.#appendStreams.delete(from);
    });
    stream.onMessage(({ sender, announcements, ...replication }) => {
      if (from === undefined) {
        from = this.#admit(sender);
        this.#streams.set(stream, from);
        this.#appendStreams.get(from)?.close(superseded());
        this.#appendStreams.set(from, stream);
        // The greeting tells the peer that it was admitted.
        stream.send({ ...repliesToWire([]), sender: senderOf(events.identity, from) }, SMALL_MESSAGE_BYTES);
      }
      const peer = from;
      events.appendsReceived(
        peer,
        replicationFromWire(peer, self, replication),
        announcements.map(announcementFromWire),
      );
      const caughtUp = events.caughtUp();
      if (caughtUp === undefined) return;
      stream.pause();
      void caughtUp.then(() => {
        stream.resume();
      });
    });
  }

  /** Confirms each heartbeat of a peer that is reached too; the first one introduces the peer. */
  #serveHeartbeats(stream: HeartbeatStream): void {
    const { events } = this.#options;
    let from: BrokerId | undefined;
    this.#track(stream, () => undefined);
    stream.onMessage(({ sender, sequence }) => {
      const first = from === undefined;
      if (from === undefined) {
        from = this.#admit(sender);
        this.#streams.set(stream, from);
      }
      const introduction = first ? senderOf(events.identity, from) : undefined;
      const confirmedSequence = events.reaches(from) ? sequence : 0;
      stream.send({ sender: introduction, confirmedSequence }, SMALL_MESSAGE_BYTES);
    });
  }

  #track(stream: Closable & { onClosed(listener: () => void): void }, closed: () => void): void {
    this.#streams.set(stream, undefined);
    stream.onClosed(() => {
      this.#streams.delete(stream);
      closed();
      stream.close();
    });
  }
}

function superseded(): BellwetherError {
  return new BellwetherError('CONNECTION_LOST', 'the peer opened a newer stream');
}
