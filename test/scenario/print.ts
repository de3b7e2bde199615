/** Stable, readable text of what a scenario shows. Entries are `index@term:payload`. */

import { decodeMembership, type Membership } from '../../src/raft/membership.js';
import type { Message } from '../../src/raft/messages.js';
import type { Progress } from '../../src/raft/progress.js';
import type { Raft } from '../../src/raft/raft.js';
import { type BrokerId, type Entry, ENTRY_KIND, type HardState } from '../../src/raft/types.js';
import type { FakeDisk } from '../raft/fake-disk.js';

/** `3@2:text`, `3@2:noop`, `3@2:members(n1,n2+n3)`, or `3@2` for a payload without bytes. */
export function printEntry(entry: Entry): string {
  const text = payloadText(entry);
  return `${String(entry.index)}@${String(entry.term)}${text === '' ? '' : `:${text}`}`;
}

function payloadText({ kind, payload }: Entry): string {
  if (kind === ENTRY_KIND.NOOP) return 'noop';
  if (kind === ENTRY_KIND.MEMBERSHIP) return `members(${printMembers(decodeMembership(payload))})`;
  return new TextDecoder().decode(payload);
}

/** Voters, then learners behind a plus: `n1,n2+n3`. */
export function printMembers({ voters, learners }: Membership): string {
  return `${voters.join()}${learners.length === 0 ? '' : `+${learners.join()}`}`;
}

export function printEntries(entries: readonly Entry[]): string {
  return entries.length === 0 ? 'none' : entries.map(printEntry).join(' ');
}

/** `from>to kind term=N` and what the kind adds. */
export function printMessage(message: Message): string {
  return `${message.from}>${message.to} ${message.kind} term=${String(message.term)}${details(message)}`;
}

function details(message: Message): string {
  switch (message.kind) {
    case 'voteRequest': {
      const how = `${message.preVote ? ' preVote' : ''}${message.leadershipTransfer ? ' transfer' : ''}`;
      return `${how} last=${String(message.lastLogIndex)}@${String(message.lastLogTerm)}`;
    }
    case 'voteReply': {
      const answer = message.granted ? 'granted' : 'refused';
      return `${message.preVote ? ' preVote' : ''} ${answer} for term ${String(message.requestedTerm)}`;
    }
    case 'append': {
      const entries = message.entries.length === 0 ? 'empty' : `[${printEntries(message.entries)}]`;
      const prev = `${String(message.prevLogIndex)}@${String(message.prevLogTerm)}`;
      return ` prev=${prev} commit=${String(message.leaderCommit)} ${entries}`;
    }
    case 'appendReply':
      return message.accepted
        ? ` accepted match=${String(message.matchIndex)} commit=${String(message.commitIndex)}`
        : ` rejected prev=${String(message.rejectedIndex)} hint=${String(message.hintIndex)}@${String(message.hintTerm)}`;
    case 'installSnapshot':
      return ` snapshot=${String(message.snapshotIndex)}@${String(message.snapshotTerm)} bytes=${String(message.offset)}+${String(message.chunk.length)}/${String(message.totalBytes)}`;
    case 'snapshotReply':
      return ` snapshot=${String(message.snapshotIndex)}@${String(message.snapshotTerm)} ${message.installed ? 'installed' : `received=${String(message.receivedBytes)}`}`;
    case 'timeoutNow':
      return ` ${message.cause} blocked=${String(message.blockedMs)}ms`;
  }
}

export function printHardState(state: HardState): string {
  return `term=${String(state.term)} vote=${state.votedFor ?? 'none'} commit=${String(state.commit)}`;
}

/** What the others would like to know of a replica: role, leader, term, commit index. */
export function printRole(id: BrokerId, raft: Raft): string {
  const of = raft.leader === undefined || raft.role === 'leader' ? '' : ` of ${raft.leader}`;
  const target = raft.transferTarget === undefined ? '' : `, transferring to ${raft.transferTarget}`;
  return `${id} is ${raft.role}${of}, term ${String(raft.term)}, commit ${String(raft.commitIndex)}${target}`;
}

/** The role, the ends of the log, what the disk has, and when the timer is due. */
export function printStatus(id: BrokerId, raft: Raft, disk: FakeDisk, nowMs: number): string {
  const timer = raft.deadlineMs === Infinity ? 'none' : `in ${String(Math.ceil(raft.deadlineMs - nowMs))}ms`;
  const log = `last ${String(raft.lastIndex)}, durable ${String(raft.durableIndex)}`;
  return `${printRole(id, raft)}, ${log}${printBase(raft)}, disk (${printHardState(disk.hardState)}), timer ${timer}`;
}

/** What the log begins with and who is in force, where that is not as at the beginning. */
function printBase({ snapshot, membership, membershipIndex }: Raft): string {
  const base = snapshot === undefined ? '' : `, base ${String(snapshot.index)}@${String(snapshot.term)}`;
  return `${base}${membershipIndex === 0 ? '' : `, members ${printMembers(membership)}`}`;
}

export function printProgress(id: BrokerId, progress: Readonly<Progress>): string {
  const { state, match, next, commitConfirmed, probing, sending, waitingSinceMs } = progress;
  const waits = waitingSinceMs === undefined ? '' : ', waits for an answer';
  const probe = probing ? ` (${state === 'snapshot' ? 'chunk' : 'probe'} on the way)` : '';
  const at =
    sending === undefined ? '' : ` ${String(sending.snapshot.index)}@${String(sending.snapshot.term)}`;
  return `${id} ${state}${at}${probe}: match=${String(match)} next=${String(next)} commit=${String(commitConfirmed)}${waits}`;
}
