/** What the balance costs and when it acts: one leader, a clock moved by hand, a follower that is preferred. */

import { beforeEach, expect, it } from 'vitest';
import { Balancer, type LeaderBalance } from '../../src/broker/balancer.js';
import { LeaderTable } from '../../src/broker/leader-table.js';
import { LIMITS } from '../../src/broker/limits.js';
import { ClusterState } from '../../src/cluster/cluster-state.js';
import { ENTRY_KIND } from '../../src/raft/types.js';
import { Replica, VOTERS } from './replica.js';

const COOL_DOWN_MS = 10_000;

class Rig extends Replica {
  readonly state = new ClusterState();
  readonly down = new Set<string>();
  readonly table = new LeaderTable(this.clock, () => true);
  readonly balancer: Balancer;

  constructor(preferred: string, settings: LeaderBalance = { on: true, coolDownMs: COOL_DOWN_MS }) {
    super();
    for (const id of VOTERS) {
      const addresses = { address: `${id}:1`, peerAddress: `${id}:2`, rack: '' };
      this.state.apply({ kind: 'registerBroker', id, incarnation: id, ...addresses });
    }
    const assignments = [[preferred, ...VOTERS.filter((id) => id !== preferred)]];
    this.state.apply({ kind: 'createTopic', topic: 't', replicationFactor: 3, assignments });
    const { clock, table, state: cluster } = this;
    this.balancer = new Balancer(
      {
        ...{ id: 'n1', clock, table, cluster: { state: cluster } },
        isAlive: (id) => !this.down.has(id),
        disk: { space: { whileShort: () => undefined } },
        wake: () => undefined,
        log: () => undefined,
      },
      settings,
    );
    this.lead();
    this.ack('n3');
    this.#announce(['n1', 'n2', 'n3']);
  }

  override pump(): void {
    super.pump();
    this.balancer.groupAdvanced(this.host);
  }

  #announce(inSyncReplicas: readonly string[]): void {
    const { group, raft } = this;
    this.table.learn({ group, term: raft.term, leader: 'n1', inSyncReplicas, leaderSinceMs: 0 });
  }

  announce(...inSyncReplicas: readonly string[]): void {
    this.#announce(inSyncReplicas);
  }

  get moving(): boolean {
    return this.raft.transferTarget !== undefined;
  }

  pass(ms: number): void {
    this.clock.advance(ms);
  }
}

let rig: Rig;

beforeEach(() => {
  rig = new Rig('n2');
});

it('a leader that is preferred has no timer', () => {
  expect(new Rig('n1').clock.pendingTimers).toBe(0);
});

it('a preferred leader that is down costs no timer and no look', () => {
  rig.down.add('n2');
  rig.pass(COOL_DOWN_MS);
  expect([rig.clock.pendingTimers, rig.moving]).toEqual([0, false]);
  rig.down.clear();
  rig.balancer.linkUp('n2');
  expect(rig.clock.pendingTimers).toBe(1);
});

it('many groups have one timer', () => {
  const before = rig.clock.pendingTimers;
  for (let i = 0; i < 100; i++) rig.pump();
  expect([before, rig.clock.pendingTimers]).toEqual([1, 1]);
});

it('the cool-down counts from the change of leader', () => {
  rig.pass(COOL_DOWN_MS - 1);
  expect([rig.moving, rig.balancer.coolDownMs(rig.group, 'n2')]).toEqual([false, 1]);
  rig.pass(1);
  expect([rig.moving, rig.balancer.coolDownMs(rig.group, 'n2')]).toEqual([true, 0]);
});

it('and from the return of the preferred leader, each time anew', () => {
  for (let i = 0; i < 3; i++) {
    rig.pass(COOL_DOWN_MS - 1);
    rig.balancer.linkUp('n2');
  }
  rig.pass(COOL_DOWN_MS - 1);
  expect([rig.moving, rig.balancer.coolDownMs(rig.group, 'n2')]).toEqual([false, 1]);
  rig.pass(1);
  expect(rig.moving).toBe(true);
});

it('and from when it last gave up what it should lead, but not from when it handed something back', () => {
  rig.pass(COOL_DOWN_MS - 10);
  rig.balancer.resigned('n3', rig.group);
  expect(rig.balancer.coolDownMs(rig.group, 'n3')).toBe(10);
  rig.balancer.resigned('n2', rig.group);
  expect(rig.balancer.coolDownMs(rig.group, 'n2')).toBe(COOL_DOWN_MS);
});

it('a follower that lags behind, or was not level lately, waits until it is', () => {
  for (let i = 0; i < 100; i++) rig.host.propose(ENTRY_KIND.RECORD_BATCH, new Uint8Array(1));
  rig.ack('n3');
  rig.pass(COOL_DOWN_MS);
  expect(rig.moving).toBe(false);
  rig.announce('n1', 'n3');
  rig.ack('n2');
  rig.pass(LIMITS.balanceRetryMs);
  expect(rig.moving).toBe(false);
  rig.announce('n1', 'n2', 'n3');
  rig.pass(LIMITS.balanceRetryMs);
  expect(rig.moving).toBe(true);
});

it('where it is off it arms nothing, and still tells how long a broker cools down', () => {
  const off = new Rig('n2', { on: false, coolDownMs: COOL_DOWN_MS });
  expect([off.balancer.isOn, off.clock.pendingTimers]).toEqual([false, 0]);
  expect(off.balancer.coolDownMs(off.group, 'n2')).toBe(COOL_DOWN_MS);
});

it('a broker that stops moves nothing more', () => {
  rig.balancer.stop();
  expect(rig.clock.pendingTimers).toBe(0);
  rig.pump();
  rig.pass(2 * COOL_DOWN_MS);
  expect(rig.moving).toBe(false);
});

it('a group that is dropped while it is moved is forgotten', () => {
  rig.pass(COOL_DOWN_MS);
  expect(rig.moving).toBe(true);
  rig.balancer.forget(rig.group);
  rig.pass(COOL_DOWN_MS);
  expect(rig.clock.pendingTimers).toBe(0);
});
