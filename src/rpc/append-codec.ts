/**
 * What a leader sends to a follower, as every record passes here once for each follower. Encoded with one copy of each
 * payload: ts-proto copies them four times, into a buffer that doubles, into the message around, out of it, and into a
 * Buffer. Decoded without ts-proto's detour of each index through BigInt (wire/proto-reader.ts).
 *
 * The same messages as ts-proto's both ways; property tests hold that.
 */

import {
  AppendEntriesRequest,
  type Entry,
  type GroupAppend,
} from '../../gen/bellwether/raft/v1/raft_service.js';
import { invariant } from '../invariant.js';
import { ProtoReader } from '../wire/proto-reader.js';
import { numberFieldSize, varintSize, writeNumberField, writeVarint } from '../wire/protobuf.js';

/** First bytes of the fields: number << 3 | wire type (raft_service.proto). */
const APPENDS_TAG = 0x12;
const APPEND_TAG = {
  GROUP_ID: 0x08,
  TERM: 0x10,
  PREV_LOG_INDEX: 0x18,
  PREV_LOG_TERM: 0x20,
  LEADER_COMMIT: 0x28,
  ENTRIES: 0x32,
  READ_ROUND: 0x38,
} as const;
const ENTRY_TAG = { TERM: 0x08, KIND: 0x10, PAYLOAD: 0x1a } as const;

const NOTHING = new Uint8Array(0);

export function encodeAppendEntries(request: AppendEntriesRequest): Buffer {
  const others = encodeOthers(request);
  const sizes = request.appends.map(appendSize);
  let size = others.length;
  for (const appendBytes of sizes) size += 1 + varintSize(appendBytes) + appendBytes;
  const bytes = Buffer.allocUnsafe(size);
  bytes.set(others);
  let at = others.length;
  request.appends.forEach((append, i) => {
    bytes[at] = APPENDS_TAG;
    at = writeVarint(bytes, at + 1, sizes[i] ?? 0);
    at = writeAppend(bytes, at, append);
  });
  invariant(at === size, 'an append has the size that was computed', { at, size });
  return bytes;
}

/** All fields but the appends; most messages have none. */
function encodeOthers({ sender, announcements, snapshots }: AppendEntriesRequest): Uint8Array {
  if (sender === undefined && announcements.length === 0 && snapshots.length === 0) return NOTHING;
  return AppendEntriesRequest.encode({ sender, appends: [], announcements, snapshots }).finish();
}

function appendSize(append: GroupAppend): number {
  let size =
    numberFieldSize(append.groupId) +
    numberFieldSize(append.term) +
    numberFieldSize(append.prevLogIndex) +
    numberFieldSize(append.prevLogTerm) +
    numberFieldSize(append.leaderCommit) +
    numberFieldSize(append.readRound);
  for (const entry of append.entries) {
    const bytes = entrySize(entry);
    size += 1 + varintSize(bytes) + bytes;
  }
  return size;
}

function entrySize({ term, kind, payload }: Entry): number {
  const numbers = numberFieldSize(term) + numberFieldSize(kind);
  return payload.length === 0 ? numbers : numbers + 1 + varintSize(payload.length) + payload.length;
}

function writeAppend(bytes: Uint8Array, start: number, append: GroupAppend): number {
  let at = writeNumberField(bytes, start, APPEND_TAG.GROUP_ID, append.groupId);
  at = writeNumberField(bytes, at, APPEND_TAG.TERM, append.term);
  at = writeNumberField(bytes, at, APPEND_TAG.PREV_LOG_INDEX, append.prevLogIndex);
  at = writeNumberField(bytes, at, APPEND_TAG.PREV_LOG_TERM, append.prevLogTerm);
  at = writeNumberField(bytes, at, APPEND_TAG.LEADER_COMMIT, append.leaderCommit);
  for (const entry of append.entries) {
    bytes[at] = APPEND_TAG.ENTRIES;
    at = writeEntry(bytes, writeVarint(bytes, at + 1, entrySize(entry)), entry);
  }
  return writeNumberField(bytes, at, APPEND_TAG.READ_ROUND, append.readRound);
}

function writeEntry(bytes: Uint8Array, start: number, { term, kind, payload }: Entry): number {
  let at = writeNumberField(bytes, start, ENTRY_TAG.TERM, term);
  at = writeNumberField(bytes, at, ENTRY_TAG.KIND, kind);
  if (payload.length === 0) return at;
  bytes[at] = ENTRY_TAG.PAYLOAD;
  at = writeVarint(bytes, at + 1, payload.length);
  bytes.set(payload, at);
  return at + payload.length;
}

/** @throws what the generated decoder throws for bytes that are no such message */
export function decodeAppendEntries(bytes: Uint8Array): AppendEntriesRequest {
  const reader = new ProtoReader(bytes);
  const end = bytes.length;
  const appends: GroupAppend[] = [];
  while (reader.isBefore(end)) {
    if (reader.number() === APPENDS_TAG) appends.push(readAppend(reader, reader.endOfPart(end)));
    else reader.giveUp();
  }
  if (reader.hasGivenUp) return AppendEntriesRequest.decode(bytes);
  return { sender: undefined, appends, announcements: [], snapshots: [] };
}

function readAppend(reader: ProtoReader, end: number): GroupAppend {
  const entries: Entry[] = [];
  const append: GroupAppend = {
    groupId: 0,
    term: 0,
    prevLogIndex: 0,
    prevLogTerm: 0,
    leaderCommit: 0,
    entries,
    readRound: 0,
  };
  while (reader.isBefore(end)) {
    const tag = reader.number();
    if (tag === APPEND_TAG.ENTRIES) entries.push(readEntry(reader, reader.endOfPart(end)));
    else if (tag === APPEND_TAG.GROUP_ID) append.groupId = reader.number();
    else if (tag === APPEND_TAG.TERM) append.term = reader.int32();
    else if (tag === APPEND_TAG.PREV_LOG_INDEX) append.prevLogIndex = reader.number();
    else if (tag === APPEND_TAG.PREV_LOG_TERM) append.prevLogTerm = reader.int32();
    else if (tag === APPEND_TAG.LEADER_COMMIT) append.leaderCommit = reader.number();
    else if (tag === APPEND_TAG.READ_ROUND) append.readRound = reader.number();
    else reader.giveUp();
  }
  reader.close(end);
  return append;
}

function readEntry(reader: ProtoReader, end: number): Entry {
  const entry: Entry = { term: 0, kind: 0, payload: NOTHING };
  while (reader.isBefore(end)) {
    const tag = reader.number();
    if (tag === ENTRY_TAG.TERM) entry.term = reader.int32();
    else if (tag === ENTRY_TAG.KIND) entry.kind = reader.int32();
    else if (tag === ENTRY_TAG.PAYLOAD) entry.payload = reader.bytes(end);
    else reader.giveUp();
  }
  reader.close(end);
  return entry;
}
