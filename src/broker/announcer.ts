/** Tells every broker which groups this one leads, from the first commit of its term to the last. */

import type { BrokerId, GroupId, Term } from '../raft/types.js';
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

export class Announcer {
  readonly #self: BrokerId;
  readonly #clock: Clock;
  readonly #announce: (announcement: LeaderAnnouncement) => void;
  readonly #led = new Map<GroupId, Led>();

  constructor(self: BrokerId, clock: Clock, announce: (announcement: LeaderAnnouncement) => void) {
    this.#self = self;
    this.#clock = clock;
    this.#announce = announce;
  }

  /** What this broker leads, for a peer that has just come up. */
  get announcements(): LeaderAnnouncement[] {
    return [...this.#led.values()].map((led) => led.announcement);
  }

  /** Compares a group's role with what was announced last. */
  groupAdvanced({ id, raft }: GroupHost): void {
    const led = this.#led.get(id);
    if (led !== undefined && (!raft.leadsWithCommit || raft.term !== led.term)) {
      this.#led.delete(id);
      this.#announce({ ...led.announcement, leader: undefined, inSyncReplicas: [] });
    }
    if (raft.leadsWithCommit) this.#announceLeadership(id, raft);
  }

  forget(group: GroupId): void {
    this.#led.delete(group);
  }

  #announceLeadership(id: GroupId, raft: GroupHost['raft']): void {
    const known = this.#led.get(id);
    const replicas = known?.replicas ?? new InSyncReplicas();
    const inSyncReplicas = replicas.observe(raft, this.#self, this.#clock.monotonicMs());
    if (known !== undefined && sameMembers(known.announcement.inSyncReplicas, inSyncReplicas)) return;
    const leaderSinceMs = known?.leaderSinceMs ?? this.#clock.wallMs();
    const announcement = { group: id, term: raft.term, leader: this.#self, inSyncReplicas, leaderSinceMs };
    this.#led.set(id, { term: raft.term, leaderSinceMs, replicas, announcement });
    this.#announce(announcement);
  }
}

function sameMembers(a: readonly BrokerId[], b: readonly BrokerId[]): boolean {
  return a.length === b.length && a.every((member, i) => member === b[i]);
}
