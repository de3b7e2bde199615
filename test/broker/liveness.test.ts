import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/broker/limits.js';
import { Rig } from './liveness-rig.js';

const { heartbeatIntervalMs, heartbeatTimeoutMsMin, heartbeatTimeoutMsMax, silenceHalfLifeMs } = LIMITS;

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

  it('stays up when a stream stands again that was never told as lost, and says that it was renewed', () => {
    const rig = new Rig().connect();
    rig.clock.advance(1_000);
    rig.liveness.heartbeatStream('n2', true);
    rig.liveness.dataStream('n2', true);
    expect([rig.up, rig.downs, rig.renewals.length]).toEqual([true, [], 1]);
    rig.answers = false;
    rig.clock.advance(2_000);
    expect(rig.downs).toMatchObject([{ cause: 'HEARTBEAT_MISSED' }]);
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
