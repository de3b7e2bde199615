/**
 * Looked at now and then instead of after every event, as it is about how long something lasts: I16, a
 * leader knows no more of a follower than its disk has; I20, no transfer outlives its bound; L5, a leader
 * without a quorum yields.
 */

import { LIMITS } from '../../broker/limits.js';
import { DEFAULT_RAFT_TUNING } from '../../raft/config.js';
import type { BrokerId } from '../../raft/types.js';
import type { Network } from '../network.js';
import type { SimProcess } from '../process.js';
import type { Observer } from './observer.js';
import type { ReplicaView } from './replica-view.js';
import { disksThatCount } from './synced-disks.js';
import { holds } from './violation.js';

/** Pause between two looks, in simulated time. */
export const WATCH_MS = 50;
/** A transfer catches up, then blocks writes; both phases have an end. */
const TRANSFER_MS_MAX = DEFAULT_RAFT_TUNING.transferCatchUpMs + LIMITS.maxBlockMsDefault;
/** L5: twice what it takes to miss a quorum and to give it up. */
const ALONE_MS_MAX = 2 * (LIMITS.heartbeatTimeoutMsMax + DEFAULT_RAFT_TUNING.checkQuorumMs);
/** L5: what a write may wait, a beat until that is seen, and a pass until it is acted on. */
const STALLED_MS_MAX = LIMITS.diskStallMs + 2 * LIMITS.heartbeatIntervalMs;
/** Looks are apart, and a slow clock stretches every bound. */
const SLACK = 1.3;

interface Lasting {
  readonly what: string;
  /** In the process's own running time: a pause ends nothing. */
  readonly sinceMs: number;
}

export class Watch {
  readonly #observer: Observer;
  readonly #network: Network;
  readonly #transfers = new Map<string, Lasting>();
  /** Since when a replica has led without a quorum that could hear it. */
  readonly #alone = new Map<string, Lasting>();
  /** Since when a leader's disk has owed it the same sync. */
  readonly #stalls = new Map<string, Lasting>();
  /** Longest time for which a broker led while its disk did not answer. */
  longestStalledLeadMs = 0;

  constructor(observer: Observer, network: Network) {
    this.#observer = observer;
    this.#network = network;
  }

  look(live: readonly SimProcess[]): void {
    const running = live.filter(({ state }) => state === 'running');
    for (const process of running) {
      let leads = false;
      for (const view of this.#observer.viewsOf(process.id)) {
        this.#checkTransfer(process, view);
        const isLeader = view.host.raft.role === 'leader';
        if (isLeader) this.#checkProgress(view);
        this.#checkQuorum(process, view, isLeader, running);
        leads ||= isLeader;
      }
      if (leads) this.#checkStall(process);
    }
  }

  #checkTransfer(process: SimProcess, { group, host, broker, life }: ReplicaView): void {
    const key = `${broker}#${String(life)}/${String(group)}`;
    const { transferTarget, term } = host.raft;
    const what = `${String(term)} ${String(transferTarget)}`;
    if (transferTarget === undefined) this.#transfers.delete(key);
    else {
      const ms = lasts(this.#transfers, key, what, process.activeMs);
      const facts = { group, broker, term, transferTarget, ms };
      holds(ms <= TRANSFER_MS_MAX * SLACK, 'I20', 'a transfer ends', facts);
    }
  }

  #checkProgress({ group, host, broker, terms, term, registered }: ReplicaView): void {
    for (const [peer, { match, next }] of host.raft.progress) {
      const facts = { group, broker, term, peer, match, next };
      holds(match < next, 'I16', 'what matches is not sent again', facts);
      const disks = disksThatCount(this.#observer.images, peer, registered(peer));
      const images = disks.map(({ image }) => image);
      const has = match === 0 || images.some((image) => image.has(group, match, terms[match] ?? 0));
      // A follower in a later term may have cut what it once had; this leader leads no more.
      const isCut = images.some(
        ({ groups, dropped }) => dropped.has(group) || (groups.get(group)?.term ?? 0) > term,
      );
      holds(has || isCut, 'I16', 'a match is on the disk of the follower', facts);
    }
  }

  #checkQuorum(process: SimProcess, view: ReplicaView, leads: boolean, running: readonly SimProcess[]): void {
    const { group, host, broker, life } = view;
    const key = `${broker}#${String(life)}/${String(group)}`;
    const { voters, term } = host.raft;
    const hears = (peer: BrokerId): boolean =>
      peer === broker ||
      (running.some(({ id }) => id === peer) &&
        this.#network.carries(broker, peer) &&
        this.#network.carries(peer, broker));
    if (!leads || 2 * voters.filter(hears).length > voters.length) {
      this.#alone.delete(key);
      return;
    }
    const what = `${String(term)} ${String(this.#network.bettermentsOf(broker))}`;
    const ms = lasts(this.#alone, key, what, process.activeMs);
    holds(ms <= ALONE_MS_MAX * SLACK, 'L5', 'a leader without quorum yields', { group, broker, term, ms });
  }

  /** B27: no zombie leader with a hung disk. */
  #checkStall({ options: { disk }, activeMs, id }: SimProcess): void {
    const sinceMs = disk.syncPendingSinceMs;
    if (sinceMs === undefined) return;
    // A process that is paused meanwhile cannot yield, and does not lead anybody astray either.
    const ms = lasts(this.#stalls, id, String(sinceMs), activeMs);
    if (ms > this.longestStalledLeadMs) this.longestStalledLeadMs = ms;
    holds(ms <= STALLED_MS_MAX * SLACK, 'L5', 'a leader whose disk does not answer yields', {
      broker: id,
      ms,
    });
  }
}

/** For how long the same has been so. */
function lasts(since: Map<string, Lasting>, key: string, what: string, nowMs: number): number {
  const known = since.get(key);
  if (known?.what === what) return nowMs - known.sinceMs;
  since.set(key, { what, sinceMs: nowMs });
  return 0;
}
