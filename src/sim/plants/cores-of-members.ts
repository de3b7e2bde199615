/** Cores that are wrong about members and snapshots. Each has one defect; production code has none of them. */

import type { ChangeResult } from '../../raft/changes.js';
import { encodeMembership, type Membership } from '../../raft/membership.js';
import type { Message } from '../../raft/messages.js';
import { Raft } from '../../raft/raft.js';
import type { Ready } from '../../raft/ready.js';
import { ENTRY_KIND } from '../../raft/types.js';

/** Changes members while the change before is not committed, and before the term's first entry is (B5). */
export class ChangesTooSoon extends Raft {
  override get leadsWithCommit(): boolean {
    return this.role === 'leader';
  }

  override proposeMembership(next: Membership): ChangeResult {
    return super.propose(ENTRY_KIND.MEMBERSHIP, encodeMembership(next));
  }
}

/** Answers that a snapshot is installed before it is on disk (B1). */
export class InstallsInMemory extends Raft {
  override ready(nowMs: number): Ready {
    const ready = super.ready(nowMs);
    const isEarly = ({ kind }: Message): boolean => kind === 'snapshotReply';
    const messages = [...ready.messages, ...ready.messagesAfterPersist.filter(isEarly)];
    const messagesAfterPersist = ready.messagesAfterPersist.filter((message) => !isEarly(message));
    return { ...ready, messages, messagesAfterPersist };
  }
}

/** Keeps the members that it knew when a snapshot takes the place of its log. */
export class RestoresNoMembers extends Raft {
  override step(nowMs: number, message: Message): void {
    const { membership } = this;
    const isSnapshot = message.kind === 'installSnapshot' && membership.voters.length > 0;
    super.step(nowMs, isSnapshot ? { ...message, membership } : message);
  }
}

/** Counts on for a new disk what the one before it had (B12, B34). */
export class KeepsMatches extends Raft {
  override peerReplaced(): void {
    // Forgets nothing.
  }
}
