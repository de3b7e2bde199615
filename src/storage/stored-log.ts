/**
 * The part of one group's log that stands in segments: which there are, and how their entries are read.
 *
 * Reads are generators of requests, so that one piece of code serves blocking and asynchronous readers:
 * they yield what is to be read and are given the bytes.
 */
import {
  checkedPayload,
  decodeFrameHeader,
  emptyFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_TYPE,
  frameBytes,
} from './journal-frame.js';
import type { SampleCache } from './sample-cache.js';
import {
  decodeSample,
  groupDirectory,
  indexPath,
  type Sample,
  SAMPLE_BYTES,
  SAMPLE_NUMBER_MAX,
  type Segment,
  segmentPath,
  segmentSeed,
} from './segment.js';
import { storageCorrupt } from './storage-errors.js';
import { invariant } from '../invariant.js';
import {
  asLogIndex,
  asTerm,
  type Entry,
  type EntryKind,
  type GroupId,
  type LogIndex,
} from '../raft/types.js';

/** One read spans at most this much, unless a single frame is larger. */
const READ_BYTES_MAX = 1024 * 1024;
/** What is read beyond the payloads asked for: headers, and entries between a sample and the first wanted. */
const READ_SLACK_BYTES = 16 * 1024;

/** A stretch of a file that is needed. Fewer bytes are given only when the file ends there. */
export interface SegmentRequest {
  readonly segment: Segment;
  readonly path: string;
  readonly position: number;
  readonly bytes: number;
}

/** The record with this offset, or the first one with at least this timestamp. */
export type RecordTarget = { readonly offset: number } | { readonly timestampMs: number };

export type Reading<T> = Generator<SegmentRequest, T, Buffer>;

export class StoredLog {
  readonly group: GroupId;
  /** Folder of the group's segments. */
  readonly directory: string;
  readonly seed: number;
  /** Ascending; each begins where the one before ends. */
  #segments: Segment[] = [];

  constructor(group: GroupId, segmentsDirectory: string, incarnation: string) {
    this.group = group;
    this.directory = groupDirectory(segmentsDirectory, group);
    this.seed = segmentSeed(group, incarnation);
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Adds a segment that begins behind the last one. */
  push(segment: Segment): void {
    const last = this.#segments.at(-1)?.last;
    invariant(last === undefined || segment.first === last + 1, 'segments have no gaps', { last });
    this.#segments.push(segment);
  }

  /** Ends before `index`. Returns the segments that are gone. */
  cutFrom(index: LogIndex): Segment[] {
    const gone = this.#segments.filter(({ first }) => first >= index);
    this.#segments = this.#segments.filter(({ first }) => first < index);
    const last = this.#segments.at(-1);
    if (last !== undefined && last.last >= index) last.last = asLogIndex(index - 1);
    return markRemoved(gone);
  }

  /** Lets whole segments go that hold nothing behind `index`. Returns them. */
  forgetTo(index: LogIndex): Segment[] {
    const gone = this.#segments.filter(({ last }) => last <= index);
    this.#segments = this.#segments.filter(({ last }) => last > index);
    return markRemoved(gone);
  }

  /** The segment that holds `index`. */
  holding(index: LogIndex): Segment | undefined {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#segments[middle]?.last ?? Infinity) >= index) high = middle;
      else low = middle + 1;
    }
    const found = this.#segments[low];
    return found !== undefined && found.first <= index ? found : undefined;
  }

  /** Entries in [from, to), up to the end of a segment, as `GroupLog.entries`: at least one. */
  *entries(from: LogIndex, to: LogIndex, bytesMax: number, cache: SampleCache): Reading<Entry[]> {
    const segment = this.holding(from);
    invariant(segment !== undefined, 'what is read stands in a segment', { group: this.group, from });
    const end = Math.min(to, segment.last + 1);
    const samples = yield* this.#samples(segment, cache);
    // An entry is never before the first sample, which is that of the segment's first entry.
    let { position, index } = this.#lastSample(segment, samples, (sample) => sample.index <= from);
    const found: Entry[] = [];
    let budget = bytesMax;
    let frameWanted = 0;
    while (index < end) {
      const wanted = Math.max(frameWanted, Math.min(READ_BYTES_MAX, Math.max(0, budget) + READ_SLACK_BYTES));
      const bytes = yield* this.#bytes(segment, position, Math.min(wanted, segment.bytes - position));
      let at = 0;
      while (index < end) {
        const entry = this.#entryAt(segment, bytes, at, position, index);
        if (typeof entry === 'number') {
          frameWanted = entry;
          break;
        }
        at += frameBytes(entry.payload.length);
        index += 1;
        if (entry.index < from) continue;
        budget -= entry.payload.length;
        if (found.length > 0 && budget < 0) return found;
        found.push(entry);
      }
      position += at;
    }
    return found;
  }

  /**
   * Log index at which to begin to read for a record: of the batch that holds it, or of an earlier entry.
   *
   * @param from Index of an entry that is not behind that batch, in the same segment.
   */
  *locate(from: LogIndex, target: RecordTarget, cache: SampleCache): Reading<LogIndex> {
    const segment = this.holding(from);
    if (segment === undefined) return from;
    const samples = yield* this.#samples(segment, cache);
    const { index } = this.#lastSample(segment, samples, (sample) => isNotBehind(sample, target));
    return asLogIndex(Math.min(Math.max(index, from), segment.last));
  }

  *#bytes(segment: Segment, position: number, bytes: number): Reading<Buffer> {
    const path = segmentPath(this.directory, segment);
    const found = yield { segment, path, position, bytes };
    if (found.length < bytes) throw storageCorrupt(path, position + found.length, 'the file ends too early');
    return found;
  }

  *#samples(segment: Segment, cache: SampleCache): Reading<Buffer> {
    const held = cache.get(segment);
    if (held !== undefined) return held;
    const path = indexPath(this.directory, segment);
    const bytes = segment.indexBytes;
    const samples = yield { segment, path, position: 0, bytes };
    if (samples.length < bytes) throw storageCorrupt(path, samples.length, 'the file ends too early');
    if (!segment.isRemoved) cache.put(segment, samples);
    return samples;
  }

  /** The last sample for which `fits` holds, or the first. */
  #lastSample(segment: Segment, samples: Buffer, fits: (sample: Sample) => boolean): Sample {
    const at = (nth: number): Sample => {
      const sample = decodeSample(samples, nth * SAMPLE_BYTES, this.seed);
      if (sample !== undefined) return sample;
      throw storageCorrupt(indexPath(this.directory, segment), nth * SAMPLE_BYTES, 'a bad sample');
    };
    let low = 0;
    let high = samples.length / SAMPLE_BYTES;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (fits(at(middle))) low = middle + 1;
      else high = middle;
    }
    return at(Math.max(0, low - 1));
  }

  /** The entry, or how many bytes its frame has when `bytes` ends inside it. */
  #entryAt(segment: Segment, bytes: Buffer, at: number, position: number, index: number): Entry | number {
    const header = emptyFrameHeader();
    const here = bytes.length - at;
    const left = segment.bytes - position - at;
    if (here < FRAME_HEADER_BYTES && left >= FRAME_HEADER_BYTES) return FRAME_HEADER_BYTES;
    const intact =
      decodeFrameHeader(bytes, at, header, this.seed) &&
      header.type === FRAME_TYPE.ENTRY &&
      header.group === this.group &&
      header.index === index;
    if (intact) {
      const size = frameBytes(header.payloadBytes);
      if (size > here && size <= left) return size;
      const payload = checkedPayload(bytes, at, header);
      if (payload !== undefined) {
        return {
          index: asLogIndex(index),
          term: asTerm(header.term),
          kind: header.kind as EntryKind,
          payload,
        };
      }
    }
    throw storageCorrupt(
      segmentPath(this.directory, segment),
      position + at,
      `entry ${String(index)} of group ${String(this.group)} is not there any more`,
    );
  }
}

function isNotBehind(sample: Sample, target: RecordTarget): boolean {
  if ('offset' in target) return sample.offset <= target.offset;
  return sample.maxTimestampMs < Math.min(target.timestampMs, SAMPLE_NUMBER_MAX);
}

function markRemoved(segments: Segment[]): Segment[] {
  for (const segment of segments) segment.isRemoved = true;
  return segments;
}
