/** Health that means writable (nats-server#8519), and does not flap with planned moves (redpanda#5253). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderTable } from '../../src/broker/leader-table.js';
import { LIMITS } from '../../src/broker/limits.js';
import { Readiness } from '../../src/broker/readiness.js';
import { submitCommand } from '../../src/broker/submit.js';
import { ClusterState } from '../../src/cluster/cluster-state.js';
import { BellwetherError } from '../../src/errors.js';
import { asGroupId, asLogIndex, asTerm, type BrokerId } from '../../src/raft/types.js';
import { ManualClock } from './manual-clock.js';
import { MiniCluster } from './mini-cluster.js';

const VOTERS = ['n1', 'n2', 'n3'];
const LOST_MS = LIMITS.unreadyAfterMs;

class Rig {
  readonly clock = new ManualClock();
  readonly down = new Set<BrokerId>();
  readonly table = new LeaderTable(this.clock, (id) => !this.down.has(id));
  readonly state = new ClusterState();
  readonly disk = { isSlow: false, beat: () => undefined };
  /** Each change that was told. */
  readonly told: boolean[] = [];
  readonly readiness: Readiness;
  #term = 0;

  constructor() {
    const { clock, table, disk, state, down } = this;
    this.readiness = new Readiness(
      {
        ...{ id: 'n1', options: { incarnation: 'disk-n1' }, clock, table, disk },
        cluster: { state, voters: VOTERS },
        isAlive: (id) => !down.has(id),
      },
      (serving) => this.told.push(serving),
    );
  }

  register(incarnation = 'disk-n1'): void {
    const addresses = { address: 'n1:1', peerAddress: 'n1:2', rack: '' };
    this.state.apply({ kind: 'registerBroker', id: 'n1', incarnation, ...addresses });
  }

  /** `leader` leads the metadata, or nobody. */
  controller(leader: BrokerId | undefined): void {
    if (leader !== undefined) this.#term += 1;
    const announcement = {
      group: asGroupId(0),
      term: asTerm(this.#term),
      inSyncReplicas: [],
      leaderSinceMs: 0,
    };
    this.table.learn({ ...announcement, leader });
  }

  /** Beats go on for so long. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= LIMITS.heartbeatIntervalMs) {
      this.clock.advance(Math.min(left, LIMITS.heartbeatIntervalMs));
      this.readiness.beat(0);
    }
  }

  get reasons(): readonly string[] {
    return this.readiness.causes.map(({ reason }) => reason);
  }
}

let rig: Rig;

beforeEach(() => {
  rig = new Rig();
  rig.register();
  rig.controller('n2');
  rig.readiness.beat(0);
});

describe('a broker', () => {
  it('that starts is not ready before it is registered, knows a controller and hears a quorum', () => {
    const fresh = new Rig();
    fresh.down.add('n2').add('n3');
    expect(fresh.reasons).toEqual(['NOT_REGISTERED', 'NO_CONTROLLER', 'NO_QUORUM']);
    fresh.register();
    expect(fresh.reasons).toEqual(['NO_CONTROLLER', 'NO_QUORUM']);
    fresh.down.delete('n3');
    expect(fresh.reasons).toEqual(['NO_CONTROLLER']);
    expect(fresh.told).toEqual([]);
    fresh.controller('n3');
    fresh.readiness.beat(0);
    expect([fresh.reasons, fresh.told]).toEqual([[], [true]]);
  });

  it('is not ready with another disk than the registered one', () => {
    const other = new Rig();
    other.register('another disk');
    expect(other.reasons).toContain('NOT_REGISTERED');
    rig.state.clusterMembershipCommitted(asLogIndex(1), { voters: VOTERS, learners: [] });
    rig.state.apply({ kind: 'replaceBroker', id: 'n1' });
    expect(rig.readiness.causes).toEqual([
      { reason: 'NOT_REGISTERED', message: 'its disk was declared lost' },
    ]);
  });

  it('that drains, or has failed, says so at once and for good', () => {
    rig.readiness.draining();
    expect([rig.told, rig.reasons]).toEqual([[true, false], ['DRAINING']]);
    rig.readiness.failed(new BellwetherError('STORAGE_FAILED', 'fdatasync failed: EIO'));
    rig.pass(10 * LOST_MS);
    expect([rig.reasons, rig.told]).toEqual([
      ['FAILED', 'DRAINING'],
      [true, false],
    ]);
    expect(rig.readiness.causes[0]?.message).toContain('EIO');
  });
});

describe('without a controller', () => {
  it('a broker stays ready while that is an election or a planned move', () => {
    for (let move = 0; move < 20; move++) {
      rig.controller(undefined);
      rig.pass(LOST_MS - 100);
      rig.controller('n3');
      rig.pass(100);
    }
    expect(rig.told).toEqual([true]);
  });

  it('it is unready after a second, and ready at once when there is one again', () => {
    rig.controller(undefined);
    rig.pass(LOST_MS);
    expect(rig.told).toEqual([true]);
    rig.pass(LIMITS.heartbeatIntervalMs);
    expect([rig.reasons, rig.told]).toEqual([['NO_CONTROLLER'], [true, false]]);
    rig.controller('n3');
    rig.pass(LIMITS.heartbeatIntervalMs);
    expect(rig.told).toEqual([true, false, true]);
  });
});

describe('without a quorum', () => {
  it('a broker is unready after a second, with the number of brokers that it hears', () => {
    rig.down.add('n3');
    rig.pass(3 * LOST_MS);
    expect(rig.told).toEqual([true]);
    rig.down.add('n2');
    rig.pass(LOST_MS + 2 * LIMITS.heartbeatIntervalMs);
    expect(rig.reasons).toEqual(['NO_CONTROLLER', 'NO_QUORUM']);
    expect(rig.readiness.causes[1]?.message).toContain('1 of 3');
    rig.down.delete('n2');
    rig.pass(LIMITS.heartbeatIntervalMs);
    expect(rig.told).toEqual([true, false, true]);
  });
});

describe('with a disk that does not answer', () => {
  it('a broker is unready at once, and ready when the disk has answered for a second', () => {
    rig.disk.isSlow = true;
    rig.readiness.beat(0);
    expect([rig.reasons, rig.told]).toEqual([['DISK_SLOW'], [true, false]]);
    rig.disk.isSlow = false;
    rig.pass(LIMITS.diskReadyAfterMs - LIMITS.heartbeatIntervalMs);
    expect(rig.told).toEqual([true, false]);
    rig.pass(2 * LIMITS.heartbeatIntervalMs);
    expect(rig.told).toEqual([true, false, true]);
  });

  it('that answers now and then it does not flap', () => {
    for (let i = 0; i < 20; i++) {
      rig.disk.isSlow = true;
      rig.pass(100);
      rig.disk.isSlow = false;
      rig.pass(LIMITS.diskReadyAfterMs - 200);
    }
    expect(rig.told).toEqual([true, false]);
  });
});

describe('in a cluster', () => {
  let cluster: MiniCluster;

  afterEach(() => {
    cluster.close();
  });

  const reasons = (id: BrokerId): readonly string[] =>
    cluster.at(id).broker.readiness.causes.map(({ reason }) => reason);

  it('every broker is ready, stays so while one fails and comes back, and is not without the others', async () => {
    cluster = await MiniCluster.start();
    await cluster.until(() => VOTERS.every((id) => reasons(id).length === 0));
    cluster.crash('n1');
    await cluster.run(3_000);
    expect([reasons('n2'), reasons('n3')]).toEqual([[], []]);
    cluster.crash('n3');
    await cluster.until(() => reasons('n2').includes('NO_QUORUM'));
    await cluster.restart('n1');
    await cluster.until(() => reasons('n2').length === 0 && reasons('n1').length === 0);
  });

  it('one that is cut off is not ready, and the others are', async () => {
    cluster = await MiniCluster.start();
    cluster.network.isolate('n1');
    await cluster.run(2_000);
    expect([reasons('n1'), reasons('n2'), reasons('n3')]).toEqual([['NO_CONTROLLER', 'NO_QUORUM'], [], []]);
    cluster.network.heal();
    await cluster.until(() => reasons('n1').length === 0);
  });

  it('one whose disk hangs is not ready before its peers take it for dead', async () => {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n1', { topic: 't' });
    const leader = await cluster.elected('t');
    cluster.disk(leader).holdSyncs = true;
    void cluster.produce(leader, 't', 'lost').catch(() => undefined);
    await cluster.until(() => reasons(leader).includes('DISK_SLOW'), 1_000);
    cluster.disk(leader).holdSyncs = false;
    cluster.disk(leader).releaseSyncs();
    await cluster.until(() => reasons(leader).length === 0);
  });

  it('one whose disk was declared lost is not ready until it is a member again', async () => {
    cluster = await MiniCluster.start();
    cluster.network.isolate('n3');
    await cluster.run(1_000);
    await cluster.answer(submitCommand(cluster.at('n1').broker, { kind: 'replaceBroker', id: 'n3' }, 2_000));
    cluster.network.heal();
    await cluster.until(() => reasons('n3').length > 0);
    await cluster.until(() => reasons('n3').length === 0);
  });
});
