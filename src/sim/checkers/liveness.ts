/** What must follow once the faults have stopped: L1, one leader per group; L2, all replicas are equal. */

import { asLogIndex, type Entry } from '../../raft/types.js';
import type { ReplicaView } from './replica-view.js';
import { holds } from './violation.js';

/** Bytes that are read at a time. */
const READ_BYTES = 1_000_000;

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
    if (
      host.log.lastIndex !== lastIndex ||
      raft.lastIndex !== lastIndex ||
      raft.commitIndex !== commitIndex ||
      commitIndex !== lastIndex
    ) {
      return `L2: ${broker} is at ${String(raft.commitIndex)}/${String(raft.lastIndex)} of ${String(lastIndex)} in ${name}`;
    }
  }
  if (leader.host.raft.transferTarget !== undefined) return `I20: ${name} is still being handed over`;
  return undefined;
}

/** L2: replicas of a group at rest are equal entry by entry, read from the log and not from memory of it. */
export function checkEqual(group: number, replicas: readonly ReplicaView[]): void {
  const [first, ...others] = replicas;
  if (first === undefined) return;
  const expected = entriesOf(first);
  for (const other of others) {
    const found = entriesOf(other);
    const at = expected.findIndex((entry, i) => !isEqual(entry, found[i]));
    const facts = { group, a: first.broker, b: other.broker, at, lengths: [expected.length, found.length] };
    holds(at === -1 && found.length === expected.length, 'L2', 'replicas are equal entry by entry', facts);
  }
}

function entriesOf({ host: { log } }: ReplicaView): Entry[] {
  const entries: Entry[] = [];
  for (let next = log.firstIndex; next <= log.lastIndex; next = asLogIndex(log.firstIndex + entries.length)) {
    entries.push(...log.entries(next, asLogIndex(log.lastIndex + 1), READ_BYTES));
  }
  return entries;
}

function isEqual(a: Entry, b: Entry | undefined): boolean {
  if (b === undefined || a.index !== b.index || a.term !== b.term || a.kind !== b.kind) return false;
  return a.payload.length === b.payload.length && a.payload.every((byte, i) => byte === b.payload[i]);
}
