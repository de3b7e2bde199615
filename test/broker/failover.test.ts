import { beforeEach, describe, expect, it } from 'vitest';
import { Failover } from '../../src/broker/failover.js';
import type { FailoverRequest } from '../../src/broker/failover-checks.js';
import type { LeadershipReport } from '../../src/cluster/leadership-change.js';
import { LeaderTable } from '../../src/broker/leader-table.js';
import { BellwetherError } from '../../src/errors.js';
import { DEFAULT_RAFT_TUNING } from '../../src/raft/config.js';
import { asGroupId, asTerm } from '../../src/raft/types.js';
import { rejection, Watched } from './outcomes.js';
import { PLACEMENT, Replica } from './replica.js';

const TIMEOUT_MS = 3_000;
const GROUP = asGroupId(1);
const ASSIGNMENT = { topic: 'orders', partition: 0, group: GROUP, ...PLACEMENT };

/** Broker n1, which holds a replica, and what it hears of the others. */
class Rig {
  readonly replica = new Replica();
  readonly clock = this.replica.clock;
  readonly transport = this.replica.transport;
  readonly dead = new Set<string>();
  readonly told: LeadershipReport[] = [];
  readonly table = new LeaderTable(this.clock, (broker) => !this.dead.has(broker));
  readonly failover = new Failover({
    self: 'n1',
    clock: this.clock,
    table: this.table,
    transport: this.transport,
    recorded: (group, term) => this.told.find((report) => report.group === group && report.term === term),
    isAlive: (broker) => !this.dead.has(broker),
    groupOf: () => this.replica.host,
    wake: () => {
      this.clock.defer(() => {
        this.pass();
      });
    },
  });

  /** One pass of the scheduler over the group. */
  pass(): void {
    this.replica.pump();
    this.failover.groupAdvanced(this.replica.host);
  }

  announce(leader: string | undefined, term: number): void {
    this.table.learn({ group: GROUP, term: asTerm(term), leader, inSyncReplicas: [], leaderSinceMs: 0 });
  }

  /** n1 leads term 1, and n2 has everything. */
  leadHere(): this {
    this.replica.lead();
    this.announce('n1', 1);
    return this;
  }

  run(request: Partial<FailoverRequest> = {}, timeoutMs = TIMEOUT_MS) {
    const full = {
      failedLeader: 'n1',
      expectedTerm: undefined,
      target: undefined,
      maxBlockMs: 100,
      dryRun: false,
      ...request,
    };
    return this.failover.run(ASSIGNMENT, full, timeoutMs);
  }

  get ordered(): readonly string[] {
    return this.transport.campaigns.map(({ to }) => to);
  }
}

describe('Failover', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig();
  });

  describe('checks', () => {
    it('does nothing when another broker leads already', async () => {
      rig.announce('n2', 7);
      const result = await rig.run({ expectedTerm: 3, target: 'n3' });
      expect(result).toEqual({ newLeader: 'n2', newTerm: 7, failoverMs: 0, outcome: 'ALREADY_MOVED' });
      expect(rig.transport.transfers).toEqual([]);
    });

    it('refuses a failed leader that holds no replica, and names the field', async () => {
      const error = await rejection(rig.run({ failedLeader: 'n9' }));
      expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', 'failed_leader']);
    });

    it.each([0, 4, 6])('fences a caller that believes in term %i of 5', async (expectedTerm) => {
      rig.announce('n2', 5);
      const error = await rejection(rig.run({ failedLeader: 'n2', expectedTerm }));
      expect([error.reason, error.metadata['term']]).toEqual(['FENCED_TERM', '5']);
      expect(rig.transport.transfers).toEqual([]);
    });

    it.each([
      ['holds no replica', 'n9'],
      ['is the failed leader', 'n2'],
      ['is not heard from', 'n3'],
    ])('refuses a target that %s', async (problem, target) => {
      rig.announce('n2', 5);
      rig.dead.add('n3');
      const error = await rejection(rig.run({ failedLeader: 'n2', target }));
      expect([error.reason, error.message]).toEqual(['TARGET_NOT_ELIGIBLE', `broker ${target} ${problem}`]);
    });
  });

  describe('says where the time went', () => {
    const report: LeadershipReport = {
      group: GROUP,
      term: 6,
      leader: 'n3',
      previousLeader: 'n2',
      previousTerm: 5,
      cause: 'REQUESTED',
      changedAtMs: 1,
      detectUs: undefined,
      electUs: 1,
      commitUs: 2,
      blockedUs: 3,
    };

    it.each(['the announcement', 'the history, when the announcement that said it was lost'])(
      'from %s',
      async (source) => {
        rig.announce('n2', 5);
        const moved = rig.run({ failedLeader: 'n2' });
        const announcement = {
          group: GROUP,
          term: asTerm(6),
          leader: 'n3',
          inSyncReplicas: [],
          leaderSinceMs: 0,
        };
        if (source === 'the announcement') rig.table.learn({ ...announcement, report });
        else {
          rig.told.push(report);
          rig.table.learn(announcement);
        }
        expect((await moved).report).toEqual(report);
      },
    );
  });

  describe('of a leader that is alive, here', () => {
    it('orders the caught-up follower to campaign, and answers when it has committed', async () => {
      rig.leadHere();
      const done = new Watched(rig.run({ expectedTerm: 1 }));
      expect((await done.outcome()).state).toBe('pending');
      rig.clock.advance(7.2);
      expect(rig.ordered).toEqual(['n2']);
      rig.announce('n2', 2);
      expect(await done.outcome()).toEqual({
        state: 'resolved',
        value: { newLeader: 'n2', newTerm: 2, failoverMs: 8, outcome: 'MOVED' },
      });
      expect(rig.clock.pendingTimers).toBe(0);
    });

    it('shares one move among concurrent calls, and begins anew afterwards', async () => {
      rig.leadHere();
      const calls = [rig.run(), rig.run(), rig.run()];
      await new Watched(calls[0]!).outcome();
      rig.clock.advance(1);
      rig.announce('n2', 2);
      const results = await Promise.all(calls);
      expect(results.map(({ newLeader, outcome }) => `${newLeader} ${outcome}`)).toEqual(
        Array.from({ length: 3 }, () => 'n2 MOVED'),
      );
      expect(rig.ordered).toEqual(['n2']);
      await expect(rig.run()).resolves.toMatchObject({ outcome: 'ALREADY_MOVED' });
    });

    it('gives up when the core does, because nobody caught up in time, and the leader goes on', async () => {
      rig.leadHere();
      const done = rig.run({ target: 'n3' });
      const watched = new Watched(done);
      await watched.outcome();
      rig.clock.advance(1);
      expect(rig.ordered).toEqual([]);
      rig.clock.hang(DEFAULT_RAFT_TUNING.transferCatchUpMs);
      rig.replica.raft.tick(rig.clock.monotonicMs());
      rig.pass();
      const error = await rejection(done);
      expect([error.reason, error.outcome]).toEqual(['TRANSFER_ABORTED', 'NOT_APPLIED']);
      expect(rig.replica.raft.role).toBe('leader');
      rig.clock.advance(TIMEOUT_MS);
      expect(rig.clock.pendingTimers).toBe(0);
    });

    it('refuses when no follower is heard from', async () => {
      rig.leadHere();
      for (const peer of ['n2', 'n3']) rig.replica.raft.peerDown(rig.clock.monotonicMs(), peer);
      expect((await rejection(rig.run())).reason).toBe('TARGET_NOT_ELIGIBLE');
    });

    it('waits for the successor when this broker has just been deposed', async () => {
      rig.leadHere();
      rig.replica.follow('n2', 2);
      const done = rig.run();
      const watched = new Watched(done);
      expect((await watched.outcome()).state).toBe('pending');
      rig.announce('n2', 2);
      expect(await done).toMatchObject({ newLeader: 'n2', outcome: 'MOVED' });
    });
  });

  describe('of a leader that is alive, elsewhere', () => {
    beforeEach(() => {
      rig.announce('n2', 4);
    });

    it("passes the order on, with the call's own deadline", async () => {
      const done = rig.run({ failedLeader: 'n2', target: 'n3', maxBlockMs: 5 });
      await new Watched(done).outcome();
      const request = { group: GROUP, term: 4, target: 'n3', maxBlockMs: 5 };
      expect(rig.transport.transfers).toEqual([{ to: 'n2', request, timeoutMs: TIMEOUT_MS }]);
      rig.announce('n3', 5);
      expect(await done).toMatchObject({ newLeader: 'n3', newTerm: 5, outcome: 'MOVED' });
    });

    it('sends one order for concurrent calls, and another for another failed leader', async () => {
      const calls = [rig.run({ failedLeader: 'n2' }), rig.run({ failedLeader: 'n2' })];
      await new Watched(calls[0]!).outcome();
      expect(rig.transport.transfers).toHaveLength(1);
      rig.announce('n3', 5);
      for (const result of await Promise.all(calls)) expect(result.newLeader).toBe('n3');
      const next = rig.run({ failedLeader: 'n3' });
      await new Watched(next).outcome();
      expect(rig.transport.transfers.map(({ to }) => to)).toEqual(['n2', 'n3']);
      rig.announce('n1', 6);
      expect((await next).newLeader).toBe('n1');
    });

    it('rejects when that leader finds no target', async () => {
      rig.transport.onTransfer = () => Promise.reject(new BellwetherError('TARGET_NOT_ELIGIBLE', 'none'));
      expect((await rejection(rig.run({ failedLeader: 'n2' }))).reason).toBe('TARGET_NOT_ELIGIBLE');
      rig.clock.advance(TIMEOUT_MS);
      expect(rig.clock.pendingTimers).toBe(0);
    });

    it.each(['NOT_LEADER', 'CONNECTION_LOST', 'REQUEST_TIMEOUT'] as const)(
      'waits for the successor when that leader is lost meanwhile (%s)',
      async (reason) => {
        rig.transport.onTransfer = () => Promise.reject(new BellwetherError(reason, 'lost'));
        const done = rig.run({ failedLeader: 'n2' });
        expect((await new Watched(done).outcome()).state).toBe('pending');
        rig.announce('n1', 5);
        expect(await done).toMatchObject({ newLeader: 'n1', outcome: 'MOVED' });
      },
    );

    it('says that the leader goes on when it still leads at the deadline', async () => {
      const done = rig.run({ failedLeader: 'n2' });
      const watched = new Watched(done);
      await watched.outcome();
      rig.clock.advance(TIMEOUT_MS);
      expect((await rejection(done)).reason).toBe('TRANSFER_ABORTED');
      expect(rig.clock.pendingTimers).toBe(0);
    });
  });

  describe('of a leader that is dead', () => {
    beforeEach(() => {
      rig.replica.start().follow('n2', 4);
      rig.announce('n2', 4);
      rig.dead.add('n2');
      rig.replica.raft.peerDown(rig.clock.monotonicMs(), 'n2');
    });

    it('campaigns at once with the replica here, and answers when somebody has committed', async () => {
      const done = rig.run({ failedLeader: 'n2' });
      await new Watched(done).outcome();
      expect(rig.replica.raft.role).toBe('preCandidate');
      expect(rig.transport.transfers).toEqual([]);
      rig.announce('n3', 5);
      expect(await done).toMatchObject({ newLeader: 'n3', newTerm: 5, outcome: 'MOVED' });
    });

    it('rejects with NO_LEADER when nobody is elected in time', async () => {
      const done = rig.run({ failedLeader: 'n2' }, 800);
      const watched = new Watched(done);
      await watched.outcome();
      rig.clock.advance(800);
      expect(await watched.outcome()).toEqual({ state: 'rejected', reason: 'NO_LEADER' });
      expect(rig.clock.pendingTimers).toBe(0);
    });

    it('is satisfied when the last leader, which is not the failed one, is heard from again', async () => {
      const done = rig.run({ failedLeader: 'n3' });
      await new Watched(done).outcome();
      rig.dead.delete('n2');
      rig.table.livenessChanged();
      expect(await done).toMatchObject({ newLeader: 'n2', newTerm: 4 });
    });
  });

  it('lets the failed leader hand over when it wins the election that was running', async () => {
    rig.replica.start();
    const done = rig.run();
    const watched = new Watched(done);
    expect((await watched.outcome()).state).toBe('pending');
    rig.replica.elect();
    rig.pass();
    rig.replica.ack('n2');
    rig.announce('n1', 1);
    rig.pass();
    expect((await watched.outcome()).state).toBe('pending');
    rig.clock.advance(1);
    expect(rig.ordered).toEqual(['n2']);
    rig.announce('n2', 2);
    expect(await done).toMatchObject({ newLeader: 'n2', newTerm: 2, outcome: 'MOVED' });
  });
});
