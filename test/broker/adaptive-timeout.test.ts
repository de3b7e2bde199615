import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/broker/limits.js';
import { Rig } from './liveness-rig.js';

const { heartbeatIntervalMs, heartbeatTimeoutMsMin, heartbeatTimeoutMsMax, silenceHalfLifeMs } = LIMITS;

describe('how long Liveness waits for a silent peer', () => {
  /** Time until the peer is suspected that answers no more. */
  function patienceMs(rig: Rig): number {
    const downs = rig.downs.length;
    rig.answers = false;
    const silentMs = rig.clock.monotonicMs();
    rig.clock.advance(2 * heartbeatTimeoutMsMax);
    expect(rig.downs).toHaveLength(downs + 1);
    rig.answers = true;
    return rig.downs.at(-1)!.atMs - silentMs;
  }

  /** The peer answers nothing for a while, and then all at once. */
  function stall(rig: Rig, ms: number): void {
    rig.answers = false;
    rig.clock.advance(ms);
    rig.answers = true;
    rig.clock.advance(heartbeatIntervalMs + rig.delayMs);
  }

  const quiet = (): Rig => {
    const rig = new Rig().connect();
    rig.clock.advance(4 * silenceHalfLifeMs);
    return rig;
  };

  it('does not suspect a peer that stalls twice as long as it did lately', () => {
    const rig = quiet();
    stall(rig, 60);
    stall(rig, 120);
    stall(rig, 210);
    expect(rig.downs).toEqual([]);
    expect(patienceMs(rig)).toBeGreaterThan(300);
  });

  it('suspects a quiet peer of the same stall at once', () => {
    const rig = quiet();
    stall(rig, 210);
    expect(rig.downs).toHaveLength(1);
  });

  it('takes a false alarm for a lesson, and is not alarmed by the same again', () => {
    const rig = quiet();
    stall(rig, 210);
    expect([rig.up, rig.downs.length]).toEqual([true, 1]);
    stall(rig, 210);
    expect(rig.downs).toHaveLength(1);
  });

  it('makes no more of a false alarm than that: the next loss is noticed a little later only, and soon as before', () => {
    const rig = quiet();
    stall(rig, 210);
    expect(rig.downs).toHaveLength(1);
    const stalledMs = 210 + rig.delayMs + 2 * heartbeatIntervalMs;
    expect(patienceMs(rig)).toBeLessThanOrEqual(LIMITS.falseAlarmFactor * stalledMs + heartbeatIntervalMs);
    rig.clock.advance(2 * LIMITS.falseAlarmHalfLifeMs);
    expect(patienceMs(rig)).toBeLessThanOrEqual(heartbeatTimeoutMsMin + heartbeatIntervalMs);
  });

  it('learns nothing from a peer that was gone for longer than the longest timeout', () => {
    const rig = quiet();
    stall(rig, 5_000);
    expect([rig.up, rig.downs.length]).toEqual([true, 1]);
    expect(patienceMs(rig)).toBeLessThanOrEqual(heartbeatTimeoutMsMin + heartbeatIntervalMs);
  });

  it('beats half as often for a broker that has nothing to write, and waits for a peer accordingly', () => {
    const rig = quiet();
    const beatsIn = (ms: number): number => {
      const before = rig.sent.length;
      rig.clock.advance(ms);
      return rig.sent.length - before;
    };
    expect(beatsIn(10 * heartbeatIntervalMs)).toBe(10);
    rig.idle = true;
    rig.clock.advance(2 * LIMITS.idleHeartbeatIntervalMs);
    expect(beatsIn(10 * LIMITS.idleHeartbeatIntervalMs)).toBe(10);
    expect(rig.downs).toEqual([]);
    expect(patienceMs(rig)).toBeLessThanOrEqual(heartbeatTimeoutMsMax + LIMITS.idleHeartbeatIntervalMs);
  });

  it('learns no more from one that answers all at once what was sent to it meanwhile', () => {
    const rig = quiet();
    rig.answers = false;
    const from = rig.sent.length;
    rig.clock.advance(900);
    for (const sequence of rig.sent.slice(from)) rig.liveness.confirmed('n2', sequence);
    rig.answers = true;
    rig.clock.advance(4 * heartbeatIntervalMs);
    expect([rig.up, rig.downs.length]).toEqual([true, 1]);
    expect(patienceMs(rig)).toBeLessThanOrEqual(heartbeatTimeoutMsMin + heartbeatIntervalMs);
  });

  it('forgets a stall in time, and waits no longer than the longest timeout whatever it saw', () => {
    const rig = quiet();
    for (const ms of [60, 120, 210, 300]) stall(rig, ms);
    expect(rig.downs).toEqual([]);
    expect(patienceMs(rig)).toBeLessThanOrEqual(heartbeatTimeoutMsMax + heartbeatIntervalMs);
    rig.clock.advance(4 * silenceHalfLifeMs);
    expect(patienceMs(rig)).toBeLessThanOrEqual(heartbeatTimeoutMsMin + heartbeatIntervalMs);
  });

  it('does not learn from its own lag, also when an answer is read before the first beat after it', () => {
    const rig = quiet();
    rig.answers = false;
    rig.clock.advance(heartbeatIntervalMs);
    rig.clock.hang(220);
    rig.liveness.confirmed('n2', rig.sent.at(-1)!);
    rig.answers = true;
    rig.clock.advance(10 * heartbeatIntervalMs);
    expect(rig.downs).toEqual([]);
    // What it takes for the silence is what the last beat saw, and one interval.
    const silentMs = 2 * heartbeatIntervalMs;
    expect(patienceMs(rig)).toBeLessThanOrEqual(
      LIMITS.heartbeatTimeoutFactor * silentMs + heartbeatIntervalMs,
    );
  });
});
