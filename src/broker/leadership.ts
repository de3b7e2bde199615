/**
 * How this broker came to lead what it leads, told to the cluster: times each change, has it recorded in the
 * replicated history, and streams that history to whoever watches.
 */

import type { ClusterChange } from '../cluster/cluster-types.js';
import type { LeadershipReport } from '../cluster/leadership-change.js';
import type { LeadershipHistoryView } from '../cluster/leadership-history.js';
import type { GroupId } from '../raft/types.js';
import type { ClusterEvents } from './cluster-host.js';
import type { GroupHost } from './group-host.js';
import type { LeaderTable } from './leader-table.js';
import { LeadershipRecorder, type RecorderContext } from './leadership-recorder.js';
import { LeadershipTimeline, type TimelineContext } from './leadership-timeline.js';
import { LeadershipWatches } from './leadership-watches.js';
import { LIMITS } from './limits.js';
import type { LeaderAnnouncement } from './peer-port.js';
import { appendCommand, type Submitter } from './submit.js';

export interface LeadershipContext extends RecorderContext, Pick<TimelineContext, 'self'> {
  readonly table: LeaderTable;
  history(): LeadershipHistoryView;
}

/** What of a broker is needed here. */
export interface LeadershipOwner extends Submitter {
  readonly isServing: boolean;
  readonly log: RecorderContext['log'];
}

export function leadershipOf(broker: LeadershipOwner): Leadership {
  const { id: self, clock, table, log } = broker;
  return new Leadership({
    ...{ self, clock, table, log },
    history: () => broker.cluster.state.leadership,
    isServing: () => broker.isServing,
    submit: async (command) => {
      await appendCommand(broker, command, LIMITS.defaultTimeoutMs);
    },
  });
}

export class Leadership {
  readonly timeline: LeadershipTimeline;
  readonly watches: LeadershipWatches;
  readonly #recorder: LeadershipRecorder;

  constructor(context: LeadershipContext) {
    const { self, clock, table } = context;
    this.timeline = new LeadershipTimeline({
      self,
      clock,
      announced: (group) => table.lastLeaderOf(group),
      recorded: (group) => context.history().ofGroup(group)[0],
    });
    this.watches = new LeadershipWatches(() => context.history());
    this.#recorder = new LeadershipRecorder(context);
  }

  /** This broker leads a group, and has committed in its term for the first time. */
  began(group: GroupHost): LeadershipReport {
    const report = this.timeline.began(group);
    this.#recorder.changed(report);
    return report;
  }

  /** A record of a client was acknowledged. */
  acknowledged(group: GroupId, term: number): void {
    const report = this.timeline.acknowledged(group, term);
    if (report !== undefined) this.#recorder.wroteFirst(report);
  }

  /** A leader says that it leads no more, while its broker lives on. */
  resigned(group: GroupHost, from: string, { term, resigned }: LeaderAnnouncement): void {
    if (resigned !== undefined) this.timeline.resigned(group, from, term, resigned);
  }
}

/** Tells all of them of the metadata, in turn. */
export function allOf(...events: readonly ClusterEvents[]): ClusterEvents {
  return {
    changed: (changes: readonly ClusterChange[]) => {
      for (const each of events) each.changed(changes);
    },
    restored: () => {
      for (const each of events) each.restored();
    },
  };
}
