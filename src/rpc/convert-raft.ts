/** Raft messages to and from their wire form. Payloads are views of the message they came in. */

import type * as wire from '../../gen/bellwether/raft/v1/raft_service.js';
import type { InGroup, LeaderAnnouncement, PeerIdentity } from '../broker/peer-port.js';
import { BellwetherError } from '../errors.js';
import type { Append, AppendReply, TimeoutNow, VoteReply, VoteRequest } from '../raft/messages.js';
import { type BrokerId, type Entry, ENTRY_KIND, type EntryKind } from '../raft/types.js';
import {
  causeToWire,
  microsecondsOf,
  millisecondsField,
  reportFromWire,
  reportToWire,
  resignationFromWire,
  resignationToWire,
  transferCauseFromWire,
} from './convert-leadership.js';
import { groupField, indexField, termField } from './fields.js';

const KINDS: ReadonlySet<number> = new Set(Object.values(ENTRY_KIND));

/** @throws BellwetherError INVALID_REQUEST for a kind of a later version. */
export function entryKindOf(kind: number): EntryKind {
  if (!KINDS.has(kind)) {
    throw new BellwetherError('INVALID_REQUEST', `kind: ${String(kind)} is no entry kind`, {
      metadata: { field: 'kind' },
    });
  }
  return kind as EntryKind;
}

export function identityOf(sender: wire.Sender | undefined, recipient: BrokerId): PeerIdentity {
  if (sender === undefined) {
    throw new BellwetherError('INVALID_REQUEST', 'sender: must be set', { metadata: { field: 'sender' } });
  }
  if (sender.recipientId !== recipient) {
    throw new BellwetherError(
      'CLUSTER_MISMATCH',
      `broker ${sender.brokerId} meant to reach ${sender.recipientId}; this is ${recipient}`,
      { metadata: { broker: recipient, meant: sender.recipientId } },
    );
  }
  const { clusterId, brokerId, incarnation, peerAddress, metadataIndex } = sender;
  return { clusterId, broker: brokerId, incarnation, peerAddress, metadataIndex };
}

export function senderOf(identity: PeerIdentity, recipientId: BrokerId): wire.Sender {
  return {
    clusterId: identity.clusterId,
    brokerId: identity.broker,
    incarnation: identity.incarnation,
    recipientId,
    peerAddress: identity.peerAddress,
    metadataIndex: identity.metadataIndex,
  };
}

export function appendToWire({ group, message }: InGroup<Append>): wire.GroupAppend {
  return {
    groupId: group,
    term: message.term,
    prevLogIndex: message.prevLogIndex,
    prevLogTerm: message.prevLogTerm,
    leaderCommit: message.leaderCommit,
    entries: message.entries.map(({ term, kind, payload }) => ({ term, kind, payload })),
    readRound: message.readRound,
  };
}

export function appendFromWire(from: BrokerId, to: BrokerId, append: wire.GroupAppend): InGroup<Append> {
  const prevLogIndex = indexField(append.prevLogIndex);
  const entries = append.entries.map((entry, i): Entry => ({
    index: indexField(prevLogIndex + 1 + i),
    term: termField(entry.term),
    kind: entryKindOf(entry.kind),
    payload: entry.payload,
  }));
  return {
    group: groupField(append.groupId),
    message: {
      kind: 'append',
      from,
      to,
      term: termField(append.term),
      prevLogIndex,
      prevLogTerm: termField(append.prevLogTerm),
      leaderCommit: indexField(append.leaderCommit),
      entries,
      readRound: append.readRound,
    },
  };
}

export function appendReplyToWire({ group, message }: InGroup<AppendReply>): wire.GroupAppendReply {
  const { term, readRound } = message;
  return message.accepted
    ? {
        groupId: group,
        term,
        accepted: true,
        readRound,
        matchIndex: message.matchIndex,
        commitIndex: message.commitIndex,
        hintIndex: 0,
        hintTerm: 0,
      }
    : {
        groupId: group,
        term,
        accepted: false,
        readRound,
        matchIndex: message.rejectedIndex,
        commitIndex: 0,
        hintIndex: message.hintIndex,
        hintTerm: message.hintTerm,
      };
}

export function appendReplyFromWire(
  from: BrokerId,
  to: BrokerId,
  reply: wire.GroupAppendReply,
): InGroup<AppendReply> {
  const group = groupField(reply.groupId);
  const { readRound } = reply;
  const common = { kind: 'appendReply', from, to, term: termField(reply.term), readRound } as const;
  const index = indexField(reply.matchIndex);
  return reply.accepted
    ? {
        group,
        message: { ...common, accepted: true, matchIndex: index, commitIndex: indexField(reply.commitIndex) },
      }
    : {
        group,
        message: {
          ...common,
          accepted: false,
          rejectedIndex: index,
          hintIndex: indexField(reply.hintIndex),
          hintTerm: termField(reply.hintTerm),
        },
      };
}

export function voteRequestToWire({ group, message }: InGroup<VoteRequest>): wire.VoteRequest {
  return {
    groupId: group,
    term: message.term,
    lastLogIndex: message.lastLogIndex,
    lastLogTerm: message.lastLogTerm,
    preVote: message.preVote,
    leadershipTransfer: message.leadershipTransfer,
    commitIndex: message.commitIndex,
    commitTerm: message.commitTerm,
  };
}

export function voteRequestFromWire(
  from: BrokerId,
  to: BrokerId,
  request: wire.VoteRequest,
): InGroup<VoteRequest> {
  return {
    group: groupField(request.groupId),
    message: {
      kind: 'voteRequest',
      from,
      to,
      term: termField(request.term),
      preVote: request.preVote,
      leadershipTransfer: request.leadershipTransfer,
      lastLogIndex: indexField(request.lastLogIndex),
      lastLogTerm: termField(request.lastLogTerm),
      commitIndex: indexField(request.commitIndex),
      commitTerm: termField(request.commitTerm),
    },
  };
}

export function voteReplyToWire({ group, message }: InGroup<VoteReply>): wire.VoteReply {
  return {
    groupId: group,
    term: message.term,
    requestedTerm: message.requestedTerm,
    granted: message.granted,
    preVote: message.preVote,
    commitIndex: message.commitIndex,
    commitTerm: message.commitTerm,
  };
}

export function voteReplyFromWire(from: BrokerId, to: BrokerId, reply: wire.VoteReply): InGroup<VoteReply> {
  return {
    group: groupField(reply.groupId),
    message: {
      kind: 'voteReply',
      from,
      to,
      term: termField(reply.term),
      preVote: reply.preVote,
      requestedTerm: termField(reply.requestedTerm),
      granted: reply.granted,
      commitIndex: indexField(reply.commitIndex),
      commitTerm: termField(reply.commitTerm),
    },
  };
}

export function timeoutNowToWire({ group, message }: InGroup<TimeoutNow>): wire.TimeoutNow {
  return {
    groupId: group,
    term: message.term,
    cause: causeToWire(message.cause),
    blockedUs: microsecondsOf(message.blockedMs),
  };
}

export function timeoutNowFromWire(
  from: BrokerId,
  to: BrokerId,
  order: wire.TimeoutNow,
): InGroup<TimeoutNow> {
  return {
    group: groupField(order.groupId),
    message: {
      kind: 'timeoutNow',
      from,
      to,
      term: termField(order.term),
      cause: transferCauseFromWire(order.cause),
      blockedMs: millisecondsField('blocked_us', order.blockedUs),
    },
  };
}

export function announcementToWire(announcement: LeaderAnnouncement): wire.LeaderAnnouncement {
  return {
    groupId: announcement.group,
    term: announcement.term,
    leader: announcement.leader ?? '',
    inSyncReplicas: [...announcement.inSyncReplicas],
    leaderSinceMs: announcement.leaderSinceMs,
    report: announcement.report && reportToWire(announcement.report),
    resigned: resignationToWire(announcement.resigned),
  };
}

export function announcementFromWire(announcement: wire.LeaderAnnouncement): LeaderAnnouncement {
  const { leader, report } = announcement;
  const group = groupField(announcement.groupId);
  const term = termField(announcement.term);
  return {
    group,
    term,
    leader: leader === '' ? undefined : leader,
    inSyncReplicas: announcement.inSyncReplicas,
    leaderSinceMs: announcement.leaderSinceMs,
    report: report && reportFromWire({ group, term, leader }, report),
    resigned: resignationFromWire(announcement.resigned),
  };
}
