/**
 * Who leads which group, as the leaders themselves announced it. Newer term wins; so every broker
 * answers for every partition from memory. A leader announces itself once it has committed in its term,
 * so an entry here is never a mere candidate.
 */

import type { LeadershipReport } from '../cluster/leadership-change.js';
import type { BrokerId, GroupId, Term } from '../raft/types.js';
import type { Clock } from './clock.js';
import type { LeaderAnnouncement } from './peer-port.js';

/** A leader that has committed in its term. */
export interface KnownLeader {
  readonly leader: BrokerId;
  readonly term: Term;
  readonly inSyncReplicas: readonly BrokerId[];
  /** Milliseconds since the Unix epoch, by the leader's clock. */
  readonly leaderSinceMs: number;
  /** How it came to lead; only while that is news. */
  readonly report: LeadershipReport | undefined;
}

/** What is known of a group: the newest announcement, and who led last. */
interface Known extends LeaderAnnouncement {
  readonly last: { readonly leader: BrokerId; readonly term: Term } | undefined;
}

export class LeaderTable {
  readonly #clock: Clock;
  readonly #isAlive: (broker: BrokerId) => boolean;
  readonly #known = new Map<GroupId, Known>();
  readonly #watchers = new Map<GroupId, Set<() => void>>();

  constructor(clock: Clock, isAlive: (broker: BrokerId) => boolean) {
    this.#clock = clock;
    this.#isAlive = isAlive;
  }

  /** Takes an announcement in; one of an older term changes nothing. */
  learn(announcement: LeaderAnnouncement): void {
    const known = this.#known.get(announcement.group);
    if (known !== undefined && announcement.term < known.term) return;
    // Within a term only the leader speaks: first of itself, last of its stepping down.
    if (known?.term === announcement.term && known.leader === undefined) return;
    const { leader, term } = announcement;
    this.#known.set(announcement.group, {
      ...announcement,
      last: leader === undefined ? known?.last : { leader, term },
    });
    this.look(announcement.group);
  }

  forget(group: GroupId): void {
    this.#known.delete(group);
  }

  /** Forgets every group of which `isGone` is true. */
  forgetAll(isGone: (group: GroupId) => boolean): void {
    for (const group of this.#known.keys()) if (isGone(group)) this.forget(group);
  }

  /** The leader of `group`; undefined while none is known or its broker is not heard from. */
  leaderOf(group: GroupId): KnownLeader | undefined {
    const known = this.#known.get(group);
    if (known?.leader === undefined || !this.#isAlive(known.leader)) return undefined;
    const { leader, term, inSyncReplicas, leaderSinceMs, report } = known;
    return { leader, term, inSyncReplicas, leaderSinceMs, report };
  }

  /** Who led `group` last, whether it still does or not; undefined when nobody was ever announced here. */
  lastLeaderOf(group: GroupId): { readonly leader: BrokerId; readonly term: Term } | undefined {
    return this.#known.get(group)?.last;
  }

  /** The newest term of `group` that a leader was announced for; 0 for none. */
  newestTerm(group: GroupId): number {
    return this.#known.get(group)?.term ?? 0;
  }

  /** Groups that `broker` leads. */
  countLedBy(broker: BrokerId): number {
    let count = 0;
    for (const { group, leader } of this.#known.values()) if (leader === broker && group !== 0) count += 1;
    return count;
  }

  /** Resolves with the first leader that `accept` takes; with undefined after `timeoutMs`. */
  waitFor(
    group: GroupId,
    timeoutMs: number,
    accept: (leader: KnownLeader) => boolean,
  ): Promise<KnownLeader | undefined> {
    return new Promise((resolve) => {
      const finish = (leader: KnownLeader | undefined): void => {
        cancel();
        unwatch();
        resolve(leader);
      };
      const look = (): void => {
        const leader = this.leaderOf(group);
        if (leader !== undefined && accept(leader)) finish(leader);
      };
      const cancel = this.#clock.schedule(timeoutMs, () => {
        finish(undefined);
      });
      const unwatch = this.watch(group, look);
      look();
    });
  }

  /** Calls back whenever what is known of `group` may have changed; the returned function ends that. */
  watch(group: GroupId, look: () => void): () => void {
    const watchers = this.#watchers.get(group) ?? new Set();
    this.#watchers.set(group, watchers);
    watchers.add(look);
    return () => {
      watchers.delete(look);
      if (watchers.size === 0 && this.#watchers.get(group) === watchers) this.#watchers.delete(group);
    };
  }

  /** Lets everyone who waits look again: a broker came or went. */
  livenessChanged(): void {
    for (const group of [...this.#watchers.keys()]) this.look(group);
  }

  /** Lets those who wait for the leader of `group` look again: what they accept may have changed. */
  look(group: GroupId): void {
    for (const notify of [...(this.#watchers.get(group) ?? [])]) notify();
  }
}
