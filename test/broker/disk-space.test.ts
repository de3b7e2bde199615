/** A disk that fills up: records are refused before they are appended, all else goes on, and so do they later. */
import { afterEach, describe, expect, it } from 'vitest';

import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
import { DiskSpace } from '../../src/broker/disk-space.js';
import { LIMITS } from '../../src/broker/limits.js';
import type { TransferCause } from '../../src/raft/messages.js';
import { asTerm } from '../../src/raft/types.js';
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

  it('a leader whose own disk is short hands over to a broker that has room, and gets back what it should lead', async () => {
    cluster = await MiniCluster.start(undefined, undefined, { on: true, coolDownMs: 5_000 });
    await cluster.createTopic('n1', { topic: 'orders', partitions: 1, replicationFactor: 3 });
    const leader = await cluster.elected('orders', 0);
    await cluster.produced(leader, 'orders', 'before');
    const other = cluster.ids.filter((id) => id !== leader);
    // Of the others one is short too: it declines, and the next one is asked.
    const [roomy = '', short = ''] = other;
    for (const id of [leader, short]) cluster.disk(id).freeBytes = LIMITS.diskReserveBytes - 1;
    await cluster.until(() => cluster.leaderOf('orders') === roomy);
    await cluster.produced(roomy, 'orders', 'meanwhile');
    const { broker } = cluster.at(roomy);
    const { group } = broker.assignment('orders', 0);
    await cluster.until(
      () => broker.cluster.state.leadership.find(group, broker.table.newestTerm(group)) !== undefined,
    );
    const change = broker.cluster.state.leadership.find(group, broker.table.newestTerm(group));
    expect(change).toMatchObject({ cause: 'DISK_FULL', previousLeader: leader, leader: roomy });
    await cluster.run(30_000);
    expect(cluster.leaderOf('orders')).toBe(roomy);
    cluster.disk(leader).freeBytes = 2 * LIMITS.diskReserveBytes;
    await cluster.until(() => cluster.leaderOf('orders') === leader, 70_000);
    expect(await cluster.values(leader, 'orders')).toEqual(['before', 'meanwhile']);
  });

  it('a broker that is short declines what needs room, and takes the other orders that came with it', async () => {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n1', { topic: 'orders', partitions: 2, replicationFactor: 3 });
    const leaders = [await cluster.elected('orders', 0), await cluster.elected('orders', 1)];
    const short = cluster.ids.find((id) => !leaders.includes(id)) ?? '';
    cluster.disk(short).freeBytes = LIMITS.diskReserveBytes - 1;
    await cluster.run(2 * LIMITS.diskSpaceRareLookMs);
    const { handler, broker } = cluster.at(short);
    const orders = leaders.map((from, partition) => {
      const { group } = broker.assignment('orders', partition);
      const term = asTerm(broker.table.newestTerm(group));
      const cause: TransferCause = partition === 0 ? 'BALANCED' : 'SHUTDOWN';
      const message = { kind: 'timeoutNow', from, to: short, term, cause, blockedMs: 0 } as const;
      return { group, message };
    });
    expect(() => handler.campaignsOrdered(leaders[0] ?? '', orders)).toThrow(
      expect.objectContaining({ reason: 'DISK_FULL' }),
    );
    const taken = { group: orders[1]?.group ?? CLUSTER_GROUP, term: (orders[1]?.message.term ?? 0) + 1 };
    const { leadership } = broker.cluster.state;
    await cluster.until(() => leadership.find(taken.group, taken.term)?.cause === 'SHUTDOWN');
    expect(cluster.leaderOf('orders', 0)).toBe(leaders[0]);
  });

  it('hands over a bounded number of partitions at a time, and all of them in the end', async () => {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n1', { topic: 'many', partitions: 120, replicationFactor: 3 });
    const partitions = Array.from({ length: 120 }, (_, partition) => partition);
    await cluster.until(() => partitions.every((each) => cluster.leaderOf('many', each) !== undefined));
    const { broker } = cluster.at('n2');
    const ledByN1 = (): number => partitions.filter((each) => cluster.leaderOf('many', each) === 'n1').length;
    const before = ledByN1();
    expect(before).toBeGreaterThan(LIMITS.diskHandOversPerLookMax);
    cluster.disk('n1').freeBytes = LIMITS.diskReserveBytes - 1;
    await cluster.until(() => ledByN1() < before);
    expect(ledByN1()).toBeGreaterThanOrEqual(before - LIMITS.diskHandOversPerLookMax);
    await cluster.until(() => broker.table.countLedBy('n1') === 0);
    // Group 0 takes no records of clients.
    expect(broker.table.leaderOf(CLUSTER_GROUP)?.leader).toBeDefined();
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
