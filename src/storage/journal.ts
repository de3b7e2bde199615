/**
 * The journal: one append-only sequence of files, shared by all groups of a broker, that holds what the
 * broker must not forget: terms, votes and entries, in the order in which they were submitted.
 *
 * Group commit: one write and fdatasync is under way; all that is submitted meanwhile rides on the next.
 * After a crash the journal holds a prefix of what was submitted, and all that was reported durable.
 */
import type { Ballast } from './ballast.js';
import { GroupLog } from './group-log.js';
import type { GroupLogContext } from './group-log-context.js';
import { INITIAL_HARD_STATE } from './hard-state.js';
import { FRAME_HEADER_BYTES } from './journal-frame.js';
import type { JournalFile } from './journal-file.js';
import { type OpenedJournal, openFiles } from './journal-open.js';
import type { JournalListener, JournalOptions } from './journal-options.js';
import type { RecoveredGroup } from './journal-replay.js';
import { JournalWriter, type PlannedWrite } from './journal-writer.js';
import { PayloadCache } from './payload-cache.js';
import { RoomWait } from './room-wait.js';
import { SampleCache } from './sample-cache.js';
import { Sealer } from './sealer.js';
import { attempt } from './storage-errors.js';
import { type CostedWrite, SubmittedGroup } from './submitted-group.js';
import type { Superseded } from './superseded.js';
import { BellwetherError } from '../errors.js';
import { invariant } from '../invariant.js';
import type { Snapshot } from '../raft/log.js';
import type { Entry, GroupId, HardState } from '../raft/types.js';

const MEBIBYTE = 1024 * 1024;

const DEFAULT_CHECKPOINT_FILES = 2;
const DEFAULT_CACHE_BYTES = 64 * MEBIBYTE;
const DEFAULT_PENDING_BYTES_MAX = 512 * MEBIBYTE;
/** A batch takes submissions up to here, and always one. */
const BATCH_BYTES_MAX = 16 * MEBIBYTE;

/** One thing to be remembered. The journal keeps references: nothing in it may change afterwards. */
export type JournalWrite =
  | { readonly kind: 'hardState'; readonly group: GroupId; readonly state: HardState }
  /** Contiguous; replaces what the group has from `entries[0].index` on. */
  | { readonly kind: 'entries'; readonly group: GroupId; readonly entries: readonly Entry[] }
  /** What the group's log begins with from now on; `GroupLog.install` says which entries it leaves. */
  | { readonly kind: 'snapshot'; readonly group: GroupId; readonly snapshot: Snapshot }
  /** Forgets the group. */
  | { readonly kind: 'dropGroup'; readonly group: GroupId };

interface Submission {
  readonly sequence: number;
  readonly writes: readonly PlannedWrite[];
  readonly bytes: number;
  readonly frameCount: number;
}

export class Journal {
  readonly #writer: JournalWriter;
  readonly #sealer: Sealer;
  readonly #files: readonly JournalFile[];
  readonly #context: GroupLogContext;
  readonly #pendingBytesMax: number;
  readonly #ballast: Ballast;
  readonly #superseded: Superseded;
  readonly #room: RoomWait;
  readonly #groups = new Map<GroupId, SubmittedGroup>();
  #listener: JournalListener | undefined;
  #queue: Submission[] = [];
  /** Bytes in the queue and in the write under way. */
  #pendingBytes = 0;
  #submittedSequence = 0;
  #durableSequence = 0;
  /** The write loop, while it runs. */
  #writing: Promise<void> | undefined;
  /** Once set, it stays: a retried fsync reports success for pages that the kernel has dropped (B10). */
  #failure: BellwetherError | undefined;
  #closed = false;

  private constructor(opened: OpenedJournal, context: GroupLogContext, options: JournalOptions) {
    const { files, end, groups, writerOptions, ballast } = opened;
    this.#writer = new JournalWriter(writerOptions, files, end);
    this.#files = files;
    this.#context = context;
    this.#pendingBytesMax = options.pendingBytesMax ?? DEFAULT_PENDING_BYTES_MAX;
    this.#ballast = ballast;
    this.#superseded = opened.superseded;
    const { spares } = writerOptions;
    const giveBack = async (bytes: number): Promise<boolean> =>
      (await spares.clear()) > 0 || ballast.giveBack(bytes);
    this.#room = new RoomWait({ giveBack }, options.roomRetry);
    for (const [group, { hardState, log }] of groups) {
      this.#groups.set(group, new SubmittedGroup(log, hardState));
    }
    const checkpointFiles = options.checkpointFiles ?? DEFAULT_CHECKPOINT_FILES;
    this.#sealer = new Sealer({ ...opened.place, checkpointFiles, ballast, spares }, opened.copier, files, {
      copied: (sequence, copied) => {
        for (const { group, log } of copied) this.#groups.get(group)?.log.moveToSegments(sequence, log);
      },
      machineState: (group) => this.#listener?.machineState?.(group),
      wantedBytes: (file) => {
        let bytes = 0;
        for (const { log } of this.#groups.values()) bytes += log.bytesIn(file);
        return bytes;
      },
      failed: (error) => {
        this.#fail(error);
      },
    });
  }

  /**
   * Opens the journal, or begins one, and recovers what it holds. All that is recovered is durable.
   *
   * @throws STORAGE_CORRUPT, naming file and position, when synced bytes are damaged or missing.
   * @throws STORAGE_FAILED, naming file and errno.
   */
  static async open(
    options: JournalOptions,
  ): Promise<{ readonly journal: Journal; readonly groups: Map<GroupId, RecoveredGroup> }> {
    const context: GroupLogContext = {
      cache: new PayloadCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES),
      segments: { fileSystem: options.fileSystem, samples: new SampleCache() },
      onReadFailed: (error) => {
        journal.#fail(error);
      },
    };
    const segmentBytes = (group: GroupId): number | undefined => journal.#listener?.segmentBytes?.(group);
    const opened = await openFiles(options, context, segmentBytes);
    const journal = new Journal(opened, context, options);
    journal.#sealer.look();
    return { journal, groups: opened.groups };
  }

  /** Highest sequence number up to which everything is on disk; 0 before the first. */
  get durableSequence(): number {
    return this.#durableSequence;
  }

  /** Bytes submitted and not durable yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** True while what was submitted finds no room on the disk, and then until `tight` is called. */
  get isFull(): boolean {
    return this.#room.isFull;
  }

  /** Bytes that the ballast lacks. */
  get ballastMissing(): number {
    return this.#ballast.missingBytes;
  }

  /** Why the journal stopped, if it did. */
  get failure(): BellwetherError | undefined {
    return this.#failure;
  }

  /** Sets the listener; once. */
  listen(listener: JournalListener): void {
    invariant(this.#listener === undefined, 'a journal has one listener');
    this.#listener = listener;
  }

  /** The empty log of a group that the journal does not hold yet. Writes nothing. */
  createGroupLog(group: GroupId): GroupLog {
    invariant(!this.#groups.has(group), 'a group has one log', { group });
    const log = new GroupLog(group, this.#context);
    this.#groups.set(group, new SubmittedGroup(log, INITIAL_HARD_STATE));
    return log;
  }

  /**
   * Queues writes, in order, behind all that was submitted before. A group's term goes before the
   * entries and the snapshot of that term. Entries are appended to the group's log first, and snapshots
   * installed in it, in the order in which they are submitted.
   *
   * Callers bound what they submit ahead of `onDurable`; beyond `pendingBytesMax` it is a defect.
   *
   * @returns Sequence number of this submission, from 1, one higher each time.
   * @throws The error of `onFailed`, once the journal has stopped.
   */
  submit(writes: readonly JournalWrite[]): number {
    if (this.#failure !== undefined) throw this.#failure;
    invariant(!this.#closed, 'nothing is submitted to a closed journal');
    const planned: PlannedWrite[] = [];
    let bytes = 0;
    let frameCount = 0;
    for (const write of writes) {
      const costed = this.#plan(write);
      planned.push(costed.write);
      bytes += costed.bytes;
      frameCount += costed.frameCount;
    }
    this.#pendingBytes += bytes;
    invariant(this.#pendingBytes <= this.#pendingBytesMax, 'callers bound what is pending in the journal', {
      pendingBytes: this.#pendingBytes,
      pendingBytesMax: this.#pendingBytesMax,
    });
    this.#submittedSequence += 1;
    this.#queue.push({ sequence: this.#submittedSequence, writes: planned, bytes, frameCount });
    this.#writing ??= this.#writeQueue();
    return this.#submittedSequence;
  }

  /**
   * Says how many bytes of the disk are free while they are few; undefined while they are many. The less there is,
   * the sooner the journal lets go of files.
   */
  tight(freeBytes: number | undefined): void {
    this.#room.looked();
    this.#sealer.tight(freeBytes);
  }

  /** Takes a little more of the disk for when it is full, up to a bound. For while there is plenty. */
  stockUp(): void {
    if (this.#failure !== undefined || this.#closed) return;
    this.#ballast.grow().catch((error: unknown) => {
      if (!(error instanceof BellwetherError)) throw error;
      this.#fail(error);
    });
  }

  /**
   * Begins a new file, so that the one before is copied, and what deletions in it have made needless is removed.
   * For a disk that is nearly full.
   */
  makeRoom(): void {
    if (this.#failure !== undefined || this.#closed) return;
    this.#writer.rollSoon();
    this.submit([]);
  }

  /** Writes what was submitted, as far as there is room, then closes the files. Nothing may be submitted or read afterwards. */
  async close(): Promise<void> {
    invariant(!this.#closed, 'a journal is closed once');
    this.#closed = true;
    await this.#writing;
    await this.#sealer.stop();
    await this.#ballast.close();
    for (const file of this.#files) await attempt('close', file.path, () => file.storage.close());
  }

  #plan(write: JournalWrite): CostedWrite {
    const group = this.#groups.get(write.group);
    invariant(group !== undefined, 'a group has a log before anything is submitted for it', {
      group: write.group,
    });
    if (write.kind === 'hardState') return group.planHardState(write.state);
    if (write.kind === 'entries') return group.planEntries(write.entries);
    if (write.kind === 'snapshot') return group.planSnapshot(write.snapshot);
    group.log.drop();
    this.#groups.delete(write.group);
    return { write, bytes: FRAME_HEADER_BYTES, frameCount: 1 };
  }

  /** The one place that writes: batch after batch, until nothing is queued or the disk fails. */
  async #writeQueue(): Promise<void> {
    // What is submitted in the same turn of the event loop goes into the first batch too.
    await Promise.resolve();
    while (this.#queue.length > 0 && this.#failure === undefined) {
      const batch = this.#takeBatch();
      const writes = batch.flatMap((submission) => submission.writes);
      const frameCount = batch.reduce((sum, submission) => sum + submission.frameCount, 0);
      const bytes = batch.reduce((sum, submission) => sum + submission.bytes, 0);
      await this.#sealer.pace(bytes);
      try {
        const isGivenUp = (): boolean => this.#closed || this.#failure !== undefined;
        await this.#room.write(bytes, () => this.#writer.write(writes, frameCount), isGivenUp);
      } catch (error) {
        if (!(error instanceof BellwetherError)) throw error;
        this.#fail(error);
      }
      if (this.#failure === undefined) this.#onWritten(batch, writes);
    }
    this.#writing = undefined;
  }

  #takeBatch(): Submission[] {
    let count = 0;
    let bytes = 0;
    for (const submission of this.#queue) {
      bytes += submission.bytes;
      if (count > 0 && bytes > BATCH_BYTES_MAX) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  #onWritten(batch: readonly Submission[], writes: readonly PlannedWrite[]): void {
    for (const write of writes) {
      if (write.kind === 'snapshot') this.#superseded.installed(write.group, write.index);
      else if (write.kind === 'dropGroup') this.#superseded.dropped(write.group);
      else if (write.kind === 'entries') {
        for (const slot of write.slots) if (slot.live) this.#context.cache.add(slot);
      }
    }
    for (const submission of batch) {
      this.#pendingBytes -= submission.bytes;
      this.#durableSequence = submission.sequence;
    }
    this.#listener?.onDurable(this.#durableSequence);
    this.#sealer.look();
  }

  /** The listener is told in a turn of its own: a read that fails is in the middle of its caller's work. */
  #fail(error: BellwetherError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#queue = [];
    this.#pendingBytes = 0;
    queueMicrotask(() => {
      this.#listener?.onFailed(error);
    });
  }
}
