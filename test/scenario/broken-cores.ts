/** Cores with one planted defect each: scenarios that do not notice them are worth nothing. */

import type { Message } from '../../src/raft/messages.js';
import { Raft } from '../../src/raft/raft.js';
import type { Ready } from '../../src/raft/ready.js';
import { asLogIndex, asTerm, type BrokerId, type Term, TERM_MAX } from '../../src/raft/types.js';

/** Takes messages in after `distort` changed them. */
abstract class Distorted extends Raft {
  override step(nowMs: number, message: Message): void {
    super.step(nowMs, this.distort(message));
  }

  protected abstract distort(message: Message): Message;
}

/** Answers, and asks for votes, before the write is done (B1, B7, B11). */
class SpeaksBeforePersist extends Raft {
  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    const messages = [...ready.messages, ...ready.messagesAfterPersist];
    return { ...ready, messages, messagesAfterPersist: [] };
  }
}

/** A leader counts itself when the write begins (B8). */
class CountsItselfEarly extends Raft {
  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    super.persisted(nowMs, ready.sequence);
    return ready;
  }
}

/** A finished write confirms all that were begun (B14). */
class ConfirmsTooMuch extends Raft {
  #sequence = 0;

  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    this.#sequence = ready.sequence;
    return ready;
  }

  override persisted(nowMs: number): void {
    super.persisted(nowMs, this.#sequence);
  }
}

/** Votes for logs that lack entries (Raft 5.4.1). */
class VotesForAnyLog extends Distorted {
  protected override distort(message: Message): Message {
    return message.kind === 'voteRequest' ? { ...message, lastLogTerm: asTerm(TERM_MAX) } : message;
  }
}

/** Votes though it hears its leader (thesis 4.2.3). */
class DoesNotStick extends Distorted {
  protected override distort(message: Message): Message {
    return message.kind === 'voteRequest' ? { ...message, leadershipTransfer: true } : message;
  }
}

/** Counts answers of earlier terms (B16). */
class CountsStaleAnswers extends Distorted {
  protected override distort(message: Message): Message {
    return message.kind === 'appendReply' && message.term < this.term
      ? { ...message, term: this.term }
      : message;
  }
}

/** Goes back by one entry after each refusal. */
class IgnoresHints extends Distorted {
  protected override distort(message: Message): Message {
    if (message.kind !== 'appendReply' || message.accepted) return message;
    const hintIndex = asLogIndex(Math.max(0, message.rejectedIndex - 1));
    return { ...message, hintIndex, hintTerm: asTerm(TERM_MAX) };
  }
}

/** A leader without timers: no CheckQuorum (B26), no end of a transfer (B22), no retransmission (B35). */
class LeaderNeverTicks extends Raft {
  override get deadlineMs(): number {
    return this.role === 'leader' ? Infinity : super.deadlineMs;
  }
}

/** Goes on believing in a leader that said that it leads no more (B26). */
class IgnoresResignation extends Raft {
  override leaderResigned(nowMs: number, leader: BrokerId, term: Term): void {
    super.leaderResigned(nowMs, leader, asTerm(Math.max(0, term - 1)));
  }
}

/** Takes what was on the way over a broken link for arrived (B35). */
class TrustsBrokenLinks extends Raft {
  override peerDown(nowMs: number, peer: BrokerId): void {
    if (this.role !== 'leader') super.peerDown(nowMs, peer);
  }

  override peerUp(nowMs: number, peer: BrokerId): void {
    if (this.role !== 'leader') super.peerUp(nowMs, peer);
  }
}

/** The defect, and files that must notice it. */
export const BROKEN_CORES: readonly (readonly [core: typeof Raft, files: readonly string[]])[] = [
  [SpeaksBeforePersist, ['follower-acks-durable', 'vote-survives-restart']],
  [CountsItselfEarly, ['own-fsync-late', 'single-voter']],
  [ConfirmsTooMuch, ['append-aba-race']],
  [VotesForAnyLog, ['transfer-order-late', 'figure-8']],
  [DoesNotStick, ['pre-vote-does-not-disturb', 'sticky-voters']],
  [CountsStaleAnswers, ['stale-ack-after-term-change']],
  [IgnoresHints, ['conflict-by-term', 'figure-7-f']],
  [LeaderNeverTicks, ['check-quorum-step-down', 'transfer-order-lost', 'retransmit-after-silence']],
  [IgnoresResignation, ['deposed-leader-last', 'late-append-of-ended-term']],
  [TrustsBrokenLinks, ['probe-and-replicate', 'not-enough-replicas']],
];
