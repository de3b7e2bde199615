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
