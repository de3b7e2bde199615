/**
 * Some links are cut and others are not. Two brokers that do not hear each other must not take leadership from each
 * other in turn, through a third that hears both (B26; Ongaro's thesis section 9.6; openraft#2080).
 */

import { describe, expect, it } from 'vitest';
import { Clients } from '../../src/sim/clients.js';
import { World } from '../../src/sim/world.js';

const PARTITIONS = 8;
const SEEDS = [1, 2, 3];
const LOAD = {
  producers: 4,
  consumers: 4,
  partitions: PARTITIONS,
  pauseMs: 40,
  failoverPauseMs: Infinity,
  topicPauseMs: Infinity,
  paddingBytesMax: 100,
};
/** How long a cut lasts, in simulated time: dozens of heartbeat timeouts. */
const CUT_MS = 10_000;
const SETTLE_MS = 3_000;

interface Stage {
  readonly world: World;
  elections(): number;
  leaders(): string[];
  writes(): number;
}

/** A cluster under load that is at rest. */
async function cluster(seed: number, brokers: number): Promise<Stage> {
  const world = new World({ seed, brokers, partitions: PARTITIONS });
  const fail = (error: unknown): void => world.fail(error);
  const clients = new Clients(LOAD, world.port, world.random.fork(), world.ids, world.safety, fail);
  await world.start();
  world.startWatch();
  clients.start();
  await world.run(SETTLE_MS);
  return {
    world,
    elections: () => world.observer.elections.elections,
    leaders: () => {
      const groups = Array.from({ length: PARTITIONS }, (_, partition) => world.groupOf(partition));
      return groups.map((group) => {
        const leading = world.observer.replicasOf(group).filter(({ role }) => role === 'leader');
        return leading.map(({ broker }) => broker).join();
      });
    },
    writes: () => world.safety.acknowledgedRecords,
  };
}

/** Nothing passes between these two, either way. The returned function mends. */
function cut({ network }: World, a: string, b: string): () => void {
  const mend = [network.cut(a, b), network.cut(b, a)];
  return () => {
    for (const each of mend) each();
  };
}

describe('a partial partition', () => {
  it.each(SEEDS)('costs no election where every leader keeps its quorum: seed %i', async (seed) => {
    const { world, elections, leaders } = await cluster(seed, 3);
    const [before, held] = [elections(), leaders()];
    expect(new Set(held).size).toBe(3);
    cut(world, 'n1', 'n2');
    await world.run(CUT_MS);
    expect(elections()).toBe(before);
    expect(leaders()).toEqual(held);
  });

  it.each(SEEDS)('costs none when it comes and goes either: seed %i', async (seed) => {
    const { world, elections } = await cluster(seed, 3);
    const before = elections();
    for (let i = 0; i < 10; i++) {
      const mend = i % 2 === 0 ? cut(world, 'n2', 'n3') : world.network.cut('n2', 'n3');
      await world.run(CUT_MS / 10);
      mend();
      await world.run(CUT_MS / 10);
    }
    expect(elections()).toBe(before);
  });

  it.each(SEEDS)('moves what a leader without quorum led once, and writes go on: seed %i', async (seed) => {
    const { world, elections, leaders, writes } = await cluster(seed, 5);
    const [before, held] = [elections(), leaders()];
    const lost = held.filter((leader) => leader === 'n1').length;
    expect(lost).toBeGreaterThan(0);
    // n1 hears n2 alone, which hears everybody.
    for (const other of ['n3', 'n4', 'n5']) cut(world, 'n1', other);
    await world.run(CUT_MS);
    // Three replicas of five brokers: a group with n2 in it may keep n1. Group 0 has all five.
    expect(elections() - before).toBeLessThanOrEqual(lost + 1);
    const after = [elections(), writes()];
    await world.run(CUT_MS);
    expect(elections()).toBe(after[0]);
    expect(writes()).toBeGreaterThan(after[1] ?? Infinity);
    expect(leaders().every((leader) => leader !== '')).toBe(true);
  });
});

describe('a leader whose connections are reset, while those of its followers stand', () => {
  it.each(SEEDS)('has them again before it gives up (CheckQuorum): seed %i', async (seed) => {
    const { world, elections } = await cluster(seed, 3);
    const before = elections();
    for (const leader of world.ids) {
      for (const other of world.ids) if (other !== leader) world.network.at(leader)?.resetStreams(other);
      await world.run(SETTLE_MS);
    }
    expect(elections()).toBe(before);
  });
});
