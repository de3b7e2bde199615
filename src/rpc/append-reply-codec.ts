/**
 * A follower's answers to appends, which are one for each record and follower: encoded straight into a Buffer of their
 * size, decoded without BigInt (wire/proto-reader.ts). All other answers are left to ts-proto.
 *
 * The same messages as ts-proto's both ways; property tests hold that.
 */

import { AppendEntriesResponse, type GroupAppendReply } from '../../gen/bellwether/raft/v1/raft_service.js';
import { invariant } from '../invariant.js';
import { ProtoReader } from '../wire/proto-reader.js';
import { asBuffer, numberFieldSize, varintSize, writeNumberField, writeVarint } from '../wire/protobuf.js';

/** First bytes of the fields: number << 3 | wire type (raft_service.proto). */
const REPLIES_TAG = 0x0a;
const TAG = {
  GROUP_ID: 0x08,
  TERM: 0x10,
  ACCEPTED: 0x18,
  MATCH_INDEX: 0x20,
  COMMIT_INDEX: 0x28,
  HINT_INDEX: 0x30,
  HINT_TERM: 0x38,
  READ_ROUND: 0x40,
} as const;

export function encodeAppendReplies(response: AppendEntriesResponse): Buffer {
  const { sender, replies, snapshotReplies } = response;
  if (sender !== undefined || snapshotReplies.length > 0) {
    return asBuffer(AppendEntriesResponse.encode(response).finish());
  }
  let size = 0;
  for (const reply of replies) {
    const bytes = replySize(reply);
    size += 1 + varintSize(bytes) + bytes;
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const reply of replies) {
    bytes[at] = REPLIES_TAG;
    at = writeReply(bytes, writeVarint(bytes, at + 1, replySize(reply)), reply);
  }
  invariant(at === size, 'answers have the size that was computed', { at, size });
  return bytes;
}

function replySize(reply: GroupAppendReply): number {
  return (
    numberFieldSize(reply.groupId) +
    numberFieldSize(reply.term) +
    numberFieldSize(Number(reply.accepted)) +
    numberFieldSize(reply.matchIndex) +
    numberFieldSize(reply.commitIndex) +
    numberFieldSize(reply.hintIndex) +
    numberFieldSize(reply.hintTerm) +
    numberFieldSize(reply.readRound)
  );
}

function writeReply(bytes: Uint8Array, start: number, reply: GroupAppendReply): number {
  let at = writeNumberField(bytes, start, TAG.GROUP_ID, reply.groupId);
  at = writeNumberField(bytes, at, TAG.TERM, reply.term);
  at = writeNumberField(bytes, at, TAG.ACCEPTED, Number(reply.accepted));
  at = writeNumberField(bytes, at, TAG.MATCH_INDEX, reply.matchIndex);
  at = writeNumberField(bytes, at, TAG.COMMIT_INDEX, reply.commitIndex);
  at = writeNumberField(bytes, at, TAG.HINT_INDEX, reply.hintIndex);
  at = writeNumberField(bytes, at, TAG.HINT_TERM, reply.hintTerm);
  return writeNumberField(bytes, at, TAG.READ_ROUND, reply.readRound);
}

/** @throws what the generated decoder throws for bytes that are no such message */
export function decodeAppendReplies(bytes: Uint8Array): AppendEntriesResponse {
  const reader = new ProtoReader(bytes);
  const end = bytes.length;
  const replies: GroupAppendReply[] = [];
  while (reader.isBefore(end)) {
    if (reader.number() === REPLIES_TAG) replies.push(readReply(reader, reader.endOfPart(end)));
    else reader.giveUp();
  }
  if (reader.hasGivenUp) return AppendEntriesResponse.decode(bytes);
  return { replies, snapshotReplies: [], sender: undefined };
}

function readReply(reader: ProtoReader, end: number): GroupAppendReply {
  const reply: GroupAppendReply = {
    groupId: 0,
    term: 0,
    accepted: false,
    matchIndex: 0,
    commitIndex: 0,
    hintIndex: 0,
    hintTerm: 0,
    readRound: 0,
  };
  while (reader.isBefore(end)) {
    const tag = reader.number();
    if (tag === TAG.GROUP_ID) reply.groupId = reader.number();
    else if (tag === TAG.TERM) reply.term = reader.int32();
    else if (tag === TAG.ACCEPTED) reply.accepted = reader.number() !== 0;
    else if (tag === TAG.MATCH_INDEX) reply.matchIndex = reader.number();
    else if (tag === TAG.COMMIT_INDEX) reply.commitIndex = reader.number();
    else if (tag === TAG.HINT_INDEX) reply.hintIndex = reader.number();
    else if (tag === TAG.HINT_TERM) reply.hintTerm = reader.int32();
    else if (tag === TAG.READ_ROUND) reply.readRound = reader.number();
    else reader.giveUp();
  }
  reader.close(end);
  return reply;
}
