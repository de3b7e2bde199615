/**
 * Whether this broker can take part in commits, with reasons: what health checks are told.
 *
 * It must not flap. An election, or a planned move of the controller, is over within milliseconds: losing the
 * controller or the quorum counts only when it lasts. A hung disk, a failure and the own end count at once, as
 * nothing written here would be acknowledged. Each reason waits on one side alone: what comes late goes at once,
 * and a slow disk, which comes at once, goes only when the disk has answered for a while. So no reason comes and
 * goes more than once a second, and a broker that can work again is not kept out.
 *
 * (A stream that is healthy and cannot be written: nats-server#8519. Health that flaps with every planned move:
 * redpanda#5253.)
 */

import type { ClusterState } from '../cluster/cluster-state.js';
import type { BellwetherError } from '../errors.js';
import { quorumSize } from '../raft/quorum.js';
import type { BrokerId } from '../raft/types.js';
import type { BrokerOptions } from './broker-options.js';
import type { Clock } from './clock.js';
import { CLUSTER_GROUP } from './cluster-host.js';
import type { LeaderTable } from './leader-table.js';
import { LIMITS } from './limits.js';

export type UnreadyReason =
  'NOT_REGISTERED' | 'NO_CONTROLLER' | 'NO_QUORUM' | 'DISK_SLOW' | 'DRAINING' | 'FAILED';

export interface UnreadyCause {
  readonly reason: UnreadyReason;
  readonly message: string;
}

/** What of the broker is needed here. */
export interface CheckedBroker {
  readonly id: BrokerId;
  readonly options: Pick<BrokerOptions, 'incarnation'>;
  readonly clock: Clock;
  readonly table: LeaderTable;
  readonly disk: { readonly isSlow: boolean; beat(lagMs: number): void };
  readonly cluster: {
    readonly state: ClusterState;
    /** Voters of group 0; undefined before the broker has started. */
    readonly voters: readonly BrokerId[] | undefined;
  };
  isAlive(broker: BrokerId): boolean;
}

export class Readiness {
  readonly #broker: CheckedBroker;
  readonly #onChange: (serving: boolean) => void;
  #serving = false;
  #draining = false;
  #failure: BellwetherError | undefined;
  /** Since when there is none; undefined while there is one. A broker that starts never had one. */
  #noControllerSinceMs: number | undefined = -Infinity;
  #noQuorumSinceMs: number | undefined = -Infinity;
  #diskSlowAtMs = -Infinity;

  /** @param onChange Called with each change. It begins with "not serving". */
  constructor(broker: CheckedBroker, onChange: ((serving: boolean) => void) | undefined) {
    this.#broker = broker;
    this.#onChange = onChange ?? (() => undefined);
  }

  /** Why the broker cannot take part in commits; empty while it can. */
  get causes(): readonly UnreadyCause[] {
    this.look();
    return this.#causes();
  }

  /** The broker hands over what it leads, or ends. There is no way back. */
  draining(): void {
    this.#draining = true;
    this.look();
  }

  failed(error: BellwetherError): void {
    this.#failure = error;
    this.look();
  }

  /** Called with each heartbeat. @param lagMs By how much it is late. */
  beat(lagMs: number): void {
    this.#broker.disk.beat(lagMs);
    this.look();
  }

  /** Compares with what was so before. */
  look(): void {
    const { table, disk, clock } = this.#broker;
    const nowMs = clock.monotonicMs();
    const hasController = table.leaderOf(CLUSTER_GROUP) !== undefined;
    this.#noControllerSinceMs = hasController ? undefined : (this.#noControllerSinceMs ?? nowMs);
    this.#noQuorumSinceMs = this.#hearsQuorum() ? undefined : (this.#noQuorumSinceMs ?? nowMs);
    if (disk.isSlow) this.#diskSlowAtMs = nowMs;
    const serving = this.#causes().length === 0;
    if (serving === this.#serving) return;
    this.#serving = serving;
    this.#onChange(serving);
  }

  get #heard(): readonly BrokerId[] {
    return (this.#broker.cluster.voters ?? []).filter((id) => this.#broker.isAlive(id));
  }

  #hearsQuorum(): boolean {
    const { voters = [] } = this.#broker.cluster;
    return voters.length > 0 && this.#heard.length >= quorumSize(voters.length);
  }

  #causes(): readonly UnreadyCause[] {
    const causes: UnreadyCause[] = [];
    const nowMs = this.#broker.clock.monotonicMs();
    const lasts = (sinceMs: number | undefined): boolean =>
      sinceMs !== undefined && nowMs - sinceMs >= LIMITS.unreadyAfterMs;
    const add = (reason: UnreadyReason, message: string): void => {
      causes.push({ reason, message });
    };
    if (this.#failure !== undefined) add('FAILED', `it has failed: ${this.#failure.message}`);
    if (this.#draining) add('DRAINING', 'it is being stopped');
    const strange = this.#unregistered();
    if (strange !== undefined) add('NOT_REGISTERED', strange);
    if (lasts(this.#noControllerSinceMs)) add('NO_CONTROLLER', 'nobody leads the cluster metadata');
    if (lasts(this.#noQuorumSinceMs)) {
      const { voters = [] } = this.#broker.cluster;
      const heard = `${String(this.#heard.length)} of ${String(voters.length)}`;
      add('NO_QUORUM', `it hears from ${heard} brokers, itself included`);
    }
    if (nowMs - this.#diskSlowAtMs < LIMITS.diskReadyAfterMs) {
      add('DISK_SLOW', `its disk left a write without an answer for over ${String(LIMITS.diskSlowMs)} ms`);
    }
    return causes;
  }

  #unregistered(): string | undefined {
    const { id, options, cluster } = this.#broker;
    const registered = cluster.state.brokers.get(id);
    if (registered === undefined) return `the cluster metadata, as it is known here, has no broker ${id}`;
    if (registered.status === 'REPLACING') return 'its disk was declared lost';
    if (registered.incarnation === options.incarnation) return undefined;
    return 'the cluster metadata does not have it with this disk';
  }
}
