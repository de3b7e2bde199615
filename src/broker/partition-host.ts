/** One replica of one partition on this broker: appends, reads, and waits at the high watermark. */

import type { BellwetherError } from '../errors.js';
import type { PartitionAssignment } from '../cluster/cluster-types.js';
import type { TopicConfig } from '../cluster/topic-config.js';
import { encodeDeleteRecords } from '../log/delete-records.js';
import { PartitionLog } from '../log/partition-log.js';
import type { SequenceVerdict } from '../log/producer-state.js';
import type { Snapshot } from '../raft/log.js';
import { type Entry, ENTRY_KIND, type LogIndex } from '../raft/types.js';
import { type BatchHeader, stampBatch } from '../records/batch-header.js';
import type { TimedOffset } from '../records/batch-time.js';
import { asOffset, type Offset } from '../records/offset.js';
import type { MachineState } from '../storage/stored-group.js';
import type { Clock } from './clock.js';
import type { GroupHost, GroupMachine } from './group-host.js';
import { OffsetCommits, type RequestedCommit } from './offset-commits.js';
import { OffsetPolls } from './offset-polls.js';
import { append, committed, durable, type Proposal } from './proposals.js';
import { readBatches, readFirstAtTime } from './read-batches.js';
import { confirmed } from './reads.js';
import { offsetOutOfRange, refusedSequence } from './refusals.js';

/** How much must have happened before a produce is answered: none, the leader's disk, a quorum. */
export type Acks = 'none' | 'leader' | 'all';

export interface Produced {
  /** Undefined with acks none: nothing is promised. */
  readonly baseOffset: Offset | undefined;
  readonly term: number;
  readonly recordCount: number;
  /** The batch was there already: offset and term are those of the first time. */
  readonly isDuplicate: boolean;
}

export interface Fetched {
  /** Record batches in offset order; the first may begin below the offset asked for. */
  readonly batches: readonly Uint8Array[];
  readonly highWatermark: Offset;
  readonly logStartOffset: Offset;
}

type Duplicate = Extract<SequenceVerdict, { readonly kind: 'duplicate' }>;
type Refusal = Extract<SequenceVerdict, { readonly kind: 'outOfOrder' | 'fenced' }>;

export class PartitionHost implements GroupMachine {
  /** As the metadata has it now. */
  assignment: PartitionAssignment;
  readonly log = new PartitionLog();
  readonly #clock: Clock;
  readonly #commits: OffsetCommits;
  readonly #polls: OffsetPolls;
  readonly #elsewhere: () => BellwetherError;
  readonly #config: () => TopicConfig;
  #group: GroupHost | undefined;
  #isDropped = false;

  constructor(
    assignment: PartitionAssignment,
    clock: Clock,
    elsewhere: () => BellwetherError,
    config: () => TopicConfig,
  ) {
    this.assignment = assignment;
    this.#clock = clock;
    this.#commits = new OffsetCommits(clock);
    this.#elsewhere = elsewhere;
    this.#config = config;
    this.#polls = new OffsetPolls(clock);
  }

  /** Called once, when the group of this machine is made. */
  attach(group: GroupHost): void {
    this.#group = group;
  }

  get group(): GroupHost {
    if (this.#group === undefined) throw this.#elsewhere();
    return this.#group;
  }

  get segmentBytes(): number {
    return this.#config().segment_bytes;
  }

  get leads(): boolean {
    return this.group.raft.role === 'leader';
  }

  appended(entry: Entry): void {
    this.log.appended(entry);
  }

  truncatedFrom(index: LogIndex): void {
    this.log.truncatedFrom(index);
  }

  restored(snapshot: Snapshot): void {
    this.log.restored(snapshot);
    this.#polls.wakeBelow(this.log.highWatermark);
  }

  checkpoint(storedTo: LogIndex, segmentStarts: readonly LogIndex[]): MachineState | undefined {
    return this.log.checkpoint(storedTo, segmentStarts);
  }

  resumed(state: MachineState): LogIndex {
    return this.log.resumed(state.data);
  }

  /** Nothing more happens here: whoever waits is sent elsewhere (I19). */
  dropped(): void {
    this.#isDropped = true;
    this.#group?.dropped();
    this.endPolls();
  }

  /** Answers whoever waits for a record with none. */
  endPolls(): void {
    this.#polls.wakeAll();
  }

  compactable(): LogIndex {
    return this.log.compactable();
  }

  snapshot(appliedIndex: LogIndex): Uint8Array {
    return this.log.snapshot(appliedIndex);
  }

  compactedTo(index: LogIndex): void {
    this.log.compactedTo(index);
  }

  committedTo(index: LogIndex): void {
    if (this.log.committedTo(index, this.#commits.settled)) this.#polls.wakeBelow(this.log.highWatermark);
  }

  /**
   * Appends one validated batch; the leader stamps offset and term into it in place. A batch of an
   * idempotent producer that is in the log already is not appended again, but acknowledged as the first
   * one is: never before that one is.
   *
   * `woken` must be called to have the group driven.
   */
  async produce(
    batch: Uint8Array,
    header: BatchHeader,
    acks: Acks,
    timeoutMs: number,
    woken: () => void,
  ): Promise<Produced> {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
    let verdict = this.#sequenceOf(header);
    if (isRefusal(verdict)) {
      // One that was deposed and does not know it must not refuse for good what its successor would take.
      await this.confirmLeadership(timeoutMs, woken);
      verdict = this.#sequenceOf(header);
      if (isRefusal(verdict)) throw refusedSequence(verdict, header, this.assignment);
    }
    const leftMs = deadlineMs - this.#clock.monotonicMs();
    if (verdict.kind === 'duplicate') return this.#acknowledgeAgain(verdict, header, acks, leftMs);
    // No wait from the look at the sequence to the append: batches in flight follow each other.
    const baseOffset = this.log.logEndOffset;
    stampBatch(batch, baseOffset, this.group.raft.term);
    const proposal = this.#proposal(ENTRY_KIND.RECORD_BATCH, batch);
    const appended = append(proposal);
    woken();
    const { recordCount } = header;
    const { term } = appended;
    if (acks === 'none') return { baseOffset: undefined, term, recordCount, isDuplicate: false };
    const wait = acks === 'all' ? committed : durable;
    await wait(this.#clock, proposal, appended, leftMs);
    return { baseOffset, term, recordCount, isDuplicate: false };
  }

  #sequenceOf(header: BatchHeader): SequenceVerdict {
    return header.producerId < 0 ? { kind: 'next' } : this.log.producers.check(header);
  }

  /** Answers a batch that is in the log as the one that came first is answered, and no earlier. */
  async #acknowledgeAgain(
    { batch, index }: Duplicate,
    { recordCount }: BatchHeader,
    acks: Acks,
    timeoutMs: number,
  ): Promise<Produced> {
    const { baseOffset, term } = batch;
    if (acks === 'none') return { baseOffset: undefined, term, recordCount, isDuplicate: true };
    const { group } = this;
    const isThere = index === undefined || (acks === 'leader' && index <= group.raft.durableIndex);
    if (!isThere) {
      const proposal = { group, subject: this.assignment, elsewhere: this.#elsewhere };
      const wait = acks === 'all' ? committed : durable;
      await wait(this.#clock, proposal, { index, term }, timeoutMs);
    }
    return { baseOffset, term, recordCount, isDuplicate: true };
  }

  /** Stores a consumer group's offset; resolves with the entry's index once it took effect. */
  commitOffset(commit: RequestedCommit, timeoutMs: number, woken: () => void): Promise<LogIndex> {
    return this.#commits.commit((...entry) => this.#proposal(...entry), commit, timeoutMs, woken);
  }

  /**
   * Deletes all records below `before`, or all committed ones; resolves with the log start offset once that
   * is committed. Nothing is left to do when the log begins there already.
   *
   * @throws BellwetherError OFFSET_OUT_OF_RANGE beyond the high watermark: only what is committed may go.
   */
  async deleteRecords(before: Offset | 'all', timeoutMs: number, woken: () => void): Promise<Offset> {
    const { highWatermark, logStartOffset } = this.log;
    const offset = before === 'all' ? highWatermark : before;
    if (offset > highWatermark) throw this.#outOfRange(offset, highWatermark);
    if (offset <= logStartOffset) return logStartOffset;
    const payload = encodeDeleteRecords({ beforeOffset: offset });
    const proposal = this.#proposal(ENTRY_KIND.DELETE_RECORDS, payload);
    const appended = append(proposal);
    woken();
    await committed(this.#clock, proposal, appended, timeoutMs);
    return asOffset(Math.max(offset, this.log.logStartOffset));
  }

  /**
   * Resolves once a quorum has confirmed that this replica leads: the log then has all that was
   * acknowledged before the call. `woken` must have the group driven. Fails as `confirmed` of reads.ts.
   */
  confirmLeadership(timeoutMs: number, woken: () => void): Promise<void> {
    const { group, assignment } = this;
    const read = { group, subject: assignment, elsewhere: this.#elsewhere, woken };
    return confirmed(this.#clock, read, timeoutMs);
  }

  /**
   * Reads committed batches from `offset` on, up to `bytesMax` (the first batch always), and waits up to
   * `waitMs` for one to appear.
   *
   * @throws BellwetherError OFFSET_OUT_OF_RANGE below the log start or beyond the log end.
   */
  async fetch(offset: number, bytesMax: number, waitMs: number): Promise<Fetched> {
    this.checkOffset(offset);
    const from = asOffset(offset);
    if (from >= this.log.highWatermark && waitMs > 0) {
      await this.#polls.reached(from, waitMs);
      if (this.#isDropped) throw this.#elsewhere();
      this.checkOffset(offset);
    }
    const first = this.log.indexOfOffset(from);
    const { highWatermark, logStartOffset } = this.log;
    if (first === undefined) return { batches: [], highWatermark, logStartOffset };
    const { log, appliedIndex } = this.group;
    const batches = await readBatches(log, { first, last: appliedIndex, offset: from, bytesMax });
    return { batches, highWatermark, logStartOffset };
  }

  /** The first committed record with at least this timestamp, in offset order; undefined when there is none. */
  async firstAtTime(timestampMs: number): Promise<TimedOffset | undefined> {
    const { log, appliedIndex } = this.group;
    const found = await readFirstAtTime(log, this.log, appliedIndex, timestampMs);
    if (this.#isDropped || found === 'gone') throw this.#elsewhere();
    return found;
  }

  /** True once the high watermark has moved; false when it does not within `waitMs`, or nothing may wait. */
  async advanced(waitMs: number): Promise<boolean> {
    const { highWatermark } = this.log;
    await this.#polls.reached(highWatermark, waitMs);
    return !this.#isDropped && this.log.highWatermark > highWatermark;
  }

  /**
   * Calls back once there may be something to read at `offset`: records, or the end of this replica. At once when
   * there is already. The returned function stops waiting. The caller bounds how many wait.
   */
  onReached(offset: number, woken: () => void): () => void {
    if (this.#isDropped || offset < this.log.highWatermark) woken();
    return this.#polls.add(asOffset(offset), woken);
  }

  /** @throws BellwetherError OFFSET_OUT_OF_RANGE below the log start or, where this replica leads, beyond the log end */
  checkOffset(offset: number): void {
    const { logStartOffset, logEndOffset } = this.log;
    // A follower may not have heard yet of records that a reader has seen at the leader.
    const end = this.leads ? logEndOffset : Infinity;
    if (offset >= logStartOffset && offset <= end) return;
    throw this.#outOfRange(offset, logEndOffset);
  }

  #proposal(kind: Proposal['kind'], payload: Uint8Array): Proposal {
    return { group: this.group, subject: this.assignment, kind, payload, elsewhere: this.#elsewhere };
  }

  #outOfRange(offset: number, end: Offset): BellwetherError {
    return offsetOutOfRange(this.assignment, this.log, offset, end);
  }
}

function isRefusal(verdict: SequenceVerdict): verdict is Refusal {
  return verdict.kind === 'outOfOrder' || verdict.kind === 'fenced';
}
