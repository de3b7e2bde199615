/**
 * Which brokers are alive, per pair of brokers and for all their groups at once.
 *
 * A link is up while both streams to the peer are open and a heartbeat came back that was sent within the
 * timeout of that peer: measured from its sending, so that a link which carries only one way counts as cut on
 * both sides. The loss of a stream, which the transport has made sure of, is evidence at once; a hang shows by the
 * timeout (adaptive-timeout.ts). Before anyone is suspected for silence, the lag of this process's own event loop is
 * taken off.
 */

import type { BrokerId } from '../raft/types.js';
import { AdaptiveTimeout } from './adaptive-timeout.js';
import type { Clock } from './clock.js';
import { LIMITS } from './limits.js';

/** Why a link went down. */
export type SuspicionCause = 'CONNECTION_LOST' | 'HEARTBEAT_MISSED';

export interface LivenessEvents {
  /** Before each round of heartbeats. `lagMs` is how late it is, because this process was held up. */
  beat(lagMs: number): void;
  sendHeartbeat(peer: BrokerId, sequence: number): void;
  /** True while this broker has nothing to write. */
  isIdle(): boolean;
  linkUp(peer: BrokerId): void;
  linkDown(peer: BrokerId, cause: SuspicionCause): void;
  /** A stream of a link that is up broke and stands again: what was sent before may be lost. */
  linkRenewed(peer: BrokerId): void;
}

interface Link {
  dataOpen: boolean;
  heartbeatOpen: boolean;
  up: boolean;
  /** When it came up last. */
  upSinceMs: number;
  /** When the newest heartbeat was sent that had been confirmed as it went down. */
  silentSinceMs: number;
  readonly timeout: AdaptiveTimeout;
  /**
   * Of the last heartbeat. Never begins anew: a late confirmation of what was sent on an earlier stream must not
   * count for what is sent on this one.
   */
  sequence: number;
  /** Sending times of the heartbeats that were not confirmed yet, by sequence. */
  readonly sentAtMs: Map<number, number>;
  /** When the newest confirmed heartbeat was sent. */
  confirmedAtMs: number;
  /** When the newest confirmation came in, whatever became of its stream; undefined before the first. */
  lastSignMs: number | undefined;
  /** How long that was ago at the last beat. */
  ageMs: number;
}

export class Liveness {
  readonly #clock: Clock;
  readonly #events: LivenessEvents;
  readonly #links = new Map<BrokerId, Link>();
  #lastBeatMs = 0;
  /** Until the next beat. */
  #intervalMs: number = LIMITS.heartbeatIntervalMs;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, events: LivenessEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** Begins to watch a peer; does nothing for one that is watched. */
  add(peer: BrokerId): void {
    if (this.#links.has(peer)) return;
    this.#links.set(peer, {
      dataOpen: false,
      heartbeatOpen: false,
      up: false,
      upSinceMs: -Infinity,
      silentSinceMs: -Infinity,
      timeout: new AdaptiveTimeout(),
      sequence: 0,
      sentAtMs: new Map<number, number>(),
      confirmedAtMs: -Infinity,
      lastSignMs: undefined,
      ageMs: Infinity,
    });
  }

  /** Watches a peer no more; what is still told of its streams counts for nothing. */
  remove(peer: BrokerId): void {
    const link = this.#links.get(peer);
    this.#links.delete(peer);
    if (link?.up === true) this.#events.linkDown(peer, 'CONNECTION_LOST');
  }

  start(): void {
    this.#lastBeatMs = this.#clock.monotonicMs();
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  isUp(peer: BrokerId): boolean {
    return this.#links.get(peer)?.up ?? false;
  }

  /** When the peer last confirmed a heartbeat; undefined for never. */
  lastConfirmedMs(peer: BrokerId): number | undefined {
    return this.#links.get(peer)?.lastSignMs;
  }

  /** True while both streams to the peer are open, whether or not it confirms. */
  reaches(peer: BrokerId): boolean {
    const link = this.#links.get(peer);
    return link !== undefined && link.dataOpen && link.heartbeatOpen;
  }

  dataStream(peer: BrokerId, open: boolean): void {
    const link = this.#links.get(peer);
    if (link === undefined) return;
    const renewed = open && link.dataOpen && link.up;
    link.dataOpen = open;
    this.#judge(peer, link, 'CONNECTION_LOST');
    if (renewed && link.up) this.#events.linkRenewed(peer);
  }

  /**
   * With a new stream nothing that was sent before will be confirmed. What was confirmed counts on where the
   * stream broke and stood again without having been lost.
   */
  heartbeatStream(peer: BrokerId, open: boolean): void {
    const link = this.#links.get(peer);
    if (link === undefined) return;
    const renewed = open && link.heartbeatOpen && link.up;
    link.heartbeatOpen = open;
    link.sentAtMs.clear();
    if (!renewed) {
      link.confirmedAtMs = -Infinity;
      link.ageMs = Infinity;
    }
    if (open) this.#send(peer, link);
    this.#judge(peer, link, 'CONNECTION_LOST');
  }

  confirmed(peer: BrokerId, sequence: number): void {
    const link = this.#links.get(peer);
    const sentAtMs = link?.sentAtMs.get(sequence);
    if (link === undefined || sentAtMs === undefined) return;
    for (const older of link.sentAtMs.keys()) if (older <= sequence) link.sentAtMs.delete(older);
    this.#learn(link);
    link.confirmedAtMs = Math.max(link.confirmedAtMs, sentAtMs);
    link.lastSignMs = this.#clock.monotonicMs();
    // Silence is judged by the beat alone, which knows of this process's own lag.
    if (!link.up) this.#judge(peer, link, 'HEARTBEAT_MISSED');
  }

  /**
   * Counted from the last beat, which has taken this process's own lag off. A peer that hung answers all at once
   * what was sent to it meanwhile: what was sent before the link was up again is part of the same silence.
   */
  #learn(link: Link): void {
    if (!link.up || link.confirmedAtMs < link.upSinceMs) return;
    const silentMs = this.#clock.monotonicMs() - link.confirmedAtMs;
    link.timeout.cameBack(Math.min(silentMs, link.ageMs + this.#intervalMs));
  }

  /** Plans the next beat first: whatever the beat comes to may stop it. */
  #arm(): void {
    const { heartbeatIntervalMs, idleHeartbeatIntervalMs } = LIMITS;
    const intervalMs = this.#events.isIdle() ? idleHeartbeatIntervalMs : heartbeatIntervalMs;
    this.#intervalMs = intervalMs;
    this.#cancel = this.#clock.schedule(intervalMs, () => {
      this.#arm();
      this.#beat(intervalMs);
    });
  }

  #beat(intervalMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const lagMs = nowMs - this.#lastBeatMs - intervalMs;
    this.#lastBeatMs = nowMs;
    this.#events.beat(lagMs);
    for (const [peer, link] of this.#links) {
      // What could not be read while this process hung must not count against the peer.
      if (lagMs > intervalMs) {
        link.confirmedAtMs = Math.min(nowMs, link.confirmedAtMs + lagMs);
        link.silentSinceMs += lagMs;
      }
      link.ageMs = nowMs - link.confirmedAtMs;
      link.timeout.beat(intervalMs);
      if (this.#cancel === undefined) return;
      if (link.heartbeatOpen) this.#send(peer, link);
      this.#judge(peer, link, 'HEARTBEAT_MISSED');
    }
  }

  #send(peer: BrokerId, link: Link): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [sequence, sentAtMs] of link.sentAtMs) {
      if (nowMs - sentAtMs < 2 * LIMITS.heartbeatTimeoutMsMax) break;
      link.sentAtMs.delete(sequence);
    }
    link.sequence += 1;
    link.sentAtMs.set(link.sequence, nowMs);
    this.#events.sendHeartbeat(peer, link.sequence);
  }

  #judge(peer: BrokerId, link: Link, cause: SuspicionCause): void {
    const fresh = this.#clock.monotonicMs() - link.confirmedAtMs <= link.timeout.ms;
    const up = link.dataOpen && link.heartbeatOpen && fresh;
    if (up === link.up) return;
    link.up = up;
    if (!up) link.silentSinceMs = link.confirmedAtMs;
    else {
      link.upSinceMs = this.#clock.monotonicMs();
      link.timeout.wasSuspected(link.upSinceMs - link.silentSinceMs);
    }
    if (up) this.#events.linkUp(peer);
    else this.#events.linkDown(peer, cause);
  }
}
