/** Cores that are wrong about what is on disk. Each has one defect; production code has none of them. */

import type { Message } from '../../raft/messages.js';
import { Raft } from '../../raft/raft.js';
import type { Ready } from '../../raft/ready.js';

/** Writes its term, but not whom it voted for (B11). */
export class ForgetsVotes extends Raft {
  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    const { hardState } = ready;
    return hardState === undefined ? ready : { ...ready, hardState: { ...hardState, votedFor: undefined } };
  }
}

/** Answers, and asks for votes, before the write is done (B1, B9, B13). */
export class SpeaksBeforePersist extends Raft {
  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    const messages = [...ready.messages, ...ready.messagesAfterPersist];
    return { ...ready, messages, messagesAfterPersist: [] };
  }
}

/** Answers an append without entries at once, whatever it has on disk (B7). */
export class AnswersHeartbeatsEarly extends Raft {
  readonly #empty = new Set<number>();

  override step(nowMs: number, message: Message): void {
    if (message.kind === 'append' && message.entries.length === 0) this.#empty.add(message.prevLogIndex);
    super.step(nowMs, message);
  }

  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    const isEarly = (message: Message): boolean =>
      message.kind === 'appendReply' && message.accepted && this.#empty.has(message.matchIndex);
    const early = ready.messagesAfterPersist.filter(isEarly);
    const messagesAfterPersist = ready.messagesAfterPersist.filter((message) => !isEarly(message));
    this.#empty.clear();
    return { ...ready, messages: [...ready.messages, ...early], messagesAfterPersist };
  }
}

/** A leader counts itself when its write begins (B8). */
export class CountsItselfEarly extends Raft {
  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    if (this.role === 'leader') super.persisted(nowMs, ready.sequence);
    return ready;
  }
}

/** A finished write confirms all that were begun since, in whatever term (B14). */
export class ConfirmsTooMuch extends Raft {
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
