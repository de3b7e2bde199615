/** What must follow once the faults have stopped: L1, one leader per group; L2, all replicas are equal. */

import type { ReplicaView } from './replica-view.js';

/** Why a group is not at rest; undefined when it is. */
export function unrest(group: number, replicas: readonly ReplicaView[]): string | undefined {
  const name = `group ${String(group)}`;
  const leaders = replicas.filter(({ host }) => host.raft.leadsWithCommit);
  const [leader] = leaders;
  if (leader === undefined || leaders.length > 1) return `L1: ${name} has ${String(leaders.length)} leaders`;
  const { lastIndex, commitIndex, term } = leader.host.raft;
  for (const { host, broker } of replicas) {
    const { raft } = host;
    if (raft.leader !== leader.broker || raft.term !== term)
      return `L1: ${broker} follows another leader in ${name}`;
    if (raft.lastIndex !== lastIndex || raft.commitIndex !== commitIndex || commitIndex !== lastIndex) {
      return `L2: ${broker} is at ${String(raft.commitIndex)}/${String(raft.lastIndex)} of ${String(lastIndex)} in ${name}`;
    }
  }
  if (leader.host.raft.transferTarget !== undefined) return `I20: ${name} is still being handed over`;
  return undefined;
}
