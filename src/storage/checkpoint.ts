/**
 * The checkpoint: what all groups were at the end of a journal file, and which of their segments count.
 * Recovery goes on from there with the next journal file.
 *
 * ```
 * journal/checkpoint     "BWCHKPNT", then records: size (4 bytes), CRC-32 of the rest (4), the rest
 * ```
 *
 * The first record is JSON of the whole (`Head`). Each group has three: JSON of the group (`GroupHead`), the
 * snapshot that its log begins with as in a SNAPSHOT frame, and the state of its state machine; the last two
 * are empty for none. The CRC is seeded with the incarnation, so that another folder's is refused.
 */
import { crc32 } from 'node:zlib';

import type { FileSystem } from './file-system.js';
import type { Seal } from './journal-file.js';
import { decodeSnapshotPayload, encodeSnapshotPayload } from './snapshot-frame.js';
import { attempt, storageCorrupt } from './storage-errors.js';
import { StoredGroup } from './stored-group.js';
import { decodeMembership, encodeMembership } from '../raft/membership.js';
import { type TermRun } from '../raft/terms.js';
import { asGroupId, asLogIndex, asTerm, type GroupId } from '../raft/types.js';

const MAGIC = Buffer.from('BWCHKPNT', 'latin1');
const FORMAT_VERSION = 1;
const RECORD_HEADER_BYTES = 8;
/** What is written at a time, so that a large one does not hold up the event loop. */
const SLICE_BYTES = 131_072;

interface Head {
  readonly version: number;
  /** The first journal file that is needed, and what it must begin with. */
  readonly sequence: number;
  readonly previousEnd: number;
  readonly nextBatch: number;
  readonly nextSegment: number;
  readonly groups: number;
}

interface GroupHead {
  readonly group: number;
  readonly term: number;
  readonly votedFor?: string;
  readonly commit: number;
  /** Runs of entries of one term: first index, term. */
  readonly terms: readonly (readonly [number, number])[];
  /** Index, and the payload of the entry as text. */
  readonly memberships: readonly (readonly [number, string])[];
  /** Number, first and last index, bytes of the .log and of the .index, maximum timestamp. */
  readonly segments: readonly (readonly [number, number, number, number, number, number])[];
  readonly snapshot?: readonly [index: number, term: number];
  readonly machine?: number;
}

export interface Checkpoint {
  /** The first journal file that is needed; all before are not. */
  readonly sequence: number;
  /** Where the file before it ended. */
  readonly seal: Seal;
  readonly nextSegment: number;
  readonly groups: Map<GroupId, StoredGroup>;
}

export interface CheckpointPlace {
  readonly fileSystem: FileSystem;
  /** The journal's folder. */
  readonly directory: string;
  readonly segmentsDirectory: string;
  readonly incarnation: string;
}

export function checkpointPath(directory: string): string {
  return `${directory}/checkpoint`;
}

/** Replaces the checkpoint, durably and at once. @throws STORAGE_FAILED; the one before stands then. */
export async function writeCheckpoint(place: CheckpointPlace, checkpoint: Checkpoint): Promise<void> {
  const { fileSystem, directory, incarnation } = place;
  const path = checkpointPath(directory);
  const temporary = `${path}.tmp`;
  const file = await attempt('open', temporary, () => fileSystem.open(temporary, { create: true }));
  try {
    await attempt('truncate', temporary, () => file.truncate(0));
    let position = 0;
    for (const slice of slices(checkpoint, crc32(incarnation))) {
      const at = position;
      await attempt('write', temporary, () => file.write(slice.buffers, at));
      position += slice.bytes;
    }
    await attempt('fdatasync', temporary, () => file.sync());
  } finally {
    await attempt('close', temporary, () => file.close());
  }
  await attempt('rename', path, () => fileSystem.rename(temporary, path));
  await attempt('fsync', directory, () => fileSystem.syncDirectory(directory));
}

function* slices(checkpoint: Checkpoint, seed: number): Generator<{ buffers: Buffer[]; bytes: number }> {
  let buffers = [MAGIC];
  let bytes = MAGIC.length;
  for (const part of parts(checkpoint)) {
    const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + part.length);
    record.writeUInt32LE(part.length, 0);
    record.set(part, RECORD_HEADER_BYTES);
    record.writeUInt32LE(crc32(record.subarray(RECORD_HEADER_BYTES), seed), 4);
    buffers.push(record);
    bytes += record.length;
    if (bytes < SLICE_BYTES) continue;
    yield { buffers, bytes };
    buffers = [];
    bytes = 0;
  }
  if (bytes > 0) yield { buffers, bytes };
}

function* parts({ sequence, seal, nextSegment, groups }: Checkpoint): Generator<Uint8Array> {
  const { end: previousEnd, nextBatch } = seal;
  const head: Head = {
    ...{ version: FORMAT_VERSION, sequence, previousEnd, nextBatch, nextSegment },
    groups: groups.size,
  };
  yield Buffer.from(JSON.stringify(head));
  for (const group of groups.values()) {
    yield Buffer.from(JSON.stringify(groupHead(group)));
    yield group.snapshot === undefined ? Buffer.alloc(0) : encodeSnapshotPayload(group.snapshot);
    yield group.machine?.data ?? Buffer.alloc(0);
  }
}

function groupHead(group: StoredGroup): GroupHead {
  const { hardState, snapshot, machine, log, terms, memberships } = group;
  return {
    group: log.group,
    term: hardState.term,
    ...(hardState.votedFor !== undefined && { votedFor: hardState.votedFor }),
    commit: hardState.commit,
    terms: terms.runs.map(({ first, term }) => [first, term] as const),
    memberships: memberships.map(({ index, membership }) => [
      index,
      Buffer.from(encodeMembership(membership)).toString('latin1'),
    ]),
    segments: log.segments.map(({ number, first, last, bytes, indexBytes, maxTimestampMs }) => [
      ...([number, first, last, bytes, indexBytes, maxTimestampMs] as const),
    ]),
    ...(snapshot !== undefined && { snapshot: [snapshot.index, snapshot.term] as const }),
    ...(machine !== undefined && { machine: machine.index }),
  };
}

/**
 * @returns Undefined when there is none.
 * @throws STORAGE_CORRUPT when it is not as it was written: it is replaced at once, so no crash explains that.
 */
export async function readCheckpoint(place: CheckpointPlace): Promise<Checkpoint | undefined> {
  const path = checkpointPath(place.directory);
  const found = await attempt('read', path, () => place.fileSystem.readFile(path));
  if (found === undefined) return undefined;
  const bytes = Buffer.from(found.buffer, found.byteOffset, found.byteLength);
  const records = new Records(path, bytes, crc32(place.incarnation));
  const { version, sequence, previousEnd, nextBatch, nextSegment, groups: count } = records.json() as Head;
  if (version !== FORMAT_VERSION) throw storageCorrupt(path, 0, `format version ${String(version)}`);
  const groups = new Map<GroupId, StoredGroup>();
  for (let i = 0; i < count; i++) {
    const group = readGroup(place, records);
    groups.set(group.group, group);
  }
  records.end();
  return { sequence, seal: { end: previousEnd, nextBatch }, nextSegment, groups };
}

function readGroup(place: CheckpointPlace, records: Records): StoredGroup {
  const head = records.json() as GroupHead;
  const snapshotPayload = records.next();
  const machineData = records.next();
  const group = new StoredGroup(asGroupId(head.group), place.segmentsDirectory, place.incarnation);
  group.hardState = { term: asTerm(head.term), votedFor: head.votedFor, commit: asLogIndex(head.commit) };
  if (head.snapshot !== undefined) {
    const [index, term] = head.snapshot;
    const parts = decodeSnapshotPayload(snapshotPayload);
    if (parts === undefined) throw records.damage('a snapshot of an unknown layout');
    group.snapshot = { index: asLogIndex(index), term: asTerm(term), ...parts };
  }
  const runs = head.terms.map(([first, term]): TermRun => ({ first: asLogIndex(first), term: asTerm(term) }));
  group.lastIndex = asLogIndex(head.segments.at(-1)?.[2] ?? head.snapshot?.[0] ?? 0);
  group.terms.recover({ termRuns: runs, termAt: () => asTerm(0) }, group.lastIndex);
  group.memberships = head.memberships.map(([index, text]) => ({
    index: asLogIndex(index),
    membership: decodeMembership(Buffer.from(text, 'latin1')),
  }));
  for (const [number, first, last, bytes, indexBytes, maxTimestampMs] of head.segments) {
    const [from, to] = [asLogIndex(first), asLogIndex(last)];
    const segment = { number, first: from, last: to, bytes, indexBytes, maxTimestampMs };
    group.log.push({ ...segment, isRemoved: false });
  }
  if (head.machine !== undefined) {
    group.machine = { index: asLogIndex(head.machine), data: Uint8Array.from(machineData) };
  }
  return group;
}

class Records {
  readonly #path: string;
  readonly #bytes: Buffer;
  readonly #seed: number;
  #at = MAGIC.length;

  constructor(path: string, bytes: Buffer, seed: number) {
    this.#path = path;
    this.#bytes = bytes;
    this.#seed = seed;
    if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw storageCorrupt(path, 0, 'it is no checkpoint');
  }

  next(): Buffer {
    const start = this.#at + RECORD_HEADER_BYTES;
    if (start > this.#bytes.length) throw this.damage('it ends too early');
    const end = start + this.#bytes.readUInt32LE(this.#at);
    const record = this.#bytes.subarray(start, end);
    const isWhole = end <= this.#bytes.length;
    if (!isWhole || crc32(record, this.#seed) !== this.#bytes.readUInt32LE(this.#at + 4)) {
      throw this.damage('a bad record');
    }
    this.#at = end;
    return record;
  }

  /** Its checksum is right, so it is what was written. */
  json(): unknown {
    return JSON.parse(this.next().toString());
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.damage('it is too long');
  }

  damage(what: string): Error {
    return storageCorrupt(this.#path, this.#at, what);
  }
}
