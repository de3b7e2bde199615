/**
 * Snapshots for followers that need entries which the leader has no more (Raft section 7). Pure.
 *
 * One chunk is on the way at a time. The first is empty and asks how much of this snapshot the follower
 * has: after a break, or from another leader with the same bytes, the rest goes on from there. The records
 * are no part of it: they are the log behind the snapshot, and follow as appends.
 */

import { invariant } from '../invariant.js';
import type { InstallSnapshot, SnapshotReply } from './messages.js';
import type { Progress } from './progress.js';
import { SnapshotReceipt } from './snapshot-receipt.js';
import { becomeFollower, type RaftState } from './state.js';
import type { BrokerId } from './types.js';

const EMPTY = new Uint8Array(0);

/** Sends the next chunk of the snapshot that `progress` is at, or begins with the one of the log. */
export function sendChunk(state: RaftState, nowMs: number, peer: BrokerId, progress: Progress): void {
  if (progress.sending === undefined) {
    invariant(state.log.snapshot !== undefined, 'a log without its oldest entries has a snapshot (I14)');
    progress.toSnapshot(state.log.snapshot);
  }
  const { sending } = progress;
  invariant(sending !== undefined, 'a snapshot is being sent');
  const { snapshot, checksum, nextByte } = sending;
  const endByte = (nextByte ?? 0) + state.config.tuning.snapshotChunkBytes;
  state.messages.push({
    kind: 'installSnapshot',
    from: state.config.id,
    to: peer,
    term: state.term,
    snapshotIndex: snapshot.index,
    snapshotTerm: snapshot.term,
    checksum,
    membership: snapshot.membership,
    totalBytes: snapshot.data.length,
    offset: nextByte ?? 0,
    chunk: nextByte === undefined ? EMPTY : snapshot.data.subarray(nextByte, endByte),
  });
  progress.sentChunk(nowMs);
}

/** Takes in what a follower has of a snapshot. */
export function onSnapshotReply(state: RaftState, nowMs: number, reply: SnapshotReply): void {
  if (reply.term > state.term) {
    becomeFollower(state, nowMs, reply.term, undefined);
    return;
  }
  const progress = state.leadership?.progress.get(reply.from);
  if (progress === undefined || reply.term < state.term) return;
  if (reply.installed) progress.installed(reply.snapshotIndex);
  else progress.receivedBytes(nowMs, reply);
}

/** Takes a chunk in; with the last one the snapshot takes the place of the log. */
export function onInstallSnapshot(state: RaftState, nowMs: number, chunk: InstallSnapshot): void {
  if (chunk.term < state.term) {
    reply(state, chunk, false);
    return;
  }
  invariant(state.role !== 'leader' || chunk.term > state.term, 'no leader installs a snapshot (I15)', {
    term: state.term,
    claims: chunk.from,
  });
  becomeFollower(state, nowMs, chunk.term, chunk.from);
  const { log } = state;
  if (chunk.snapshotIndex <= log.commitIndex || log.termAt(chunk.snapshotIndex) === chunk.snapshotTerm) {
    // The log has the entry, so it has all before it: nothing is thrown away for what is here (B19).
    if (log.commitTo(chunk.snapshotIndex) && state.config.persistCommit) state.hardStateDirty = true;
    state.receipt = undefined;
    reply(state, chunk, true);
    return;
  }
  if (chunk.totalBytes > state.config.tuning.snapshotBytesMax) return;
  if (state.receipt?.isOf(chunk) !== true) state.receipt = new SnapshotReceipt(chunk);
  state.receipt.take(chunk);
  const { data } = state.receipt;
  // An empty snapshot is complete with the question; the others only with their last chunk.
  if (data === 'damaged') state.receipt = undefined;
  if (data === 'damaged' || data === 'incomplete') {
    reply(state, chunk, false);
    return;
  }
  const { snapshotIndex: index, snapshotTerm: term, membership } = chunk;
  state.receipt = undefined;
  state.hardStateDirty = true;
  log.restore({ index, term, membership, data });
  reply(state, chunk, true);
}

/** Leaves when all that it claims is on disk. */
function reply(state: RaftState, chunk: InstallSnapshot, installed: boolean): void {
  const { snapshotIndex, snapshotTerm, checksum } = chunk;
  state.messagesAfterPersist.push({
    kind: 'snapshotReply',
    from: state.config.id,
    to: chunk.from,
    term: state.term,
    snapshotIndex,
    snapshotTerm,
    checksum,
    receivedBytes: state.receipt?.isOf(chunk) === true ? state.receipt.receivedBytes : 0,
    installed,
  });
}
