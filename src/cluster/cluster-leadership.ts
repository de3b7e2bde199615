/** The command that records changes of leadership. Pure. */

import type { GroupId } from '../raft/types.js';
import { accepted, type ClusterTables, type Verdict } from './cluster-tables.js';
import type { RecordLeadership } from './commands.js';
import type { LeadershipChange } from './leadership-change.js';

/** How the history names the group of the cluster metadata. */
const CLUSTER_PARTITION = { topic: '__cluster', partition: 0 } as const;

/** Takes reports in, in the order in which they arrived; those of a group that is gone say nothing any more. */
export function recordLeadership(tables: ClusterTables, command: RecordLeadership): Verdict {
  const { leadership } = tables;
  const exists = (group: GroupId): boolean => group === 0 || tables.byGroup.has(group);
  const recorded = new Map<number, LeadershipChange>();
  for (const report of command.changes) {
    const of = report.group === 0 ? CLUSTER_PARTITION : tables.assignment(report.group);
    const change = of && leadership.record(report, of, exists);
    if (change !== undefined) recorded.set(change.sequence, change);
  }
  for (const report of command.firstWrites) {
    const change = leadership.firstWrite(report);
    if (change !== undefined) recorded.set(change.sequence, change);
  }
  if (recorded.size === 0) return accepted();
  return accepted({ kind: 'leadershipRecorded', leadership: [...recorded.values()] });
}
