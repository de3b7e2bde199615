/**
 * How long a peer may be silent before it is suspected: a multiple of the longest silence that it was known to
 * come back from lately, between two limits. Pure.
 *
 * A quiet peer is suspected soon, and a busy one is not suspected for what its load makes it do anyway. The
 * measure is a peak that decays, as stalls (garbage collection, a large batch, the scheduler) are rare and long:
 * mean and deviation, as in TCP's retransmission timer (Jacobson 1988) and in Dynatune (arXiv 2507.15154), forget
 * them between two of them. The rule, a multiple of what is observed within limits, is that of TigerBeetle's
 * fault_detector.zig.
 */

import { LIMITS } from './limits.js';

const DECAY_PER_BEAT = 2 ** (-LIMITS.heartbeatIntervalMs / LIMITS.silenceHalfLifeMs);

export class AdaptiveTimeout {
  #peakMs: number = LIMITS.heartbeatTimeoutMsStart / LIMITS.heartbeatTimeoutFactor;

  get ms(): number {
    const { heartbeatTimeoutMsMin, heartbeatTimeoutMsMax, heartbeatTimeoutFactor } = LIMITS;
    return Math.min(
      heartbeatTimeoutMsMax,
      Math.max(heartbeatTimeoutMsMin, heartbeatTimeoutFactor * this.#peakMs),
    );
  }

  /** Called at each beat: time passes. */
  beat(): void {
    this.#peakMs *= DECAY_PER_BEAT;
  }

  /**
   * The peer was silent and has come back on the same streams. A silence that still lasts says nothing: it may be
   * the last one. A peer that was suspected meanwhile was slow and not gone, unless it was silent for longer than
   * the longest timeout; that must not cost an election again.
   */
  cameBack(silentMs: number): void {
    if (silentMs <= LIMITS.heartbeatTimeoutMsMax) this.#peakMs = Math.max(silentMs, this.#peakMs);
  }
}
