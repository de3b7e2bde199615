import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/broker/limits.js';
import { Liveness } from '../../src/broker/liveness.js';
import { ManualClock } from './manual-clock.js';

const { heartbeatIntervalMs, heartbeatTimeoutMsMin, heartbeatTimeoutMsMax, silenceHalfLifeMs } = LIMITS;

/** A link to n2 whose far end answers heartbeats after `delayMs`, as long as `answers` is true. */
class Rig {
  readonly clock = new ManualClock();
  readonly ups: number[] = [];
  readonly downs: { readonly atMs: number; readonly cause: string }[] = [];
  readonly sent: number[] = [];
  answers = true;
  delayMs = 1;
  idle = false;
  onDown: () => void = () => undefined;
  readonly liveness = new Liveness(this.clock, {
    beat: () => undefined,
    isIdle: () => this.idle,
    sendHeartbeat: (peer, sequence) => {
      this.sent.push(sequence);
      if (this.answers) this.clock.schedule(this.delayMs, () => this.liveness.confirmed(peer, sequence));
    },
    linkUp: () => this.ups.push(this.clock.monotonicMs()),
    linkDown: (_peer, cause) => {
      this.downs.push({ atMs: this.clock.monotonicMs(), cause });
      this.onDown();
    },
  });

  constructor() {
    this.liveness.add('n2');
  }

  get up(): boolean {
    return this.liveness.isUp('n2');
  }

  /** Opens both streams and lets the first heartbeat come back. */
  connect(): this {
    this.liveness.start();
    this.liveness.dataStream('n2', true);
    this.liveness.heartbeatStream('n2', true);
    this.clock.advance(this.delayMs);
    return this;
  }
}

describe('Liveness', () => {
  it('takes a link for up only when both streams are open and a heartbeat came back', () => {
    const rig = new Rig();
    rig.liveness.start();
    rig.liveness.heartbeatStream('n2', true);
    rig.clock.advance(100);
    expect(rig.up).toBe(false);
    rig.liveness.heartbeatStream('n2', false);
    rig.liveness.dataStream('n2', true);
    rig.liveness.heartbeatStream('n2', true);
    expect(rig.up).toBe(false);
    rig.clock.advance(rig.delayMs);
    expect(rig.up).toBe(true);
    expect(rig.ups).toHaveLength(1);
  });

  it('stays up, and says so once, while heartbeats come back', () => {
    const rig = new Rig().connect();
    rig.clock.advance(60_000);
    expect(rig.up).toBe(true);
    expect([rig.ups.length, rig.downs.length]).toEqual([1, 0]);
  });

  it.each(['dataStream', 'heartbeatStream'] as const)('suspects at once when the %s ends', (stream) => {
    const rig = new Rig().connect();
    const nowMs = rig.clock.monotonicMs();
    rig.liveness[stream]('n2', false);
    expect(rig.downs).toEqual([{ atMs: nowMs, cause: 'CONNECTION_LOST' }]);
    expect(rig.up).toBe(false);
  });

  it('comes up again with a new stream, for which no late confirmation of the one before counts', () => {
    const rig = new Rig().connect();
    rig.clock.advance(1_000);
    const before = rig.sent.splice(0);
    rig.liveness.heartbeatStream('n2', false);
    rig.liveness.heartbeatStream('n2', true);
    expect([rig.up, rig.sent.length]).toEqual([false, 1]);
    for (const sequence of before) rig.liveness.confirmed('n2', sequence);
    expect(rig.up).toBe(false);
    rig.clock.advance(rig.delayMs);
    expect(rig.up).toBe(true);
  });

  it('suspects a silent peer when the newest confirmed heartbeat was sent a timeout ago', () => {
    const rig = new Rig().connect();
    rig.clock.advance(4 * silenceHalfLifeMs);
    rig.answers = false;
    const silentMs = rig.clock.monotonicMs();
    rig.clock.advance(2 * heartbeatTimeoutMsMax);
    const [down] = rig.downs;
    expect(down?.cause).toBe('HEARTBEAT_MISSED');
    expect(down!.atMs - silentMs).toBeGreaterThan(heartbeatTimeoutMsMin - heartbeatIntervalMs);
    expect(down!.atMs - silentMs).toBeLessThanOrEqual(heartbeatTimeoutMsMin + heartbeatIntervalMs);
  });

  it('counts a link as down whose answers are older than the timeout, measured from sending', () => {
    const rig = new Rig();
    rig.delayMs = heartbeatTimeoutMsMax + 1;
    rig.liveness.start();
    rig.liveness.dataStream('n2', true);
    rig.liveness.heartbeatStream('n2', true);
    rig.clock.advance(10 * heartbeatTimeoutMsMax);
    expect([rig.up, rig.ups]).toEqual([false, []]);
  });

  it('counts a link that carries only one way as down: what is heard of the peer does not matter', () => {
    const rig = new Rig().connect();
    rig.answers = false;
    rig.clock.advance(2 * heartbeatTimeoutMsMax);
    rig.liveness.confirmed('n2', 0);
    rig.liveness.confirmed('n2', 1_000_000);
    expect(rig.up).toBe(false);
  });

  it('suspects nobody for the time that its own event loop hung', () => {
    const rig = new Rig().connect();
    rig.clock.advance(10 * heartbeatIntervalMs);
    rig.clock.hang(5_000);
    rig.clock.advance(10 * heartbeatIntervalMs);
    expect(rig.downs).toEqual([]);
  });

  it('suspects nobody when an old answer is read before the first beat after a hang', () => {
    const rig = new Rig().connect();
    rig.answers = false;
    rig.clock.advance(2 * heartbeatIntervalMs);
    const [last] = rig.sent.slice(-1);
    rig.clock.hang(5_000);
    rig.liveness.confirmed('n2', last!);
    rig.answers = true;
    rig.clock.advance(10 * heartbeatIntervalMs);
    expect(rig.downs).toEqual([]);
  });

  it('allows no more than the timeout after a hang, whatever was confirmed before the beat', () => {
    const rig = new Rig().connect();
    rig.clock.hang(5_000);
    // In the turn after the hang, before the timer: a new stream, confirmed at once.
    rig.liveness.heartbeatStream('n2', true);
    rig.liveness.confirmed('n2', rig.sent.at(-1)!);
    rig.answers = false;
    rig.clock.advance(2 * heartbeatTimeoutMsMax);
    expect(rig.downs.map(({ cause }) => cause)).toContain('HEARTBEAT_MISSED');
  });

  it('leaves no timer behind when stopped, not even from within a beat', () => {
    const rig = new Rig().connect();
    rig.onDown = () => {
      rig.liveness.stop();
    };
    rig.answers = false;
    rig.clock.advance(2 * heartbeatTimeoutMsMax);
    expect(rig.downs).toHaveLength(1);
    expect(rig.clock.pendingTimers).toBe(0);
    const sent = rig.sent.length;
    rig.clock.advance(1_000);
    expect(rig.sent).toHaveLength(sent);
  });

  it('knows nothing of brokers that are no peers', () => {
    const { liveness } = new Rig().connect();
    liveness.dataStream('stranger', true);
    liveness.heartbeatStream('stranger', true);
    liveness.confirmed('stranger', 1);
    expect(liveness.isUp('stranger')).toBe(false);
  });

  it('tells that the link of a removed peer is down, and hears no more of it', () => {
    const rig = new Rig().connect();
    const sent = rig.sent.length;
    rig.liveness.remove('n2');
    expect(rig.downs.map(({ cause }) => cause)).toEqual(['CONNECTION_LOST']);
    rig.liveness.dataStream('n2', true);
    rig.liveness.heartbeatStream('n2', true);
    rig.liveness.confirmed('n2', sent);
    rig.clock.advance(10 * heartbeatTimeoutMsMax);
    expect([rig.up, rig.liveness.reaches('n2'), rig.sent.length]).toEqual([false, false, sent]);
    rig.liveness.remove('n2');
    expect(rig.downs).toHaveLength(1);
  });

  it('watches a peer afresh that was removed and added again', () => {
    const rig = new Rig().connect();
    rig.liveness.remove('n2');
    rig.liveness.add('n2');
    expect([rig.up, rig.liveness.reaches('n2')]).toEqual([false, false]);
    rig.liveness.dataStream('n2', true);
    rig.liveness.heartbeatStream('n2', true);
    rig.clock.advance(rig.delayMs);
    expect(rig.up).toBe(true);
  });

  it('keeps the link of a peer that is added twice', () => {
    const rig = new Rig().connect();
    rig.liveness.add('n2');
    expect([rig.up, rig.downs.length]).toEqual([true, 0]);
  });
});

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
