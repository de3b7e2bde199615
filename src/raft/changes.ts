/**
 * Changes of a group's membership, one server at a time (Ongaro's thesis sections 4.1 to 4.3). Pure.
 *
 * Any two memberships that follow each other differ by one voter at most, so a majority of the one and a
 * majority of the other share a voter (I12). That holds only for neighbours, so:
 * - a change waits until the one before it is committed (I11);
 * - a new leader waits until an entry of its own term is committed: else two leaders could each build on
 *   another uncommitted membership (Ongaro, "bug in single-server membership changes", raft-dev 2015).
 * A leader never removes itself: it hands over first. When an earlier leader removed it, it steps down once
 * that is committed (thesis section 4.2.2).
 */

import { invariant } from '../invariant.js';
import { propose, type ProposeRefusal } from './leader.js';
import { encodeMembership, type Membership } from './membership.js';
import type { Progress } from './progress.js';
import { quorumSize } from './quorum.js';
import { hearsQuorumOf, type RaftState } from './state.js';
import { ENTRY_KIND, type LogIndex, type Term } from './types.js';

/** Why a membership was not proposed; nothing was appended. */
export type ChangeRefusal = ProposeRefusal | 'changePending';

export type ChangeResult =
  | { readonly ok: true; readonly index: LogIndex; readonly term: Term }
  | { readonly ok: false; readonly reason: ChangeRefusal };

/**
 * Appends the membership that is to follow. It adds, removes or promotes one voter at most, keeps the leader
 * a voter, and is in force once it is committed by the one before it.
 */
export function proposeMembership(state: RaftState, next: Membership): ChangeResult {
  const { leadership, log } = state;
  if (leadership === undefined) return { ok: false, reason: 'notLeader' };
  checkStep(state, next);
  const pending = log.newestMembership.index > log.commitIndex;
  const settled = !pending && log.commitIndex >= leadership.termStart;
  if (!settled) return { ok: false, reason: 'changePending' };
  if (leadership.transfer !== undefined) return { ok: false, reason: 'transferring' };
  if (!hearsQuorumOf(state, next.voters)) return { ok: false, reason: 'notEnoughReplicas' };
  return propose(state, ENTRY_KIND.MEMBERSHIP, encodeMembership(next));
}

/**
 * True for a leader when a majority of the voters in force know that they are, this one on its disk: a restart that
 * had forgotten it would need the votes of who was removed, and is gone by then.
 */
export function membershipIsKnown(state: RaftState): boolean {
  const { config, leadership, log } = state;
  if (leadership === undefined) return false;
  const { voters } = log.membership;
  const known = voters.filter((id) =>
    id === config.id
      ? isOnDisk(state)
      : (leadership.progress.get(id)?.commitConfirmed ?? 0) >= log.membershipIndex,
  );
  return known.length >= quorumSize(voters.length);
}

function isOnDisk({ log, commitWritten, membershipSequence, persistedSequence }: RaftState): boolean {
  return log.membershipIndex <= commitWritten && membershipSequence <= persistedSequence;
}

function checkStep({ config, log }: RaftState, next: Membership): void {
  const { voters } = log.membership;
  const added = next.voters.filter((id) => !voters.includes(id));
  const removed = voters.filter((id) => !next.voters.includes(id));
  invariant(added.length + removed.length <= 1, 'a change adds or removes one voter at most (I12)', {
    from: voters.join(),
    to: next.voters.join(),
  });
  invariant(next.voters.includes(config.id), 'a leader does not remove itself', { id: config.id });
}

/**
 * True when a live learner lacks so little that it can be made a voter without holding up commits, and has the
 * entry that made it a learner: so every voter remembers (state.ts), and elections never wait for one that
 * does not.
 */
export function isCaughtUp({ log, config }: RaftState, progress: Readonly<Progress>): boolean {
  if (progress.state !== 'replicate' || progress.match < log.membershipIndex) return false;
  return log.lastIndex - progress.match <= config.tuning.caughtUpEntriesMax;
}
