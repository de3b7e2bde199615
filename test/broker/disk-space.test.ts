/** A disk that fills up: records are refused before they are appended, all else goes on, and so do they later. */
import { afterEach, describe, expect, it } from 'vitest';

import { DiskSpace } from '../../src/broker/disk-space.js';
import { LIMITS } from '../../src/broker/limits.js';
import { ManualClock } from './manual-clock.js';
import { MiniCluster } from './mini-cluster.js';
import { rejection } from './outcomes.js';

const RESERVE = 1_000;

describe('the disk space of a broker', () => {
  class Rig {
    readonly clock = new ManualClock();
    readonly told: string[] = [];
    readonly tight: (number | undefined)[] = [];
    freeBytes: number | undefined = RESERVE;
    isFull = false;
    roomsMade = 0;
    missingBytes = 0;
    stocked = 0;
    readonly space = new DiskSpace(
      this.clock,
      {
        freeBytes: () =>
          this.freeBytes === undefined
            ? Promise.reject(new Error('ENOSYS'))
            : Promise.resolve(this.freeBytes),
        isFull: () => this.isFull,
        tight: (freeBytes) => this.tight.push(freeBytes),
        makeRoom: () => {
          this.roomsMade += 1;
        },
        missingBytes: () => this.missingBytes,
        stockUp: () => {
          this.stocked += 1;
        },
      },
      RESERVE,
      (message) => this.told.push(message),
    );

    async look(): Promise<boolean> {
      this.clock.advance(LIMITS.diskSpaceLookMs);
      for (let i = 0; i < 5; i++) await Promise.resolve();
      try {
        this.space.check('n1');
        return true;
      } catch {
        return false;
      }
    }
  }

  it('refuses records below the reserve, until a quarter more is free, and says both', async () => {
    const rig = new Rig();
    rig.space.start();
    expect(await rig.look()).toBe(true);
    rig.freeBytes = RESERVE - 1;
    expect(await rig.look()).toBe(false);
    rig.freeBytes = RESERVE * 1.2;
    expect(await rig.look()).toBe(false);
    rig.freeBytes = RESERVE * 1.25;
    expect(await rig.look()).toBe(true);
    rig.freeBytes = 2 ** 40;
    expect(await rig.look()).toBe(true);
    expect(rig.tight).toEqual([RESERVE, RESERVE - 1, RESERVE * 1.2, RESERVE * 1.25, undefined]);
    expect(rig.told).toEqual(['the disk is full: records are refused', 'the disk has room again']);
  });

  it('keeps as much more free as its ballast lacks, and lets that grow while there is room only', async () => {
    const rig = new Rig();
    rig.space.start();
    rig.missingBytes = 100;
    rig.freeBytes = RESERVE + 99;
    expect(await rig.look()).toBe(false);
    expect(rig.stocked).toBe(0);
    rig.freeBytes = RESERVE * 1.25 + 100;
    expect(await rig.look()).toBe(true);
    expect(rig.stocked).toBe(1);
  });

  it('lets less wait for the disk, the nearer the reserve is', async () => {
    const rig = new Rig();
    rig.space.start();
    const max = LIMITS.clientWriteBytesMax;
    const limits: number[] = [];
    for (const freeBytes of [2 ** 40, RESERVE + 2 ** 26, RESERVE]) {
      rig.freeBytes = freeBytes;
      rig.clock.advance(LIMITS.diskSpaceRareLookMs);
      await rig.look();
      limits.push(rig.space.backlogMax(max));
    }
    expect(limits).toEqual([max, 2 ** 23, LIMITS.shortDiskBacklogBytes]);
  });

  it('lets go of what is not needed while it is short, not more often than it may', async () => {
    const rig = new Rig();
    rig.space.start();
    rig.freeBytes = 0;
    for (let ms = 0; ms < 2 * LIMITS.makeRoomMs; ms += LIMITS.diskSpaceLookMs) await rig.look();
    expect(rig.roomsMade).toBe(2);
  });

  it('goes by a write that found no room, at once, also where nobody knows how much is free', async () => {
    const rig = new Rig();
    rig.freeBytes = undefined;
    rig.space.start();
    expect(await rig.look()).toBe(true);
    rig.isFull = true;
    expect(() => rig.space.check('n1')).toThrow(
      expect.objectContaining({ reason: 'DISK_FULL', outcome: 'NOT_APPLIED' }),
    );
    rig.isFull = false;
    expect(await rig.look()).toBe(true);
  });
});

describe('a cluster whose disks fill up', () => {
  let cluster: MiniCluster;

  afterEach(() => {
    cluster.close();
  });

  it('refuses records, serves reads from the same leader, takes deletions, and goes on when there is room', async () => {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n1', { topic: 'orders', partitions: 1, replicationFactor: 3 });
    const leader = await cluster.elected('orders', 0);
    await cluster.produced(leader, 'orders', 'before');
    for (const id of cluster.ids) cluster.disk(id).freeBytes = LIMITS.diskReserveBytes - 1;
    await cluster.run(2 * LIMITS.diskSpaceRareLookMs);
    const error = await rejection(cluster.answer(cluster.produce(leader, 'orders', 'refused')));
    expect(error).toMatchObject({
      reason: 'DISK_FULL',
      outcome: 'NOT_APPLIED',
      metadata: { broker: leader },
    });
    const read = await cluster.answer(cluster.fetch(leader, 'orders', { waitMs: 0 }));
    expect(read.batches).toHaveLength(1);
    await cluster.run(20_000);
    expect(cluster.leaderOf('orders')).toBe(leader);
    for (const id of cluster.ids) cluster.disk(id).freeBytes = 2 * LIMITS.diskReserveBytes;
    await cluster.run(2 * LIMITS.diskSpaceLookMs);
    await cluster.produced(leader, 'orders', 'after');
  });

  it('a leader whose own disk takes nothing any more gives way to one whose disk does, and comes back', async () => {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n1', { topic: 'orders', partitions: 1, replicationFactor: 3 });
    const leader = await cluster.elected('orders', 0);
    cluster.disk(leader).isFull = true;
    // Nobody is told of it: it waits in the leader's memory, and its successor does not have it.
    void cluster.produce(leader, 'orders', 'stuck').catch(() => undefined);
    const successor = await cluster.elected('orders', 0, [leader]);
    await cluster.produced(successor, 'orders', 'meanwhile');
    cluster.disk(leader).isFull = false;
    await cluster.run(10_000);
    expect(cluster.at(leader).fatal).toEqual([]);
    expect(await cluster.onDisk(leader, cluster.group('orders'))).toContain('meanwhile');
  });
});
