/**
 * Leaders go back to where they belong (Kafka's auto.leader.rebalance.enable, with a cool-down): not to a cold
 * replica (apache/kafka#22934), not to one that is down (redpanda#2092), and not all at once.
 */

import { afterEach, describe, expect, it } from 'vitest';
import type { LeaderBalance } from '../../src/broker/balancer.js';
import { CLUSTER_GROUP } from '../../src/broker/cluster-host.js';
import { LIMITS } from '../../src/broker/limits.js';
import { submitCommand } from '../../src/broker/submit.js';
import type { BrokerId } from '../../src/raft/types.js';
import { MiniCluster } from './mini-cluster.js';
import { MovingPartition } from './moving-partition.js';

const IDS: readonly BrokerId[] = ['n1', 'n2', 'n3'];
const COOL_DOWN_MS = 5_000;
/** More than the rounds, the retries and the moves themselves take. */
const SOON_MS = 3_000;

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

async function start(partitions: number, balance: LeaderBalance = { on: true, coolDownMs: COOL_DOWN_MS }) {
  cluster = await MiniCluster.start(IDS, {}, balance);
  await cluster.createTopic('n1', { topic: 't', partitions, replicationFactor: 3 });
  for (let partition = 0; partition < partitions; partition++) await cluster.elected('t', partition);
}

/** How many groups a broker leads that another one should; group 0 left out. */
function astray(via: BrokerId = 'n2'): number {
  const { broker } = cluster.at(via);
  return [...broker.cluster.state.byGroup.values()].filter(
    ({ group, replicas }) => broker.table.leaderOf(group)?.leader !== replicas[0],
  ).length;
}

const controllerOf = (via: BrokerId): BrokerId | undefined =>
  cluster.at(via).broker.table.leaderOf(CLUSTER_GROUP)?.leader;

/** Fails over from n1, and has it back. */
async function crashAndReturn(): Promise<void> {
  cluster.crash('n1');
  await cluster.until(
    () => cluster.at('n2').broker.table.countLedBy('n1') === 0 && controllerOf('n2') !== 'n1',
  );
  await cluster.restart('n1');
  await cluster.until(() => cluster.members.every(({ broker }) => IDS.every((id) => broker.isAlive(id))));
}

describe('a broker that failed and is back', () => {
  it('leads again what it should, group 0 too, after the cool-down and not before', async () => {
    await start(6);
    await crashAndReturn();
    expect(astray()).toBe(2);
    await cluster.run(COOL_DOWN_MS - 200);
    expect(astray()).toBe(2);
    expect(controllerOf('n2')).not.toBe('n1');
    await cluster.until(() => astray() === 0 && controllerOf('n2') === 'n1', SOON_MS);
  });

  it('gets nothing back while it lacks records, and its partitions are written all the time', async () => {
    await start(1);
    await crashAndReturn();
    cluster.disk('n1').holdSyncs = true;
    const leader = await cluster.elected('t', 0, ['n1']);
    await cluster.produced(leader, 't', 'n1 has no disk for it');
    await cluster.run(COOL_DOWN_MS + SOON_MS);
    expect(cluster.leaderOf('t')).toBe(leader);
    cluster.disk('n1').holdSyncs = false;
    cluster.disk('n1').releaseSyncs();
    // A hung disk takes the links down: the cool-down counts from when they are up again.
    await cluster.until(() => cluster.leaderOf('t') === 'n1', COOL_DOWN_MS + SOON_MS);
    expect(await cluster.values('n1', 't')).toEqual(['n1 has no disk for it']);
  });

  it('that fails again and again is left alone for the cool-down each time: no ping-pong', async () => {
    await start(3);
    for (let round = 0; round < 4; round++) {
      await crashAndReturn();
      await cluster.run(COOL_DOWN_MS - 500);
      expect(astray()).toBe(1);
    }
    await cluster.until(() => astray() === 0, SOON_MS);
  });

  it('gets nothing back where the balance is off', async () => {
    await start(3, { on: false, coolDownMs: 0 });
    await crashAndReturn();
    await cluster.run(20_000);
    expect(astray()).toBe(1);
    expect(cluster.at('n2').broker.balancer.isOn).toBe(false);
  });
});

describe('leadership that is handed back', () => {
  it('moves a few groups at a time, at a bounded pace', async () => {
    await start(90);
    await crashAndReturn();
    expect(astray()).toBe(30);
    const { table } = cluster.at('n2').broker;
    const most = Math.max(table.countLedBy('n2'), table.countLedBy('n3')) - 30;
    let inFlightMost = 0;
    let firstMs: number | undefined;
    await cluster.until(() => {
      for (const { broker } of cluster.members) {
        const assignments = [...broker.cluster.state.byGroup.values()];
        const moving = assignments.filter(
          ({ group }) => broker.group(group)?.raft.transferTarget !== undefined,
        );
        inFlightMost = Math.max(inFlightMost, moving.length);
      }
      if (astray() < 30) firstMs ??= cluster.clock.monotonicMs();
      return astray() === 0;
    }, COOL_DOWN_MS + SOON_MS);
    expect(inFlightMost).toBeGreaterThan(0);
    expect(inFlightMost).toBeLessThanOrEqual(LIMITS.balanceMovesInFlightMax);
    const tookMs = cluster.clock.monotonicMs() - (firstMs ?? 0);
    const rounds = Math.ceil(most / (LIMITS.balanceMovesPerSecondMax * (LIMITS.balanceRoundMs / 1_000)));
    // The first round is before the first move that is seen.
    expect(tookMs).toBeGreaterThanOrEqual((rounds - 1.5) * LIMITS.balanceRoundMs);
  });

  it('follows a reassignment that only names another preferred leader', async () => {
    await start(1);
    const partition = new MovingPartition(cluster);
    await cluster.run(COOL_DOWN_MS);
    await partition.move('n3', 'n1', 'n2');
    await cluster.until(() => cluster.leaderOf('t') === 'n3', SOON_MS);
  });

  it('is given up when the target does not take over, and tried again ever later', async () => {
    await start(1);
    await crashAndReturn();
    const leader = await cluster.elected('t', 0, ['n1']);
    const { broker } = cluster.at(leader);
    const group = cluster.group('t');
    // Its orders to campaign are lost.
    const { handler } = cluster.at('n1');
    handler.campaignsOrdered = () => undefined;
    let begun = 0;
    let wasMoving = false;
    const count = (): boolean => {
      const isMoving = broker.group(group)?.raft.transferTarget !== undefined;
      if (isMoving && !wasMoving) begun += 1;
      wasMoving = isMoving;
      return false;
    };
    await cluster.until(count, COOL_DOWN_MS + 8_000).catch(() => undefined);
    // At once, and after 1, 2 and 4 s; the next would be 8 s later.
    expect(begun).toBe(4);
    expect(cluster.leaderOf('t')).toBe(leader);
    await cluster.produced(leader, 't', 'still written');
  });

  it('is back as preferred after a rolling restart of all brokers', async () => {
    await start(9);
    for (const id of IDS) {
      await cluster.answer(cluster.at(id).broker.departure.run(2_000));
      await cluster.restart(id);
      await cluster.until(() =>
        cluster.members.every(({ broker }) => IDS.every((each) => broker.isAlive(each))),
      );
      await cluster.run(1_000);
    }
    expect(astray()).toBeGreaterThan(0);
    await cluster.until(() => astray() === 0 && controllerOf('n2') === 'n1', COOL_DOWN_MS + SOON_MS);
  });
});

describe('a broker', () => {
  it('that hands over what it should lead is left alone by all, whoever led when', async () => {
    await start(6);
    await cluster.run(COOL_DOWN_MS);
    await cluster.answer(cluster.at('n1').broker.departure.run(2_000));
    await cluster.until(() => astray() === 2);
    for (const id of ['n2', 'n3']) {
      const { balancer } = cluster.at(id).broker;
      expect(balancer.coolDownMs(cluster.group('t', 1), 'n1')).toBeGreaterThan(COOL_DOWN_MS - 500);
      expect(balancer.coolDownMs(cluster.group('t', 1), 'n3')).toBe(0);
    }
    await cluster.run(COOL_DOWN_MS - 500);
    expect(astray()).toBe(2);
  });

  it('that is being removed is no target, and one that stays is', async () => {
    await start(3);
    await crashAndReturn();
    const leaver = { kind: 'removeBroker', id: 'n1' } as const;
    await cluster.answer(submitCommand(cluster.at('n2').broker, leaver, 2_000));
    await cluster.run(COOL_DOWN_MS + SOON_MS);
    expect(astray()).toBe(1);
    expect(controllerOf('n2')).not.toBe('n1');
  });
});
