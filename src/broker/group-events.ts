/**
 * What concerns all groups of a broker at once: a link to a peer that comes up or breaks, and a disk that does not
 * answer. Groups that have nothing to do then are left alone, as there may be thousands.
 */

import type { BrokerId } from '../raft/types.js';
import type { Announcer } from './announcer.js';
import type { Balancer } from './balancer.js';
import type { BrokerParts } from './broker-options.js';
import type { Clock } from './clock.js';
import type { GroupHost } from './group-host.js';
import type { LeaderTable } from './leader-table.js';
import type { Leadership } from './leadership.js';
import type { Liveness, SuspicionCause } from './liveness.js';
import type { Outbox } from './outbox.js';
import type { Scheduler } from './scheduler.js';

export interface GroupEventsContext {
  readonly clock: Clock;
  readonly table: LeaderTable;
  readonly liveness: Liveness;
  readonly leadership: Leadership;
  readonly balancer: Balancer;
  readonly announcer: Announcer;
  readonly outbox: Outbox;
  readonly scheduler: Scheduler;
  readonly log: BrokerParts['log'];
  /** Runs it; a broken invariant ends the broker. */
  guarded(act: () => void): void;
}

export class GroupEvents {
  readonly #context: GroupEventsContext;

  constructor(context: GroupEventsContext) {
    this.#context = context;
  }

  linkUp(peer: BrokerId): void {
    const { clock, balancer, leadership, outbox, announcer, log } = this.#context;
    log('peer is up', { peer });
    balancer.linkUp(peer);
    leadership.timeline.linkUp(peer);
    outbox.announce(peer, announcer.announcements);
    const nowMs = clock.monotonicMs();
    this.#eachGroup((group) => group.raft.peerUp(nowMs, peer));
  }

  /** The link was never down, yet what was sent on it may be lost. */
  linkRenewed(peer: BrokerId): void {
    const { clock, outbox, announcer, log } = this.#context;
    log('the connection to a peer was renewed', { peer });
    outbox.announce(peer, announcer.announcements);
    const nowMs = clock.monotonicMs();
    this.#eachGroup((group) => group.raft.peerRenewed(nowMs, peer));
  }

  linkDown(peer: BrokerId, cause: SuspicionCause): void {
    const { clock, liveness, log } = this.#context;
    const { timeline } = this.#context.leadership;
    log('peer is down', { peer, cause });
    const nowMs = clock.monotonicMs();
    timeline.linkDown(peer, cause, liveness.lastConfirmedMs(peer));
    this.#eachGroup((group) => {
      timeline.suspected(group, peer);
      group.raft.peerDown(nowMs, peer);
      // An election that is due at once must not wait for the loop to come round to the timers.
      if (group.raft.deadlineMs <= nowMs) group.raft.tick(nowMs);
    });
  }

  /** Others must lead what this broker cannot write. */
  diskStalled(pendingMs: number): void {
    const { clock, log } = this.#context;
    log('the disk does not answer', { pendingMs });
    const nowMs = clock.monotonicMs();
    this.#eachGroup(({ raft }) => raft.stepDown(nowMs, 'DISK_STALLED'));
  }

  #eachGroup(act: (group: GroupHost) => void): void {
    const { scheduler, table } = this.#context;
    for (const group of scheduler.groups.values()) {
      const { raft } = group;
      const followed = raft.role === 'follower';
      this.#context.guarded(() => act(group));
      // A follower that goes on trusting its leader has nothing to do: of thousands most are that.
      if (!followed || raft.deadlineMs !== Infinity) scheduler.wake(group);
    }
    scheduler.wakeOutbox();
    table.livenessChanged();
  }
}
