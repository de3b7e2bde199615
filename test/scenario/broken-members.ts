/** Cores with one planted defect each in what is done about members and snapshots. */

import { encodeMembership, type Membership } from '../../src/raft/membership.js';
import { Memberships } from '../../src/raft/memberships.js';
import type { ChangeResult } from '../../src/raft/changes.js';
import { RaftLog } from '../../src/raft/log.js';
import type { Message } from '../../src/raft/messages.js';
import { Progress } from '../../src/raft/progress.js';
import { Raft } from '../../src/raft/raft.js';
import type { Ready } from '../../src/raft/ready.js';
import { SnapshotReceipt } from '../../src/raft/snapshot-receipt.js';
import { asTerm, ENTRY_KIND, type HardState } from '../../src/raft/types.js';

/** Does `act` while a property of a class is another. The cores are synchronous, so nobody else sees it. */
function whilePatched<T>(prototype: object, name: string, patch: PropertyDescriptor, act: () => T): T {
  const before = Object.getOwnPropertyDescriptor(prototype, name);
  Object.defineProperty(prototype, name, { ...patch, configurable: true });
  try {
    return act();
  } finally {
    Object.defineProperty(prototype, name, before ?? {});
  }
}

/** Every call goes through `around`, which may put something else in the place of a part of the core. */
abstract class Patched extends Raft {
  protected abstract around<T>(act: () => T): T;

  override step(nowMs: number, message: Message): void {
    this.around(() => {
      super.step(nowMs, message);
    });
  }

  override tick(nowMs: number): void {
    this.around(() => {
      super.tick(nowMs);
    });
  }

  override persisted(nowMs: number, sequence: number): void {
    this.around(() => {
      super.persisted(nowMs, sequence);
    });
  }

  override ready(nowMs: number): Ready {
    return this.around(() => super.ready(nowMs));
  }

  override get membership(): Membership {
    return this.around(() => super.membership);
  }

  override get membershipIndex() {
    return this.around(() => super.membershipIndex);
  }
}

/** A membership is in force from its append on, as in Ongaro's thesis 4.1 (see memberships.ts). */
class InForceFromAppend extends Patched {
  protected override around<T>(act: () => T): T {
    const value = function (this: Memberships) {
      return this.newest;
    };
    return whilePatched(Memberships.prototype, 'inForce', { value }, act);
  }
}

/** Changes members before an entry of its term is committed (raft-dev, 2015). */
class ChangesBeforeNoop extends Raft {
  override proposeMembership(next: Membership): ChangeResult {
    const pending = this.newestMembership.index > this.commitIndex;
    if (pending || this.leadsWithCommit) return super.proposeMembership(next);
    return this.propose(ENTRY_KIND.MEMBERSHIP, encodeMembership(next));
  }
}

/** Does not wait for the change before (I11). */
class ChangesTwiceAtOnce extends Raft {
  override proposeMembership(next: Membership): ChangeResult {
    if (!this.leadsWithCommit) return super.proposeMembership(next);
    return this.propose(ENTRY_KIND.MEMBERSHIP, encodeMembership(next));
  }
}

/** Learners count in quorums. */
class CountsLearners extends Patched {
  protected override around<T>(act: () => T): T {
    const get = Object.getOwnPropertyDescriptor(RaftLog.prototype, 'membership')?.get;
    const counting = function (this: RaftLog): Membership {
      const { voters, learners } = get?.call(this) as Membership;
      return { voters: [...voters, ...learners], learners: [] };
    };
    return whilePatched(RaftLog.prototype, 'membership', { get: counting }, act);
  }
}

/** Replaces its log by a snapshot although it has what that stands for (B19). */
class ThrowsItsLogAway extends Raft {
  override step(nowMs: number, message: Message): void {
    const act = (): void => {
      super.step(nowMs, message);
    };
    if (message.kind !== 'installSnapshot') act();
    else whilePatched(RaftLog.prototype, 'termAt', { value: () => undefined }, act);
  }
}

/** Says that it has a snapshot while that is being written (B1). */
class AcksSnapshotEarly extends Raft {
  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    const early = ready.messagesAfterPersist.filter(({ kind }) => kind === 'snapshotReply');
    const messagesAfterPersist = ready.messagesAfterPersist.filter(({ kind }) => kind !== 'snapshotReply');
    return { ...ready, messages: [...ready.messages, ...early], messagesAfterPersist };
  }
}

/** Installs a snapshot without a look at its checksum. */
class TrustsChunks extends Patched {
  protected override around<T>(act: () => T): T {
    const get = Object.getOwnPropertyDescriptor(SnapshotReceipt.prototype, 'data')?.get;
    const trusting = function (this: SnapshotReceipt): unknown {
      const data = get?.call(this) as SnapshotReceipt['data'];
      return data === 'damaged' ? new Uint8Array(this.receivedBytes) : data;
    };
    return whilePatched(SnapshotReceipt.prototype, 'data', { get: trusting }, act);
  }
}

/** Takes another's word for what is committed, whatever entry it has there itself (I4). */
class BelievesAnyClaim extends Raft {
  override step(nowMs: number, message: Message): void {
    if (message.kind !== 'voteRequest' && message.kind !== 'voteReply') super.step(nowMs, message);
    else {
      const commitTerm = this.termAt(message.commitIndex) ?? message.commitTerm;
      super.step(nowMs, { ...message, commitTerm });
    }
  }
}

/** Learns nothing from what vote requests and their answers say about commits. */
class IgnoresClaims extends Raft {
  override step(nowMs: number, message: Message): void {
    const votes = message.kind === 'voteRequest' || message.kind === 'voteReply';
    super.step(nowMs, votes ? { ...message, commitIndex: this.commitIndex, commitTerm: asTerm(0) } : message);
  }
}

/** A learner does not vote: it may have become a voter without knowing. */
class LearnersDoNotVote extends Raft {
  override step(nowMs: number, message: Message): void {
    if (message.kind !== 'voteRequest' || this.voters.includes(message.to)) super.step(nowMs, message);
  }
}

/** Counts on what a replica had that was made anew (B12). */
class KeepsOldMatches extends Patched {
  override peerReplaced(): void {
    // Believes that it is the replica that it was.
  }

  protected override around<T>(act: () => T): T {
    const { value } = Object.getOwnPropertyDescriptor(Progress.prototype, 'rejected') ?? {};
    const rejected = value as Progress['rejected'];
    const stubborn: Progress['rejected'] = function (this: Progress, nowMs, rejectedIndex, next) {
      return rejectedIndex > this.match && rejected.call(this, nowMs, rejectedIndex, next);
    };
    return whilePatched(Progress.prototype, 'rejected', { value: stubborn }, act);
  }
}

/** Forgets at a restart that the membership in force is committed. */
class ForgetsItsMembership extends Raft {
  #written: HardState | undefined;

  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    const { hardState, entries, snapshot } = ready;
    const before = this.#written;
    const owed =
      hardState !== undefined &&
      entries.length === 0 &&
      snapshot === undefined &&
      before?.term === hardState.term &&
      before.votedFor === hardState.votedFor;
    this.#written = hardState ?? before;
    return owed ? { ...ready, hardState: before } : ready;
  }
}

/** The defect, and files that must notice it. */
export const BROKEN_MEMBERS: readonly (readonly [core: typeof Raft, files: readonly string[]])[] = [
  [InForceFromAppend, ['removed-voter-with-longest-log', 'uncommitted-membership-truncated']],
  [ChangesBeforeNoop, ['no-change-before-noop']],
  [ChangesTwiceAtOnce, ['one-change-at-a-time']],
  [CountsLearners, ['learner-promoted', 'learner-does-not-campaign']],
  [ThrowsItsLogAway, ['snapshot-of-what-is-there']],
  [AcksSnapshotEarly, ['snapshot-acked-durable']],
  [TrustsChunks, ['damaged-chunk']],
  [BelievesAnyClaim, ['claim-of-another-log']],
  [IgnoresClaims, ['restart-learns-commit']],
  [LearnersDoNotVote, ['learner-must-vote']],
  [KeepsOldMatches, ['learner-made-anew']],
  [ForgetsItsMembership, ['restart-remembers-removal']],
];
