/** Entries of a partition's log for tests. */
import { encodeDeleteRecords } from '../../src/log/delete-records.js';
import type { Committer, GroupOffset } from '../../src/log/group-offset.js';
import { encodeOffsetCommit } from '../../src/log/offset-commit.js';
import { encodeMembership } from '../../src/raft/membership.js';
import { asLogIndex, asTerm, type Entry, ENTRY_KIND, type EntryKind } from '../../src/raft/types.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { type BatchProducer, NO_PRODUCER, stampBatch } from '../../src/records/batch-header.js';
import { asOffset } from '../../src/records/offset.js';

export function entryOf(index: number, kind: EntryKind, payload: Uint8Array): Entry {
  return { index: asLogIndex(index), term: asTerm(1), kind, payload };
}

export function batch(
  index: number,
  baseOffset: number,
  count: number,
  { timestampMs = 0, producer = NO_PRODUCER }: { timestampMs?: number; producer?: BatchProducer } = {},
): Entry {
  const record = { key: undefined, value: undefined, headers: [], timestampMs };
  const payload = encodeRecordBatch(
    Array.from({ length: count }, () => record),
    producer,
  );
  stampBatch(payload, asOffset(baseOffset), 1);
  return entryOf(index, ENTRY_KIND.RECORD_BATCH, payload);
}

export function offsetCommit(
  index: number,
  group: string,
  offset: number,
  committer: Committer = { generation: undefined, claim: false },
): Entry {
  const commit = { group, offset: asOffset(offset), committedAtMs: index, ...committer };
  return entryOf(index, ENTRY_KIND.COMMIT_OFFSETS, encodeOffsetCommit(commit));
}

/** What a group has committed that counts no generations. */
export function groupOffset(offset: number, committedAtMs = 0): GroupOffset {
  return { offset: asOffset(offset), generation: undefined, committedAtMs };
}

export function deletion(index: number, beforeOffset: number): Entry {
  const payload = encodeDeleteRecords({ beforeOffset: asOffset(beforeOffset) });
  return entryOf(index, ENTRY_KIND.DELETE_RECORDS, payload);
}

export function membership(index: number): Entry {
  return entryOf(index, ENTRY_KIND.MEMBERSHIP, encodeMembership({ voters: ['n1'], learners: [] }));
}

export function noop(index: number): Entry {
  return entryOf(index, ENTRY_KIND.NOOP, new Uint8Array(0));
}
