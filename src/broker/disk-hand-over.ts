/**
 * Hands over what this broker leads while its own disk is short of room: it refuses records then, and a follower whose
 * disk has room would take them.
 *
 * Nobody knows of another broker's disk. The one that is ordered to campaign does, and declines: so nothing is asked of
 * it for a while, and where all disks are short every leader stays. Moves for the balance are declined in the same way,
 * so that nothing comes back before there is room.
 */

import type { ClusterState } from '../cluster/cluster-state.js';
import { preferredLeader } from '../cluster/preferred.js';
import type { TransferCause } from '../raft/messages.js';
import type { BrokerId, GroupId } from '../raft/types.js';
import type { Clock } from './clock.js';
import { CLUSTER_GROUP } from './cluster-host.js';
import type { GroupHost } from './group-host.js';
import { isFitToLead } from './in-sync.js';
import type { LeaderTable } from './leader-table.js';
import { LIMITS } from './limits.js';
import type { InGroup } from './peer-port.js';

/** Why a partition may be handed to a broker that has room, and to no other. */
const CAUSES_THAT_NEED_ROOM: ReadonlySet<TransferCause> = new Set<TransferCause>(['DISK_FULL', 'BALANCED']);

/** What of the broker is needed here. */
export interface HandingOverBroker {
  readonly id: BrokerId;
  readonly clock: Clock;
  readonly table: LeaderTable;
  readonly cluster: { readonly state: ClusterState };
  /** The space calls back with each look that finds the disk short. */
  readonly disk: { readonly space: { whileShort(act: () => void): void } };
  isAlive(broker: BrokerId): boolean;
  wake(group: GroupHost): void;
  log(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** True for an order to campaign that a broker declines while its disk is short; group 0 takes no records. */
export function needsRoom({ group, message }: InGroup<{ readonly cause: TransferCause }>): boolean {
  return group !== CLUSTER_GROUP && CAUSES_THAT_NEED_ROOM.has(message.cause);
}

export class DiskHandOver {
  readonly #broker: HandingOverBroker;
  readonly #led: () => Iterable<GroupHost>;
  /** Until when brokers that declined are not asked. */
  readonly #declinedUntilMs = new Map<BrokerId, number>();
  /** Of groups that are led and were tried: when they may be tried again. */
  #retryAtMs = new Map<GroupId, number>();
  #turn = 0;
  #stopped = false;

  /** @param led The groups that the broker leads. */
  constructor(broker: HandingOverBroker, led: () => Iterable<GroupHost>) {
    this.#broker = broker;
    this.#led = led;
    broker.disk.space.whileShort(() => {
      if (!this.#stopped) this.#round();
    });
  }

  /** The disk of `broker` is short too. */
  declined(broker: BrokerId): void {
    const nowMs = this.#broker.clock.monotonicMs();
    this.#declinedUntilMs.set(broker, nowMs + LIMITS.diskHandOverDeclinedMs);
  }

  /** No more moves: the broker hands over everything itself, or ends. */
  stop(): void {
    this.#stopped = true;
  }

  /** With each look at a disk that is short: begins as many moves as the bounds allow. */
  #round(): void {
    const nowMs = this.#broker.clock.monotonicMs();
    const led = [...this.#led()].filter(({ id }) => id !== CLUSTER_GROUP);
    const underWay = led.filter(({ raft }) => raft.transferTarget !== undefined).length;
    let room = Math.min(LIMITS.diskHandOversPerLookMax, LIMITS.diskHandOversInFlightMax - underWay);
    const before = this.#retryAtMs;
    this.#retryAtMs = new Map();
    for (const host of led) {
      const retryAtMs = before.get(host.id) ?? -Infinity;
      if (retryAtMs > nowMs) this.#retryAtMs.set(host.id, retryAtMs);
      else if (room > 0 && this.#begin(host, nowMs)) room -= 1;
    }
  }

  #begin(host: GroupHost, nowMs: number): boolean {
    const { id, raft } = host;
    const target = this.#successorOf(host, nowMs);
    if (target === undefined) return false;
    if (!raft.transferLeadership(nowMs, target, LIMITS.balanceBlockMsMax, 'DISK_FULL').ok) return false;
    this.#retryAtMs.set(id, nowMs + LIMITS.diskHandOverRetryMs);
    this.#broker.log('the disk is short: handing over', { group: id, to: target });
    this.#broker.wake(host);
    return true;
  }

  /** The preferred leader, or each in turn: where to go when this one declines. */
  #successorOf(host: GroupHost, nowMs: number): BrokerId | undefined {
    const { id, cluster } = this.#broker;
    const { voters } = host.raft;
    const fit = voters.filter(
      (voter) =>
        voter !== id &&
        (this.#declinedUntilMs.get(voter) ?? -Infinity) <= nowMs &&
        isFitToLead(this.#broker, host, voter),
    );
    const preferred = preferredLeader(cluster.state, host.id, voters);
    if (preferred !== undefined && fit.includes(preferred)) return preferred;
    if (fit.length === 0) return undefined;
    this.#turn += 1;
    return fit[this.#turn % fit.length];
  }
}
