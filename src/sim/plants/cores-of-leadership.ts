/** Cores that are wrong about who leads. Each has one defect; production code has none of them. */

import type { Message, TransferCause } from '../../raft/messages.js';
import type { ProposeResult } from '../../raft/leader.js';
import { Raft } from '../../raft/raft.js';
import type { Ready } from '../../raft/ready.js';
import type { ReadResult } from '../../raft/reads.js';
import type { ConfirmedRead, ReadId } from '../../raft/state.js';
import type { TransferResult } from '../../raft/transfer.js';
import { asLogIndex, asTerm, type BrokerId, type EntryKind, TERM_MAX } from '../../raft/types.js';

/** Votes for logs that lack entries (Raft 5.4.1). */
export class VotesForAnyLog extends Raft {
  override step(nowMs: number, message: Message): void {
    const isRequest = message.kind === 'voteRequest';
    super.step(nowMs, isRequest ? { ...message, lastLogTerm: asTerm(TERM_MAX) } : message);
  }
}

/** Votes for everybody who asks in its term. */
export class VotesTwice extends Raft {
  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    const messagesAfterPersist = ready.messagesAfterPersist.map((message) =>
      message.kind === 'voteReply' && !message.preVote && message.term === message.requestedTerm
        ? { ...message, granted: true }
        : message,
    );
    return { ...ready, messagesAfterPersist };
  }
}

/** A leader without quorum leads on (B26). */
export class NeverYields extends Raft {
  override get deadlineMs(): number {
    return this.#hearsTooFew() ? Infinity : super.deadlineMs;
  }

  override tick(nowMs: number): void {
    if (!this.#hearsTooFew()) super.tick(nowMs);
  }

  #hearsTooFew(): boolean {
    const heard = this.voters.filter((voter) => this.isAlive(voter)).length + 1;
    return this.role === 'leader' && 2 * heard <= this.voters.length;
  }
}

/** Never ends a transfer that came to nothing: it refuses writes for the rest of its term (B22). */
export class LeaksTransfer extends Raft {
  #term = 0;
  #target: BrokerId | undefined;

  override transferLeadership(
    nowMs: number,
    target: BrokerId | undefined,
    maxBlockMs: number,
    cause: TransferCause,
  ): TransferResult {
    const result = super.transferLeadership(nowMs, target, maxBlockMs, cause);
    this.#term = this.term;
    this.#target = super.transferTarget;
    return result;
  }

  override get transferTarget(): BrokerId | undefined {
    return super.transferTarget ?? (this.#leaks() ? this.#target : undefined);
  }

  override propose(kind: EntryKind, payload: Uint8Array): ProposeResult {
    return this.#leaks() ? { ok: false, reason: 'transferring' } : super.propose(kind, payload);
  }

  #leaks(): boolean {
    return this.role === 'leader' && this.term === this.#term && this.#target !== undefined;
  }
}

/** Campaigns, and takes leaderships over, although its broker is about to stop. */
export class LeadsOnLeaving extends Raft {
  constructor(...[config, ...parts]: ConstructorParameters<typeof Raft>) {
    super({ ...config, mayLead: () => true }, ...parts);
  }
}

/** Does not campaign when a leader hands over: each planned move is given up, and the leader goes on. */
export class IgnoresOrders extends Raft {
  override step(nowMs: number, message: Message): void {
    if (message.kind !== 'timeoutNow') super.step(nowMs, message);
  }
}

/** Takes what was on the way over a broken link for arrived (B35). */
export class TrustsBrokenLinks extends Raft {
  override peerDown(nowMs: number, peer: BrokerId): void {
    if (this.role !== 'leader') super.peerDown(nowMs, peer);
  }

  override peerUp(nowMs: number, peer: BrokerId): void {
    if (this.role !== 'leader') super.peerUp(nowMs, peer);
  }
}

/** Goes back by one entry after each refusal (B20). */
export class IgnoresHints extends Raft {
  override step(nowMs: number, message: Message): void {
    if (message.kind !== 'appendReply' || message.accepted) {
      super.step(nowMs, message);
      return;
    }
    const hintIndex = asLogIndex(Math.max(0, message.rejectedIndex - 1));
    super.step(nowMs, { ...message, hintIndex, hintTerm: asTerm(TERM_MAX) });
  }
}

/** Answers reads without asking a quorum whether it still leads (B28, B29). */
export class ReadsAlone extends Raft {
  #asked: ReadId[] = [];
  #last = 0;

  override requestRead(): ReadResult {
    if (this.role !== 'leader') return { ok: false, reason: 'notLeader' };
    this.#last += 1;
    this.#asked.push(this.#last);
    return { ok: true, id: this.#last };
  }

  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    const confirmedReads: ConfirmedRead[] = this.#asked.map((id) => ({ id, index: ready.commitIndex }));
    this.#asked = [];
    return { ...ready, confirmedReads };
  }
}
