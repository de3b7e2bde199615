import { afterEach, describe, expect, it } from 'vitest';
import { DiskSpace } from '../../src/broker/disk-space.js';
import { DiskWatch } from '../../src/broker/disk-watch.js';
import { LIMITS } from '../../src/broker/limits.js';
import { MiniCluster } from './mini-cluster.js';
import { ManualClock } from './manual-clock.js';

const PLENTY = {
  freeBytes: () => Promise.resolve(Infinity),
  isFull: () => false,
  missingBytes: () => 0,
  tight: () => undefined,
  makeRoom: () => undefined,
  stockUp: () => undefined,
};

class Rig {
  readonly clock = new ManualClock();
  readonly stalls: number[] = [];
  oldestMs = Infinity;
  bytes = 0;
  readonly watch = new DiskWatch(
    this.clock,
    { oldestMs: () => this.oldestMs, bytes: () => this.bytes },
    new DiskSpace(this.clock, PLENTY, 0, () => undefined),
    (pendingMs) => this.stalls.push(pendingMs),
  );

  /** Beats for `ms`; the first beat comes after `heldUpMs` too many. */
  beat(ms: number, heldUpMs = 0): void {
    this.clock.advance(heldUpMs);
    for (let at = 0; at < ms; at += LIMITS.heartbeatIntervalMs) {
      this.clock.advance(LIMITS.heartbeatIntervalMs);
      this.watch.beat(at === 0 ? heldUpMs : 0);
    }
  }

  submit(): void {
    this.oldestMs = this.clock.monotonicMs();
  }
}

describe('writes that pile up before the disk', () => {
  it('have further ones of clients refused, not applied, until there is room', () => {
    const rig = new Rig();
    rig.bytes = LIMITS.clientWriteBytesMax;
    rig.watch.checkRoom('n1');
    rig.bytes += 1;
    expect(() => rig.watch.checkRoom('n1')).toThrow(
      expect.objectContaining({ reason: 'BROKER_WRITE_BUFFER_FULL', outcome: 'NOT_APPLIED' }),
    );
    rig.bytes = 0;
    rig.watch.checkRoom('n1');
  });

  it('hold leaders back until the disk has caught up', async () => {
    const rig = new Rig();
    expect(rig.watch.caughtUp()).toBeUndefined();
    rig.bytes = LIMITS.replicaWriteBytesMax + 1;
    let isCaughtUp = false;
    const caughtUp = rig.watch.caughtUp()?.then(() => {
      isCaughtUp = true;
    });
    rig.clock.advance(1_000);
    await Promise.resolve();
    expect(isCaughtUp).toBe(false);
    rig.bytes = 0;
    rig.clock.advance(LIMITS.writeBacklogLookMs);
    await caughtUp;
    expect(isCaughtUp).toBe(true);
  });
});

describe('a write without an answer of the disk', () => {
  it('makes the disk slow, then stalled, once', () => {
    const rig = new Rig();
    rig.beat(600);
    rig.submit();
    rig.beat(LIMITS.diskSlowMs);
    expect([rig.watch.isSlow, rig.stalls.length]).toEqual([false, 0]);
    rig.beat(60);
    expect([rig.watch.isSlow, rig.stalls.length]).toEqual([true, 0]);
    rig.beat(LIMITS.diskStallMs);
    expect(rig.stalls).toHaveLength(1);
    rig.oldestMs = Infinity;
    rig.beat(30);
    expect(rig.watch.isSlow).toBe(false);
  });

  it('counts anew for each write: many quick ones are no stall', () => {
    const rig = new Rig();
    for (let i = 0; i < 20; i++) {
      rig.submit();
      rig.beat(90);
    }
    expect([rig.watch.isSlow, rig.stalls.length]).toEqual([false, 0]);
  });

  it('does not count the time for which this process was held up, but all the rest', () => {
    const rig = new Rig();
    const beat = (): void => rig.beat(LIMITS.heartbeatIntervalMs, 5_000);
    beat();
    rig.submit();
    for (let ms = 0; ms < LIMITS.diskSlowMs; ms += LIMITS.heartbeatIntervalMs) beat();
    expect([rig.watch.isSlow, rig.stalls.length]).toEqual([false, 0]);
    for (let ms = LIMITS.diskSlowMs; ms <= LIMITS.diskStallMs; ms += LIMITS.heartbeatIntervalMs) beat();
    expect([rig.watch.isSlow, rig.stalls.length]).toEqual([true, 1]);
  });
});

describe('a leader whose disk hangs', () => {
  let cluster: MiniCluster;

  afterEach(() => {
    cluster.close();
  });

  it('leads no more within a second, while its process and its links live on (B27)', async () => {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n1', { topic: 'orders' });
    expect(await cluster.elected('orders')).toBe('n1');
    cluster.disk('n1').holdSyncs = true;
    const lost = cluster.produce('n1', 'orders', 'never on its disk');
    lost.catch(() => undefined);
    const startedMs = cluster.clock.monotonicMs();
    const successor = await cluster.elected('orders', 0, ['n1']);
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(1_000);
    await cluster.produced(successor, 'orders', 'kept');
    cluster.disk('n1').holdSyncs = false;
    cluster.disk('n1').releaseSyncs();
  });
});
