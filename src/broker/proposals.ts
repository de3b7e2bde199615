/** Appends to a group and waits for what was promised: the one place that turns a commit into an answer. */

import { BellwetherError } from '../errors.js';
import type { EntryKind, LogIndex, Term } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import { refusedProposal, type Subject } from './refusals.js';

/** Where an entry is waited for. */
export interface Awaited {
  readonly group: GroupHost;
  readonly subject: Subject;
  /** Makes the error for a broker that leads no more: NOT_LEADER with a hint, or NO_LEADER. */
  readonly elsewhere: () => BellwetherError;
}

export interface Proposal extends Awaited {
  readonly kind: EntryKind;
  readonly payload: Uint8Array;
}

export interface Appended {
  readonly index: LogIndex;
  readonly term: Term;
}

/**
 * Appends an entry to the leader's log.
 *
 * @throws BellwetherError NOT_LEADER, NO_LEADER, NOT_ENOUGH_REPLICAS, UNCOMMITTED_BYTES_EXCEEDED; nothing
 * was appended then.
 */
export function append(proposal: Proposal): Appended {
  const { group, kind, payload } = proposal;
  const result = group.propose(kind, payload);
  if (result.ok) return result;
  throw refusedProposal(result.reason, proposal.subject, proposal.elsewhere);
}

/**
 * Resolves once the entry is committed.
 *
 * The wait outlives the leadership: a deposed leader's entry is committed by its successor more often
 * than not, and when another entry is committed in its place the write was certainly not applied.
 *
 * @throws BellwetherError COMMIT_TIMEOUT (outcome UNKNOWN) after `timeoutMs`; LEADERSHIP_LOST (UNKNOWN) when
 * this replica is dropped; NOT_LEADER or NO_LEADER (NOT_APPLIED) when another entry was committed at the index.
 */
export function committed(
  clock: Clock,
  proposal: Awaited,
  { index, term }: Appended,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = proposal.group.onCommitted(index, term, (verdict) => {
      cancel();
      if (verdict === 'committed') resolve();
      else if (verdict === 'dropped') reject(leadershipLost(proposal.subject, {}));
      else reject(proposal.elsewhere());
    });
    const cancel = clock.schedule(timeoutMs, () => {
      stop();
      reject(commitTimeout(proposal, timeoutMs));
    });
  });
}

/**
 * Resolves once this broker's own disk has the entry.
 *
 * @throws BellwetherError COMMIT_TIMEOUT after `timeoutMs`; LEADERSHIP_LOST when a later leader's entry
 * took its place on this disk. The outcome is UNKNOWN either way: others may have it.
 */
export function durable(
  clock: Clock,
  proposal: Awaited,
  { index, term }: Appended,
  timeoutMs: number,
): Promise<void> {
  const { group, subject } = proposal;
  return new Promise((resolve, reject) => {
    const stop = group.onDurable(index, () => {
      cancel();
      if (!group.isDropped && group.raft.termAt(index) === term) resolve();
      else reject(leadershipLost(subject, {}));
    });
    const cancel = clock.schedule(timeoutMs, () => {
      stop();
      reject(commitTimeout(proposal, timeoutMs));
    });
  });
}

function commitTimeout({ group, subject }: Awaited, timeoutMs: number): BellwetherError {
  const { topic, partition } = subject;
  const metadata = { topic, partition: String(partition), timeout_ms: String(Math.round(timeoutMs)) };
  if (group.raft.role !== 'leader') return leadershipLost(subject, metadata);
  return new BellwetherError(
    'COMMIT_TIMEOUT',
    `no quorum of ${topic}/${String(partition)} had the write on disk within ${String(Math.round(timeoutMs))} ms`,
    { metadata },
  );
}

/** The fate of an appended write is not known here any more. */
export function leadershipLost(
  { topic, partition }: Subject,
  metadata: Readonly<Record<string, string>>,
): BellwetherError {
  return new BellwetherError(
    'LEADERSHIP_LOST',
    `the leadership of ${topic}/${String(partition)} was lost before the write was committed`,
    { metadata: { topic, partition: String(partition), ...metadata } },
  );
}
