/**
 * Encodes what a leader sends to a follower with one copy of each payload, as every record passes here once for
 * each follower. ts-proto copies them four times: into a buffer that doubles, into the message around, out of it,
 * and into a Buffer.
 *
 * Decoded it is the same message as ts-proto's; a property test holds that.
 */

import {
  AppendEntriesRequest,
  type Entry,
  type GroupAppend,
} from '../../gen/bellwether/raft/v1/raft_service.js';
import { invariant } from '../invariant.js';
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
