/**
 * Sorts the frames of sealed journal files by group, and appends the entries to the segments of each.
 *
 * A frame is taken as it stands in the journal, only its header is made anew in place. What has been taken
 * is written by `flush`, which may be called again after it failed.
 */
import { crc32 } from 'node:zlib';

import { emptyFile, type FileSystem } from './file-system.js';
import {
  encodeFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_TYPE,
  frameBytes,
  type FrameHeader,
} from './journal-frame.js';
import { encodeSample, indexPath, SAMPLE_SPACING_BYTES, type Segment, segmentPath } from './segment.js';
import { decodeSnapshotPayload } from './snapshot-frame.js';
import { attempt } from './storage-errors.js';
import { maxTimestampOf, StoredGroup } from './stored-group.js';
import type { Superseded } from './superseded.js';
import { invariant } from '../invariant.js';
import { asGroupId, asLogIndex, asTerm, ENTRY_KIND, type GroupId, type LogIndex } from '../raft/types.js';

/** Of a group that asks for no other size, or is not heard of yet. */
const DEFAULT_SEGMENT_BYTES = 67_108_864;

/**
 * A piece of at least so many bytes is synced as it is written. Left to the checkpoint, some hundred megabytes would
 * go to the disk at once, and the writes of the journal wait behind them.
 */
const SYNCED_PIECE_BYTES_MIN = 1_048_576;

const utf8 = new TextDecoder();

export interface CopierOptions {
  readonly fileSystem: FileSystem;
  /** Folder that holds a folder for each group. */
  readonly segmentsDirectory: string;
  readonly incarnation: string;
  /** A new segment is begun when one is at least so long, */
  readonly segmentBytesMax: number;
  /** or as long as this, if its group asks for it. */
  readonly segmentBytes: (group: GroupId) => number | undefined;
  readonly superseded: Superseded;
}

/** What is to be appended to one segment. */
interface Part {
  readonly group: StoredGroup;
  readonly segment: Segment;
  readonly buffers: Buffer[];
  readonly samples: Buffer[];
  bytes: number;
  /** Bytes of the segment since the last sample. */
  unsampledBytes: number;
}

/** A segment, and the folder that it is in. */
export interface PlacedSegment {
  readonly directory: string;
  readonly segment: Segment;
}

export class SegmentCopier {
  /** Every group, as of the last frame taken. */
  readonly groups: Map<GroupId, StoredGroup>;
  /** Written since the last checkpoint, so not durable yet. */
  readonly dirty = new Map<Segment, PlacedSegment>();
  /** Needed no more, once a checkpoint says so. */
  readonly obsolete: PlacedSegment[] = [];
  /** Folders of groups that were dropped. */
  readonly droppedDirectories = new Set<string>();
  /** Number of the next segment. */
  nextNumber: number;
  readonly #options: CopierOptions;
  readonly #madeDirectories = new Set<string>();
  #parts: Part[] = [];
  readonly #current = new Map<StoredGroup, Part>();
  #bufferedBytes = 0;

  constructor(options: CopierOptions, groups: Map<GroupId, StoredGroup>, nextNumber: number) {
    this.#options = options;
    this.groups = groups;
    this.nextNumber = nextNumber;
  }

  /** Taken and not written yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Takes the frame at byte `at` of `window`, whose header is `header`. The window belongs to the copier from
   * then on.
   *
   * @returns False when the payload of a frame that is looked at is damaged.
   */
  take(window: Buffer, at: number, header: FrameHeader): boolean {
    const id = asGroupId(header.group);
    const payload = window.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + header.payloadBytes);
    const isLookedAt = header.type !== FRAME_TYPE.ENTRY || header.kind === ENTRY_KIND.MEMBERSHIP;
    if (isLookedAt && crc32(payload) !== header.payloadCrc) return false;
    if (header.type === FRAME_TYPE.DROP_GROUP) {
      this.#drop(id);
      return true;
    }
    const group = this.#group(id);
    const index = asLogIndex(header.index);
    const term = asTerm(header.term);
    if (header.type === FRAME_TYPE.HARD_STATE) {
      const votedFor = header.kind === 0 ? undefined : utf8.decode(payload);
      group.hardState = { term, votedFor, commit: index };
    } else if (header.type === FRAME_TYPE.SNAPSHOT) {
      const parts = decodeSnapshotPayload(payload);
      if (parts === undefined) return false;
      this.#forget(group, group.install({ index, term, ...parts }));
    } else {
      this.#forget(group, group.appendEntry(index, term, header.kind, payload));
      if (index > this.#options.superseded.upTo(id)) this.#append(group, window, at, header, payload);
      else this.#leaveOut(group, index);
    }
    return true;
  }

  /** Writes what has been taken. @throws STORAGE_FAILED; what was not written then is kept. */
  async flush(): Promise<void> {
    for (;;) {
      const part = this.#parts[0];
      if (part === undefined) return;
      await this.#write(part);
      this.#parts = this.#parts.filter((one) => one !== part);
      if (this.#current.get(part.group) === part) this.#current.delete(part.group);
      this.#bufferedBytes -= part.bytes;
    }
  }

  #group(id: GroupId): StoredGroup {
    const { segmentsDirectory, incarnation } = this.#options;
    const group = this.groups.get(id) ?? new StoredGroup(id, segmentsDirectory, incarnation);
    this.groups.set(id, group);
    return group;
  }

  #drop(id: GroupId): void {
    const group = this.groups.get(id);
    this.#options.superseded.dropTaken(id);
    if (group === undefined) return;
    this.#forget(group, group.log.cutFrom(asLogIndex(0)));
    this.groups.delete(id);
    this.droppedDirectories.add(group.log.directory);
  }

  #forget(group: StoredGroup, gone: readonly Segment[]): void {
    const { directory } = group.log;
    for (const segment of gone) {
      this.dirty.delete(segment);
      this.obsolete.push({ directory, segment });
      for (const part of this.#parts) if (part.segment === segment) this.#bufferedBytes -= part.bytes;
      this.#parts = this.#parts.filter((part) => part.segment !== segment);
      if (this.#current.get(group)?.segment === segment) this.#current.delete(group);
    }
  }

  #append(group: StoredGroup, window: Buffer, at: number, header: FrameHeader, payload: Buffer): void {
    const size = frameBytes(header.payloadBytes);
    const part = this.#partFor(group, asLogIndex(header.index));
    const offset = group.offsetOf(header.kind, payload);
    const position = part.segment.bytes + part.bytes;
    // The offsets of samples never fall: one that is not known is given to the first entry only, as 0.
    if (part.unsampledBytes >= SAMPLE_SPACING_BYTES && (offset !== undefined || position === 0)) {
      const { maxTimestampMs } = part.segment;
      const sample = { index: header.index, position, offset: offset ?? 0, maxTimestampMs };
      part.samples.push(encodeSample(sample, group.log.seed));
      part.unsampledBytes = 0;
    }
    encodeFrameHeader(window, at, { ...header, batch: 0, batchStart: 0 }, group.log.seed);
    const before = part.buffers.at(-1);
    // Neighbours of one group go out as one piece.
    if (before?.buffer === window.buffer && before.byteOffset + before.length === window.byteOffset + at) {
      const start = before.byteOffset - window.byteOffset;
      part.buffers[part.buffers.length - 1] = window.subarray(start, at + size);
    } else part.buffers.push(window.subarray(at, at + size));
    part.bytes += size;
    part.unsampledBytes += size;
    part.segment.last = asLogIndex(header.index);
    const timestampMs = maxTimestampOf(header.kind, payload);
    part.segment.maxTimestampMs = Math.max(part.segment.maxTimestampMs, timestampMs);
    this.#bufferedBytes += size;
  }

  /** An entry that nobody will read: its segment counts it, as a log has no gaps, and does not hold it. */
  #leaveOut(group: StoredGroup, index: LogIndex): void {
    this.#partFor(group, index).segment.last = index;
  }

  /**
   * Where an entry goes. No segment holds entries on both sides of some that it leaves out: its reader walks from
   * one to the next.
   */
  #partFor(group: StoredGroup, index: LogIndex): Part {
    const current = this.#current.get(group);
    const segment = current?.segment ?? group.log.segments.at(-1);
    const size = (segment?.bytes ?? 0) + (current?.bytes ?? 0);
    const upTo = this.#options.superseded.upTo(group.group);
    const isBehind = segment !== undefined && index > upTo && segment.last <= upTo;
    const isFull = size >= this.#segmentBytes(group) || isBehind;
    const goesOn = segment !== undefined && !group.mustBeginSegment && !isFull;
    if (goesOn && current !== undefined) return current;
    const next = goesOn ? segment : this.#begin(group, index);
    const part: Part = {
      ...{ group, segment: next, buffers: [], samples: [], bytes: 0 },
      unsampledBytes: SAMPLE_SPACING_BYTES,
    };
    this.#parts.push(part);
    this.#current.set(group, part);
    return part;
  }

  #segmentBytes({ group }: StoredGroup): number {
    const { segmentBytes, segmentBytesMax } = this.#options;
    return Math.min(segmentBytes(group) ?? DEFAULT_SEGMENT_BYTES, segmentBytesMax);
  }

  #begin(group: StoredGroup, first: LogIndex): Segment {
    const segment: Segment = {
      number: this.nextNumber,
      first,
      last: asLogIndex(first - 1),
      bytes: 0,
      indexBytes: 0,
      maxTimestampMs: -1,
      isRemoved: false,
    };
    this.nextNumber += 1;
    group.mustBeginSegment = false;
    group.log.push(segment);
    return segment;
  }

  async #write(part: Part): Promise<void> {
    const { fileSystem } = this.#options;
    const { group, segment, buffers, samples, bytes } = part;
    const { directory } = group.log;
    if (!this.#madeDirectories.has(directory)) {
      await attempt('mkdir', directory, () => fileSystem.makeDirectory(directory));
      this.#madeDirectories.add(directory);
    }
    await this.#appendTo(segmentPath(directory, segment), buffers, segment.bytes);
    const { indexBytes } = segment;
    if (samples.length > 0 || indexBytes === 0) {
      await this.#appendTo(indexPath(directory, segment), samples, indexBytes);
    }
    this.dirty.set(segment, { directory, segment });
    segment.bytes += bytes;
    segment.indexBytes += samples.reduce((sum, sample) => sum + sample.length, 0);
    const hasSample = segment.indexBytes > 0 || segment.bytes === 0;
    invariant(hasSample, 'a segment has a sample of its first entry', { path: directory });
  }

  async #appendTo(path: string, buffers: readonly Buffer[], position: number): Promise<void> {
    const file = await attempt('open', path, () => this.#options.fileSystem.open(path, { create: true }));
    try {
      await attempt('write', path, () => file.write(buffers, position));
      const isLarge = buffers.reduce((sum, { length }) => sum + length, 0) >= SYNCED_PIECE_BYTES_MIN;
      if (isLarge) await attempt('fdatasync', path, () => file.sync());
    } finally {
      await attempt('close', path, () => file.close());
    }
  }

  /**
   * Empties the segments that nobody will read again, before the checkpoint that lets them go: their names must
   * stay until then. @returns Bytes that the disk has back.
   */
  async emptySuperseded(): Promise<number> {
    let bytes = 0;
    for (const group of this.groups.values()) {
      const upTo = this.#options.superseded.upTo(group.group);
      for (const segment of group.log.segments) {
        if (segment.last > upTo) break;
        bytes += await this.#empty(group, segment);
      }
    }
    return bytes;
  }

  async #empty(group: StoredGroup, segment: Segment): Promise<number> {
    const bytes = segment.bytes + segment.indexBytes;
    // Whoever reads it now finds out by this, as when it is removed.
    segment.isRemoved = true;
    for (const part of this.#parts) {
      if (part.segment !== segment) continue;
      this.#bufferedBytes -= part.bytes;
      part.buffers.length = 0;
      part.samples.length = 0;
      part.bytes = 0;
    }
    segment.bytes = 0;
    segment.indexBytes = 0;
    if (bytes === 0) return 0;
    const { directory } = group.log;
    const { fileSystem } = this.#options;
    for (const path of [segmentPath(directory, segment), indexPath(directory, segment)]) {
      await attempt('truncate', path, () => emptyFile(fileSystem, path));
    }
    return bytes;
  }

  /** For the checkpoint: the folder of a dropped group is gone, and must be made again for a new one. */
  directoryRemoved(directory: string): void {
    this.droppedDirectories.delete(directory);
    this.#madeDirectories.delete(directory);
  }
}
