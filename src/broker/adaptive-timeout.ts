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

export class AdaptiveTimeout {
  #peakMs: number = LIMITS.heartbeatTimeoutMsStart / LIMITS.heartbeatTimeoutFactor;
  #falseAlarmMs = 0;

  get ms(): number {
    const { heartbeatTimeoutMsMin, heartbeatTimeoutMsMax, heartbeatTimeoutFactor, falseAlarmFactor } = LIMITS;
    const wantedMs = Math.max(heartbeatTimeoutFactor * this.#peakMs, falseAlarmFactor * this.#falseAlarmMs);
    return Math.min(heartbeatTimeoutMsMax, Math.max(heartbeatTimeoutMsMin, wantedMs));
  }

  /** Called at each beat: so much time has passed. */
  beat(intervalMs: number): void {
    this.#peakMs *= 2 ** (-intervalMs / LIMITS.silenceHalfLifeMs);
    this.#falseAlarmMs *= 2 ** (-intervalMs / LIMITS.falseAlarmHalfLifeMs);
  }

  /**
   * The peer was silent, was not suspected, and has come back. A silence that still lasts says nothing: it may be
   * the last one.
   */
  cameBack(silentMs: number): void {
    this.#peakMs = Math.max(silentMs, this.#peakMs);
  }

  /**
   * The peer was suspected and has come back: it was slow and not gone, unless it was silent for longer than the
   * longest timeout. The same must not cost an election again soon. But no more is made of it than that: a process
   * that was stopped for a moment must not make every later loss take the longest timeout.
   */
  wasSuspected(silentMs: number): void {
    if (silentMs <= LIMITS.heartbeatTimeoutMsMax) this.#falseAlarmMs = Math.max(silentMs, this.#falseAlarmMs);
  }
}
