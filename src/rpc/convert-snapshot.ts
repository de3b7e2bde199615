/**
 * What a leader sends to have its log copied, and the answers, to and from their wire form: appends and
 * chunks of snapshots travel side by side in the same messages. Chunks are views of the message they came in.
 */

import type * as wire from '../../gen/bellwether/raft/v1/raft_service.js';
import type { InGroup } from '../broker/peer-port.js';
import { LIMITS } from '../broker/limits.js';
import type { Membership } from '../raft/membership.js';
import type {
  Append,
  AppendReply,
  InstallSnapshot,
  Replication,
  ReplicationReply,
  SnapshotReply,
} from '../raft/messages.js';
import { type BrokerId } from '../raft/types.js';
import { appendFromWire, appendReplyFromWire, appendReplyToWire, appendToWire } from './convert-raft.js';
import { invalid, listField, nameField, termField, indexField, groupField } from './fields.js';

type WireReplication = Pick<wire.AppendEntriesRequest, 'appends' | 'snapshots'>;

export function replicationToWire(messages: readonly InGroup<Replication>[]): WireReplication {
  return {
    appends: messages.filter(isAppend).map(appendToWire),
    snapshots: messages.filter(isSnapshot).map(snapshotToWire),
  };
}

/** @throws BellwetherError INVALID_REQUEST for what no broker of this version sends. */
export function replicationFromWire(
  from: BrokerId,
  to: BrokerId,
  { appends, snapshots }: WireReplication,
): InGroup<Replication>[] {
  return [
    ...appends.map((append) => appendFromWire(from, to, append)),
    ...snapshots.map((snapshot) => snapshotFromWire(from, to, snapshot)),
  ];
}

export function repliesToWire(replies: readonly InGroup<ReplicationReply>[]): wire.AppendEntriesResponse {
  return {
    sender: undefined,
    replies: replies.filter(isAppendReply).map(appendReplyToWire),
    snapshotReplies: replies.filter(isSnapshotReply).map(snapshotReplyToWire),
  };
}

export function repliesFromWire(
  from: BrokerId,
  to: BrokerId,
  { replies, snapshotReplies }: wire.AppendEntriesResponse,
): InGroup<ReplicationReply>[] {
  return [
    ...replies.map((reply) => appendReplyFromWire(from, to, reply)),
    ...snapshotReplies.map((reply) => snapshotReplyFromWire(from, to, reply)),
  ];
}

function snapshotToWire({ group, message }: InGroup<InstallSnapshot>): wire.GroupSnapshot {
  const { term, snapshotIndex, snapshotTerm, checksum, membership, totalBytes, offset, chunk } = message;
  const voters = [...membership.voters];
  const learners = [...membership.learners];
  const of = { groupId: group, term, snapshotIndex, snapshotTerm, checksum };
  return { ...of, voters, learners, totalBytes, offset, chunk };
}

function snapshotFromWire(
  from: BrokerId,
  to: BrokerId,
  snapshot: wire.GroupSnapshot,
): InGroup<InstallSnapshot> {
  const { totalBytes, offset, chunk } = snapshot;
  if (chunk.length > LIMITS.snapshotChunkBytesMax) {
    throw invalid('chunk', `must have at most ${String(LIMITS.snapshotChunkBytesMax)} bytes`, chunk.length);
  }
  if (!isCount(totalBytes)) throw invalid('total_bytes', 'must be a number of bytes', totalBytes);
  if (!isCount(offset) || offset + chunk.length > totalBytes) {
    throw invalid('offset', 'the chunk must lie inside the snapshot', offset);
  }
  return {
    group: groupField(snapshot.groupId),
    message: {
      kind: 'installSnapshot',
      from,
      to,
      ...identityOfSnapshot(snapshot),
      membership: membershipFromWire(snapshot),
      totalBytes,
      offset,
      chunk,
    },
  };
}

function snapshotReplyToWire({ group, message }: InGroup<SnapshotReply>): wire.GroupSnapshotReply {
  const { term, snapshotIndex, snapshotTerm, checksum, receivedBytes, installed } = message;
  return { groupId: group, term, snapshotIndex, snapshotTerm, checksum, receivedBytes, installed };
}

function snapshotReplyFromWire(
  from: BrokerId,
  to: BrokerId,
  reply: wire.GroupSnapshotReply,
): InGroup<SnapshotReply> {
  const { receivedBytes, installed } = reply;
  if (!isCount(receivedBytes)) throw invalid('received_bytes', 'must be a number of bytes', receivedBytes);
  const of = identityOfSnapshot(reply);
  return {
    group: groupField(reply.groupId),
    message: { kind: 'snapshotReply', from, to, ...of, receivedBytes, installed },
  };
}

function identityOfSnapshot(snapshot: wire.GroupSnapshot | wire.GroupSnapshotReply) {
  return {
    term: termField(snapshot.term),
    snapshotIndex: indexField(snapshot.snapshotIndex),
    snapshotTerm: termField(snapshot.snapshotTerm),
    checksum: snapshot.checksum,
  };
}

function membershipFromWire({ voters, learners }: wire.GroupSnapshot): Membership {
  const all = [...voters, ...learners];
  listField('voters', all, 0, LIMITS.groupMembersMax);
  for (const name of all) nameField('voters', name);
  if (new Set(all).size !== all.length) throw invalid('voters', 'must name every member once');
  return { voters, learners };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isAppend(of: InGroup<Replication>): of is InGroup<Append> {
  return of.message.kind === 'append';
}

function isSnapshot(of: InGroup<Replication>): of is InGroup<InstallSnapshot> {
  return of.message.kind === 'installSnapshot';
}

function isAppendReply(of: InGroup<ReplicationReply>): of is InGroup<AppendReply> {
  return of.message.kind === 'appendReply';
}

function isSnapshotReply(of: InGroup<ReplicationReply>): of is InGroup<SnapshotReply> {
  return of.message.kind === 'snapshotReply';
}
