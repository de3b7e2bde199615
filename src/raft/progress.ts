/**
 * What a leader knows of one follower's log, and how much is on the way to it. Pure.
 *
 * All transitions are here. `probe`: the match is unknown; one append at a time. `replicate`: the
 * match is known; appends are pipelined within the window. `snapshot`: it needs entries that the leader has
 * no more; one chunk at a time. Invariant: match < next (I16).
 */

import { crc32c } from '../crc32c.js';
import { invariant } from '../invariant.js';
import type { Snapshot } from './log.js';
import type { SnapshotReply } from './messages.js';
import { asLogIndex, type LogIndex } from './types.js';

export interface Window {
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
}

interface Inflight {
  readonly last: LogIndex;
  readonly bytes: number;
}

/** A snapshot on its way to a follower. Kept whole until it has arrived, even if the log has a newer one. */
interface Sending {
  readonly snapshot: Snapshot;
  readonly checksum: number;
  /** Undefined until the follower has said how much of it is there. */
  nextByte: number | undefined;
}

export class Progress {
  state: 'probe' | 'replicate' | 'snapshot' = 'probe';
  /** The logs are equal up to here and the follower has it on disk. */
  match = asLogIndex(0);
  /** Next entry to send. */
  next: LogIndex;
  /** Commit index that the follower confirmed, and the one last sent to it. */
  commitConfirmed = asLogIndex(0);
  commitSent = asLogIndex(0);
  /** Last round of reads that was sent to it, and the last that it answered (reads.ts). */
  readRoundSent = 0;
  readRoundAnswered = 0;
  /** True in `probe` while an append is on the way, in `snapshot` while a chunk is. */
  probing = false;
  /** In `snapshot` only. */
  sending: Sending | undefined;
  /** When something unanswered was first sent or last answered; undefined when all is answered. */
  waitingSinceMs: number | undefined;
  #inflight: Inflight[] = [];
  #inflightBytes = 0;

  constructor(next: LogIndex) {
    this.next = next;
  }

  /** True when another append may be sent. */
  isOpen(window: Window): boolean {
    if (this.state !== 'replicate') return !this.probing;
    return (
      this.#inflight.length < window.inflightMessagesMax && this.#inflightBytes < window.inflightBytesMax
    );
  }

  /** Notes that an append with entries up to `last` was sent. */
  sent(nowMs: number, last: LogIndex, bytes: number, commit: LogIndex): void {
    this.waitingSinceMs ??= nowMs;
    this.commitSent = commit;
    if (this.state === 'probe') {
      this.probing = true;
      return;
    }
    invariant(last >= this.next - 1, 'entries are sent in order', { last, next: this.next });
    if (last < this.next) return;
    this.#inflight.push({ last, bytes });
    this.#inflightBytes += bytes;
    this.next = asLogIndex(last + 1);
  }

  /** Notes that an append carried the last round of reads; `sent` notes the append itself. */
  sentRound(readRound: number): void {
    this.readRoundSent = readRound;
  }

  /**
   * Takes in that a round of reads was answered, in the leader's own term. One that this progress never sent
   * was sent before the member was removed and added again.
   */
  answeredRound(readRound: number): void {
    if (readRound > this.readRoundSent) return;
    if (readRound > this.readRoundAnswered) this.readRoundAnswered = readRound;
  }

  /** Takes an acceptance in. Returns true when the match moved. */
  accepted(
    nowMs: number,
    match: LogIndex,
    commit: LogIndex,
    lastIndex: LogIndex,
    commitIndex: LogIndex,
  ): boolean {
    if (commit > this.commitConfirmed) this.commitConfirmed = commit;
    const moved = match > this.match;
    if (moved) this.match = match;
    if (this.state === 'probe' || this.match >= (this.sending?.snapshot.index ?? Infinity))
      this.#toReplicate();
    if (this.next <= this.match) this.next = asLogIndex(this.match + 1);
    let done = 0;
    for (const inflight of this.#inflight) {
      if (inflight.last > match) break;
      this.#inflightBytes -= inflight.bytes;
      done += 1;
    }
    if (done > 0) this.#inflight = this.#inflight.slice(done);
    invariant(this.#inflightBytes >= 0, 'inflight bytes are counted once');
    const settled =
      this.match >= lastIndex &&
      this.commitConfirmed >= commitIndex &&
      this.readRoundAnswered >= this.readRoundSent;
    this.waitingSinceMs = settled ? undefined : nowMs;
    return moved;
  }

  /**
   * Takes a rejection in: goes back to `next`. Returns false for a stale one, which must change nothing
   * (etcd/raft, `MaybeDecrTo`).
   *
   * A probe at the match itself that is rejected comes from a replica that was dropped and made anew, as a
   * learner may be: what it had counts no more. Were the answer a late one, a probe would be lost for it.
   */
  rejected(nowMs: number, rejectedIndex: LogIndex, next: LogIndex): boolean {
    if (rejectedIndex < this.match || this.state === 'snapshot') return false;
    if (this.state === 'probe' ? rejectedIndex !== this.next - 1 : rejectedIndex === this.match) return false;
    if (rejectedIndex === this.match) this.match = asLogIndex(0);
    this.toProbe();
    this.next = asLogIndex(Math.max(this.match + 1, Math.min(next, rejectedIndex)));
    this.waitingSinceMs = nowMs;
    return true;
  }

  /** Begins to send a snapshot. */
  toSnapshot(snapshot: Snapshot): void {
    invariant(snapshot.index > this.match, 'a snapshot has something new', { match: this.match });
    this.toProbe();
    this.state = 'snapshot';
    this.sending = { snapshot, checksum: crc32c(snapshot.data), nextByte: undefined };
  }

  /** Notes that a chunk was sent. */
  sentChunk(nowMs: number): void {
    this.waitingSinceMs ??= nowMs;
    this.probing = true;
  }

  /** Takes in how much of a snapshot has arrived; a late answer about another one changes nothing. */
  receivedBytes(nowMs: number, { snapshotIndex, checksum, receivedBytes }: SnapshotReply): void {
    const { sending } = this;
    if (sending?.snapshot.index !== snapshotIndex || sending.checksum !== checksum) return;
    sending.nextByte = Math.min(receivedBytes, sending.snapshot.data.length);
    this.probing = false;
    this.waitingSinceMs = nowMs;
  }

  /** Takes in that the follower has all that a snapshot up to `index` stands for. */
  installed(index: LogIndex): void {
    if (index > this.commitConfirmed) this.commitConfirmed = index;
    if (index > this.match) this.match = index;
    if (this.match >= (this.sending?.snapshot.index ?? 0) && this.state !== 'replicate') {
      // A probe, unlike a chunk, may still be on the way.
      if (this.state === 'snapshot') this.waitingSinceMs = undefined;
      this.#toReplicate();
    }
    if (this.next <= this.match) this.next = asLogIndex(this.match + 1);
  }

  #toReplicate(): void {
    this.state = 'replicate';
    this.sending = undefined;
    this.probing = false;
    this.next = asLogIndex(this.match + 1);
  }

  /**
   * Forgets what is on the way: after a broken link or a silence nobody knows what arrived. A probe keeps
   * its place: from `match + 1`, with no match known yet, the whole log would be sent again.
   */
  toProbe(): void {
    if (this.state !== 'probe') this.next = asLogIndex(this.match + 1);
    this.state = 'probe';
    this.sending = undefined;
    this.probing = false;
    this.commitSent = asLogIndex(0);
    this.waitingSinceMs = undefined;
    this.#inflight = [];
    this.#inflightBytes = 0;
  }
}
