/** Tells every broker which groups this one leads, from the first commit of its term to the last. */

import type { LeadershipReport } from '../cluster/leadership-change.js';
import type { BrokerId, GroupId, ResignationCause, Term } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import { InSyncReplicas } from './in-sync.js';
import type { LeaderAnnouncement } from './peer-port.js';

interface Led {
  readonly term: Term;
  readonly leaderSinceMs: number;
  readonly replicas: InSyncReplicas;
  announcement: LeaderAnnouncement;
}

export interface AnnouncerEvents {
  announce(announcement: LeaderAnnouncement): void;
  /** Called once for each leadership, before it is announced for the first time. */
  began(group: GroupHost): LeadershipReport;
}

export class Announcer {
  readonly #self: BrokerId;
  readonly #clock: Clock;
  readonly #events: AnnouncerEvents;
  readonly #led = new Map<GroupId, Led>();
  /** Groups that this broker leads without a commit of its own yet, with the term. */
  readonly #fresh = new Map<GroupId, Term>();

  constructor(self: BrokerId, clock: Clock, events: AnnouncerEvents) {
    this.#self = self;
    this.#clock = clock;
    this.#events = events;
  }

  /** What this broker leads, for a peer that has just come up. */
  get announcements(): LeaderAnnouncement[] {
    return [...this.#led.values()].map((led) => led.announcement);
  }

  /** Compares a group's role with what was announced last. */
  groupAdvanced(group: GroupHost): void {
    const { id, raft } = group;
    const led = this.#led.get(id);
    if (led !== undefined && (!raft.leadsWithCommit || raft.term !== led.term)) {
      this.#led.delete(id);
      const resigned = resignedIn(raft, led.term);
      this.#events.announce({ ...led.announcement, leader: undefined, inSyncReplicas: [], resigned });
    }
    this.#watchFresh(id, raft);
    if (raft.leadsWithCommit) this.#announceLeadership(group);
  }

  /**
   * A leader may end before it was announced: one that an earlier leader removed ends with its first commit.
   * Followers on a live link would trust it for ever (L1).
   */
  #watchFresh(id: GroupId, raft: GroupHost['raft']): void {
    const term = this.#fresh.get(id);
    if (term !== undefined && (raft.role !== 'leader' || raft.term !== term)) {
      const resigned = resignedIn(raft, term);
      this.#events.announce({
        group: id,
        term,
        leader: undefined,
        inSyncReplicas: [],
        leaderSinceMs: 0,
        resigned,
      });
    }
    if (raft.role === 'leader' && !raft.leadsWithCommit) this.#fresh.set(id, raft.term);
    else this.#fresh.delete(id);
  }

  forget(group: GroupId): void {
    this.#led.delete(group);
    this.#fresh.delete(group);
  }

  #announceLeadership(group: GroupHost): void {
    const { id, raft } = group;
    const known = this.#led.get(id);
    const replicas = known?.replicas ?? new InSyncReplicas();
    const inSyncReplicas = replicas.observe(raft, this.#self, this.#clock.monotonicMs());
    if (known !== undefined && sameMembers(known.announcement.inSyncReplicas, inSyncReplicas)) return;
    const leaderSinceMs = known?.leaderSinceMs ?? this.#clock.wallMs();
    const announcement = { group: id, term: raft.term, leader: this.#self, inSyncReplicas, leaderSinceMs };
    this.#led.set(id, { term: raft.term, leaderSinceMs, replicas, announcement });
    this.#events.announce(
      known === undefined ? { ...announcement, report: this.#events.began(group) } : announcement,
    );
  }
}

/** Why a replica gave up the leadership of `term` by itself; undefined when a later term ended it. */
function resignedIn({ resignation }: GroupHost['raft'], term: Term): ResignationCause | undefined {
  return resignation?.term === term ? resignation.cause : undefined;
}

function sameMembers(a: readonly BrokerId[], b: readonly BrokerId[]): boolean {
  return a.length === b.length && a.every((member, i) => member === b[i]);
}
