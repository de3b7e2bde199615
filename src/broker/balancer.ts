/**
 * Leader balance: hands a group that this broker leads back to its preferred leader, once that one is in sync
 * and has been left alone for the cool-down. A few at a time, by the same transfer as any planned move, which
 * catches the target up while writes go on and gives up cleanly.
 *
 * Sources: Kafka's auto.leader.rebalance.enable, which waits for no replica to warm up (KAFKA PR 22934), and
 * Redpanda's leader balancer, which went on trying a broker that was down (redpanda#2092).
 *
 * No group has a timer: there is one, armed while this broker leads what another one could lead by now. Groups
 * whose preferred leader is not heard from are not even looked at; its return arms the timer.
 */

import { preferredLeader } from '../cluster/preferred.js';
import type { BrokerId, GroupId, Term } from '../raft/types.js';
import { DiskHandOver, type HandingOverBroker } from './disk-hand-over.js';
import type { GroupHost } from './group-host.js';
import { isFitToLead } from './in-sync.js';
import { LIMITS } from './limits.js';

export interface LeaderBalance {
  /** False: leaders stay where they are until somebody moves them. */
  readonly on: boolean;
  /** A broker that came back, or lost what it should lead, is left alone for this long; so is a new leader. */
  readonly coolDownMs: number;
}

/** A group that this broker leads. */
interface Led {
  readonly host: GroupHost;
  readonly term: Term;
  readonly sinceMs: number;
  /** Another broker that should lead it; undefined while this one should. */
  preferred: BrokerId | undefined;
  /** Not tried before. */
  retryAtMs: number;
  /** Moves in this term that came to nothing. */
  failures: number;
  moving: boolean;
}

const MOVES_PER_ROUND = Math.floor((LIMITS.balanceMovesPerSecondMax * LIMITS.balanceRoundMs) / 1_000);

export class Balancer {
  readonly #broker: HandingOverBroker;
  readonly settings: LeaderBalance;
  readonly #led = new Map<GroupId, Led>();
  readonly #diskHandOver: DiskHandOver;
  /** Those that another broker should lead, by that broker. */
  readonly #strays = new Map<BrokerId, Set<Led>>();
  /** When a broker last came up, or last gave up what it should lead. */
  readonly #leftAloneSinceMs = new Map<BrokerId, number>();
  #movesInFlight = 0;
  #stopped = false;
  #lastRoundMs = -Infinity;
  #timerMs = Infinity;
  #cancel: (() => void) | undefined;

  constructor(broker: HandingOverBroker, settings: LeaderBalance | undefined) {
    this.#broker = broker;
    this.#diskHandOver = new DiskHandOver(broker, () => [...this.#led.values()].map(({ host }) => host));
    this.settings = settings ?? { on: true, coolDownMs: LIMITS.balanceCoolDownMs };
  }

  get isOn(): boolean {
    return this.settings.on;
  }

  /**
   * For how long the balance will not hand `group` to `broker`, in milliseconds; 0 for no longer. It counts from
   * the last change of the group's leader, and from when the broker last came up or gave up what it should lead.
   */
  coolDownMs(group: GroupId, broker: BrokerId): number {
    const nowMs = this.#broker.clock.monotonicMs();
    const led = this.#led.get(group);
    if (led !== undefined) return Math.max(0, this.#coolAtMs(led, broker) - nowMs);
    const sinceMs = this.#leftAloneSinceMs.get(broker) ?? -Infinity;
    const leaderSinceMs = this.#broker.table.leaderOf(group)?.leaderSinceMs ?? -Infinity;
    const agoMs = Math.min(nowMs - sinceMs, this.#broker.clock.wallMs() - leaderSinceMs);
    return Math.max(0, this.settings.coolDownMs - Math.max(0, agoMs));
  }

  /** Looks at a group that went through the loop: whether this broker leads it, and who should. */
  groupAdvanced(host: GroupHost): void {
    const { id, raft } = host;
    let led = this.#led.get(id);
    if (led !== undefined && (!raft.leadsWithCommit || raft.term !== led.term)) {
      this.forget(id);
      led = undefined;
    }
    if (!raft.leadsWithCommit) return;
    led ??= this.#lead(host);
    if (led.moving && raft.transferTarget === undefined) this.#cameToNothing(led);
    const wanted = preferredLeader(this.#broker.cluster.state, id, raft.voters);
    const preferred = wanted === this.#broker.id ? undefined : wanted;
    if (preferred !== led.preferred) this.#prefer(led, preferred);
  }

  forget(group: GroupId): void {
    const led = this.#led.get(group);
    if (led === undefined) return;
    this.#led.delete(group);
    this.#prefer(led, undefined);
    this.#ended(led);
  }

  /** A broker has just started, or was out of reach: it is left alone until it has proved to stay. */
  linkUp(peer: BrokerId): void {
    this.#leaveAlone(peer);
    if (this.#strays.has(peer)) this.#armAt(this.#broker.clock.monotonicMs() + this.settings.coolDownMs);
  }

  /**
   * A broker says that it stopped leading a group. If it should lead it, it fails, is being stopped, or was told
   * to: in either case it gets nothing back for a while.
   */
  resigned(broker: BrokerId, group: GroupId): void {
    const { state } = this.#broker.cluster;
    if (preferredLeader(state, group, state.clusterMembership.voters) === broker) this.#leaveAlone(broker);
  }

  /** A broker has declined to lead a group, as its disk is short of room. */
  declined(broker: BrokerId): void {
    this.#leaveAlone(broker);
    this.#diskHandOver.declined(broker);
  }

  /** No more moves: the broker hands over everything itself, or ends. */
  stop(): void {
    this.#stopped = true;
    this.#diskHandOver.stop();
    this.#cancel?.();
    this.#timerMs = Infinity;
  }

  #leaveAlone(broker: BrokerId): void {
    this.#leftAloneSinceMs.set(broker, this.#broker.clock.monotonicMs());
  }

  #lead(host: GroupHost): Led {
    const sinceMs = this.#broker.clock.monotonicMs();
    const { term } = host.raft;
    const led = { host, term, sinceMs, preferred: undefined, retryAtMs: 0, failures: 0, moving: false };
    this.#led.set(host.id, led);
    return led;
  }

  #prefer(led: Led, preferred: BrokerId | undefined): void {
    if (led.preferred !== undefined) {
      const others = this.#strays.get(led.preferred);
      others?.delete(led);
      if (others?.size === 0) this.#strays.delete(led.preferred);
    }
    led.preferred = preferred;
    if (preferred === undefined) return;
    const strays = this.#strays.get(preferred) ?? new Set();
    this.#strays.set(preferred, strays.add(led));
    if (this.#broker.isAlive(preferred)) this.#armAt(this.#dueMs(led, preferred));
  }

  /** When `led` has cooled down, and `broker` too. */
  #coolAtMs({ sinceMs }: Led, broker: BrokerId): number {
    return Math.max(sinceMs, this.#leftAloneSinceMs.get(broker) ?? -Infinity) + this.settings.coolDownMs;
  }

  #dueMs(led: Led, preferred: BrokerId): number {
    return Math.max(led.retryAtMs, this.#coolAtMs(led, preferred));
  }

  #armAt(atMs: number): void {
    if (!this.settings.on || this.#stopped) return;
    const dueMs = Math.max(atMs, this.#lastRoundMs + LIMITS.balanceRoundMs);
    if (this.#timerMs <= dueMs) return;
    const { clock } = this.#broker;
    this.#cancel?.();
    this.#timerMs = dueMs;
    this.#cancel = clock.schedule(dueMs - clock.monotonicMs(), () => {
      this.#timerMs = Infinity;
      this.#round();
    });
  }

  /** Begins as many moves as the bounds allow, and plans the next round for what is left. */
  #round(): void {
    const nowMs = this.#broker.clock.monotonicMs();
    this.#lastRoundMs = nowMs;
    let room = Math.min(MOVES_PER_ROUND, LIMITS.balanceMovesInFlightMax - this.#movesInFlight);
    let nextMs = Infinity;
    for (const [preferred, strays] of this.#strays) {
      if (!this.#broker.isAlive(preferred)) continue;
      for (const led of strays) {
        if (led.moving) continue;
        if (room > 0 && this.#dueMs(led, preferred) <= nowMs && this.#begin(led, preferred, nowMs)) room -= 1;
        else nextMs = Math.min(nextMs, this.#dueMs(led, preferred));
      }
    }
    if (nextMs !== Infinity) this.#armAt(nextMs);
  }

  /** False when the preferred leader cannot take the group over yet: it is looked at again a little later. */
  #begin(led: Led, preferred: BrokerId, nowMs: number): boolean {
    const { raft, id } = led.host;
    const begun =
      isFitToLead(this.#broker, led.host, preferred) &&
      raft.transferLeadership(nowMs, preferred, LIMITS.balanceBlockMsMax, 'BALANCED').ok;
    if (!begun) {
      led.retryAtMs = nowMs + LIMITS.balanceRetryMs;
      return false;
    }
    led.moving = true;
    this.#movesInFlight += 1;
    this.#broker.log('handing back to the preferred leader', { group: id, to: preferred });
    this.#broker.wake(led.host);
    return true;
  }

  /** This broker leads on. Each time it waits twice as long, so that a target that cannot costs little. */
  #cameToNothing(led: Led): void {
    this.#ended(led);
    const pauseMs = LIMITS.balanceRetryMs * 2 ** led.failures;
    led.failures += 1;
    led.retryAtMs = this.#broker.clock.monotonicMs() + Math.min(pauseMs, LIMITS.balanceRetryMsMax);
    this.#broker.log('the preferred leader did not take over', { group: led.host.id, to: led.preferred });
    if (led.preferred !== undefined) this.#armAt(this.#dueMs(led, led.preferred));
  }

  #ended(led: Led): void {
    if (led.moving) this.#movesInFlight -= 1;
    led.moving = false;
  }
}
