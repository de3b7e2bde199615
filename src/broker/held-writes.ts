/**
 * Holds a write while the leadership is on its way from one broker to another. All that could be answered at
 * once is that nobody leads, and the client would come back after a pause that is longer than the move. Held,
 * it is told where to go as soon as that is known, or is taken after all.
 */

import type { BrokerId, GroupId } from '../raft/types.js';
import type { GroupHost } from './group-host.js';
import type { LeaderTable } from './leader-table.js';
import { LIMITS } from './limits.js';

export interface HeldWritesContext {
  readonly self: BrokerId;
  readonly table: LeaderTable;
  groupOf(id: GroupId): GroupHost | undefined;
}

export class HeldWrites {
  readonly #context: HeldWritesContext;
  #bytes = 0;

  constructor(context: HeldWritesContext) {
    this.#context = context;
  }

  /**
   * Undefined where a write of `bytes` need not wait, or may not, as too much waits already. Else resolves
   * once the leadership has arrived somewhere, and after `heldMsMax` at the latest.
   */
  hold(id: GroupId, bytes: number, timeoutMs: number): Promise<void> | undefined {
    const { self, table } = this.#context;
    const group = this.#context.groupOf(id);
    if (group === undefined || !this.#isOnItsWay(group)) return undefined;
    if (this.#bytes + bytes > LIMITS.heldBytesMax) return undefined;
    this.#bytes += bytes;
    const arrived = table.waitFor(
      id,
      Math.min(timeoutMs, LIMITS.heldMsMax),
      ({ leader }) => leader !== self || takesWrites(group),
    );
    return arrived.then(() => {
      this.#bytes -= bytes;
    });
  }

  /** Only while a quorum is heard: else nobody may come to lead, and the client had better ask elsewhere. */
  #isOnItsWay(group: GroupHost): boolean {
    const { self, table } = this.#context;
    const { raft, id } = group;
    if (raft.role === 'leader') return raft.isHandingOver;
    const known = table.leaderOf(id);
    if (known !== undefined && known.leader !== self) return false;
    const heard = raft.voters.filter((voter) => voter === self || raft.isAlive(voter));
    return heard.length * 2 > raft.voters.length;
  }
}

function takesWrites({ raft }: GroupHost): boolean {
  return raft.role === 'leader' && !raft.isHandingOver;
}
