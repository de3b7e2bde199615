/** The consumer: hands out what its feeds bring, in turn, and keeps track of what was handed out and handled. */
import { BellwetherError } from '../errors.js';
import { checkList, checkRef } from './checked-argument.js';
import { checkedChoice, checkedOption, checkNames } from './checked-option.js';
import { invalid, tracksOf } from './consumer-tracks.js';
import type { Track } from './consumer-tracks.js';
import { withPartition } from './consumed-batch.js';
import { GroupMember } from './group-member.js';
import type { Lifetime } from './lifetime.js';
import { partitionName } from './metadata-cache.js';
import { PartitionFeed } from './partition-feed.js';
import type { FeedContext } from './partition-feed.js';
import { checkedTimeoutMs, TIMEOUT_MAX_MS } from './call-options.js';
import type { Session } from './session.js';
import type { ConsumedBatch, Consumer, ConsumerOptions, PartitionRecord } from './types-consumer.js';
import type { PartitionRef } from './types-base.js';

/** How often streams that are silent are looked at, and after how long of that others are asked who leads, in ms. */
const LOOK_MS = 500;
const SILENT_MS_MAX = 1000;

/** Longest pause between two such questions about one partition, in milliseconds. */
const ASK_PAUSE_MS_MAX = 5000;

/** How long the last automatic commit may hold up the end of an iteration, in milliseconds. */
const LAST_COMMIT_MS_MAX = 2000;

const KIB = 1024;
const MIB = 1024 * KIB;

const OPTIONS = {
  partitions: true,
  group: true,
  fallback: true,
  generation: true,
  autoCommitIntervalMs: true,
  prefetchBytes: true,
  maxBytes: true,
  untilEnd: true,
  signal: true,
  timeoutMs: true,
} as const;

/** @throws BellwetherError INVALID_REQUEST when an option is unknown or out of its bounds. */
export function createConsumer(session: Session, options: ConsumerOptions): Consumer {
  checkNames('consumer', options, OPTIONS);
  return new StreamConsumer(session, options);
}

class StreamConsumer implements Consumer {
  readonly #session: Session;
  readonly #options: ConsumerOptions;
  readonly #tracks: ReadonlyMap<string, Track>;
  readonly #feedBytesMax: number;
  readonly #maxBytes: number;
  readonly #timeoutMs: number;
  readonly #member: GroupMember | undefined;
  #context: FeedContext | undefined;
  /** Where the search for the next batch begins. */
  #turn = 0;
  #wake: (() => void) | undefined;
  #commitFailure: BellwetherError | undefined;

  constructor(session: Session, options: ConsumerOptions) {
    const { partitions, group, prefetchBytes = 8 * MIB, maxBytes = 256 * KIB } = options;
    this.#session = session;
    this.#options = options;
    this.#tracks = tracksOf(partitions, group);
    const share = checkedOption('prefetchBytes', prefetchBytes, 64 * KIB, 1024 * MIB) / partitions.length;
    this.#feedBytesMax = Math.max(1, Math.floor(share));
    this.#maxBytes = checkedOption('maxBytes', maxBytes, 1, 2 * MIB);
    this.#timeoutMs = checkedTimeoutMs(options.timeoutMs ?? 60_000);
    checkedChoice('untilEnd', options.untilEnd ?? false, [true, false]);
    checkedChoice('fallback', options.fallback ?? 'earliest', ['earliest', 'latest']);
    this.#member =
      group === undefined
        ? undefined
        : new GroupMember(session, group, this.#tracks, { ...options, timeoutMs: this.#timeoutMs });
    if (options.generation !== undefined) this.#memberOf();
    if (options.autoCommitIntervalMs === undefined) return;
    checkedOption('autoCommitIntervalMs', options.autoCommitIntervalMs, 10, TIMEOUT_MAX_MS);
    this.#memberOf();
  }

  get generation(): number | undefined {
    return this.#member?.generation;
  }

  async *batches(): AsyncGenerator<ConsumedBatch, void, undefined> {
    for await (const { track, batch } of this.#handOut()) {
      track.position = batch.nextOffset;
      yield batch;
      if (track.position === batch.nextOffset) track.handled = batch.nextOffset;
    }
  }

  async *records(): AsyncGenerator<PartitionRecord, void, undefined> {
    for await (const { track, batch } of this.#handOut()) {
      for (const record of batch.records()) {
        const { feed } = track;
        track.position = record.offset + 1;
        yield withPartition(batch, record);
        if (track.feed !== feed) break; // Its partition was sought elsewhere.
        track.handled = record.offset + 1;
      }
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<PartitionRecord, void, undefined> {
    return this.records();
  }

  pause(partitions: readonly PartitionRef[]): void {
    for (const track of this.#all(partitions)) track.isPaused = true;
  }

  resume(partitions: readonly PartitionRef[]): void {
    for (const track of this.#all(partitions)) track.isPaused = false;
    this.#wake?.();
  }

  seek(ref: PartitionRef, offset: number): void {
    const track = this.#of(ref);
    checkedOption('offset', offset, 0, Number.MAX_SAFE_INTEGER);
    Object.assign(track, { from: offset, position: offset, handled: undefined });
    if (track.feed === undefined || this.#context === undefined) return;
    track.feed.close();
    this.#feed(track, this.#context);
  }

  position(ref: PartitionRef): number | undefined {
    const { position, feed } = this.#of(ref);
    return position ?? feed?.beginsAt;
  }

  lag(ref: PartitionRef): number | undefined {
    const position = this.position(ref);
    const end = this.#of(ref).feed?.highWatermark;
    return position === undefined || end === undefined ? undefined : Math.max(0, end - position);
  }

  async commit(offsets?: readonly (PartitionRef & { readonly offset: number })[]): Promise<void> {
    if (offsets !== undefined) checkList('offsets', offsets);
    await this.#memberOf().store(offsets ?? this.#uncommitted(({ position }) => position), undefined);
  }

  /** One iteration: from the first `next()` to the end of the loop. */
  async *#handOut(): AsyncGenerator<{ track: Track; batch: ConsumedBatch }, void, undefined> {
    const lifetime = this.#session.beginLifetime(this.#options.signal);
    lifetime.onClose(() => this.#wake?.());
    const timers = this.#begin(lifetime);
    try {
      const context = await this.#startFeeds(lifetime);
      while (!lifetime.closed) {
        if (this.#commitFailure !== undefined) throw this.#commitFailure;
        const next = this.#next();
        if (next !== undefined) yield next;
        else if (this.#isAtEnd()) break;
        else await this.#change();
        if (this.#context !== context) break;
      }
    } catch (error) {
      if (!lifetime.closed) throw error;
    } finally {
      for (const timer of timers) clearInterval(timer);
      await this.#end(lifetime);
    }
  }

  #begin(lifetime: Lifetime): NodeJS.Timeout[] {
    if (this.#context !== undefined) {
      lifetime.close();
      throw invalid('a consumer is iterated already', 'batches');
    }
    this.#commitFailure = undefined;
    this.#context = {
      session: this.#session,
      lifetime,
      bytesMax: this.#feedBytesMax,
      maxBytes: this.#maxBytes,
      untilEnd: this.#options.untilEnd ?? false,
      timeoutMs: this.#timeoutMs,
      onChange: () => this.#wake?.(),
    };
    const timers = [setInterval(() => this.#look(), LOOK_MS)];
    const { autoCommitIntervalMs } = this.#options;
    if (autoCommitIntervalMs !== undefined) {
      timers.push(setInterval(() => void this.#autoCommit(undefined), autoCommitIntervalMs));
    }
    return timers;
  }

  async #startFeeds(lifetime: Lifetime): Promise<FeedContext | undefined> {
    const context = this.#context;
    await this.#member?.join(lifetime);
    if (context !== undefined) for (const track of this.#tracks.values()) this.#feed(track, context);
    return context;
  }

  #feed(track: Track, context: FeedContext): void {
    const from = track.position ?? track.from;
    const start = from === 'committed' ? (this.#options.fallback ?? 'earliest') : from;
    track.feed = new PartitionFeed(context, track.ref, start);
    void track.feed.run();
  }

  /** The next batch of a partition whose turn it is. @throws BellwetherError of one that cannot go on */
  #next(): { track: Track; batch: ConsumedBatch } | undefined {
    const tracks = [...this.#tracks.values()];
    for (let nth = 0; nth < tracks.length; nth += 1) {
      const track = tracks[(this.#turn + nth) % tracks.length];
      if (track?.feed === undefined || track.isPaused) continue;
      const batch = track.feed.take();
      if (batch !== undefined) {
        this.#turn = (this.#turn + nth + 1) % tracks.length;
        return { track, batch };
      }
      if (track.feed.error !== undefined) throw track.feed.error;
    }
    return undefined;
  }

  #isAtEnd(): boolean {
    return [...this.#tracks.values()].every(({ feed }) => feed?.isAtEnd === true && !feed.hasBatch);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  async #end(lifetime: Lifetime): Promise<void> {
    for (const track of this.#tracks.values()) {
      track.feed?.close();
      track.feed = undefined;
    }
    this.#context = undefined;
    lifetime.close();
    if (this.#options.autoCommitIntervalMs !== undefined) await this.#autoCommit(LAST_COMMIT_MS_MAX);
  }

  #look(): void {
    const nowMs = performance.now();
    for (const { feed } of this.#tracks.values()) void feed?.look(nowMs, SILENT_MS_MAX, ASK_PAUSE_MS_MAX);
  }

  async #autoCommit(timeoutMs: number | undefined): Promise<void> {
    const offsets = this.#uncommitted(({ handled }) => handled);
    try {
      if (offsets.length > 0) await this.#memberOf().store(offsets, timeoutMs);
    } catch (error) {
      // Told by the iteration; after its end it is as if the process had died: read again next time.
      this.#commitFailure = error instanceof BellwetherError ? error : undefined;
      this.#wake?.();
    }
  }

  #uncommitted(offsetOf: (track: Track) => number | undefined) {
    return [...this.#tracks.values()].flatMap((track) => {
      const offset = offsetOf(track);
      return offset === undefined || offset === track.committed ? [] : [{ ...track.ref, offset }];
    });
  }

  /** All of them, or none. */
  #all(partitions: readonly PartitionRef[]): Track[] {
    checkList('partitions', partitions);
    return partitions.map((ref) => this.#of(ref));
  }

  #of(ref: PartitionRef): Track {
    checkRef(ref);
    const track = this.#tracks.get(partitionName(ref));
    if (track === undefined) throw invalid(`${partitionName(ref)} is not read by this consumer`, 'partition');
    return track;
  }

  #memberOf(): GroupMember {
    if (this.#member === undefined) throw invalid('offsets cannot be committed without a group', 'group');
    return this.#member;
  }
}
