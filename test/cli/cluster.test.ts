/** `cluster` and `health`, against fake brokers. */
import { describe, expect, it } from 'vitest';
import { BrokerStatus, UnreadyReason } from '../../gen/bellwether/v1/admin_service.js';
import { EXIT_CODE } from '../../src/cli/main.js';
import { refusedAddress } from '../client/fake-broker.js';
import { startBroker } from '../client/harness.js';
import { run } from './run.js';

describe('cluster', () => {
  it('shows the imbalance of each broker and of all, and whether the balance is on', async () => {
    const broker = await startBroker({
      describeCluster: () => ({
        ...{ clusterId: 'c', controller: 'n1', controllerTerm: 3 },
        brokers: [{ id: 'n1', address: 'h:1', rack: '', alive: true }],
        loads: [
          {
            ...{ broker: 'n1', leaderCount: 1, replicaCount: 5 },
            ...{ preferredLeaderCount: 3, leaderImbalancePercent: 200 / 3 },
          },
        ],
        ...{ notPreferredCount: 2, leaderImbalancePercent: 40 },
        ...{ leaderBalanceOn: false, leaderBalanceCoolDownMs: 60_000 },
      }),
    });
    const args = ['cluster', '--bootstrap', broker.address];
    expect((await run(args)).stdout).toBe(
      'cluster\tc\tn1\t3\t2\t40\toff\t60000\nbroker\tn1\ttrue\t1\t3\t66.7\t5\n',
    );
    expect(JSON.parse((await run([...args, '--output', 'json'])).stdout)).toEqual({
      cluster_id: 'c',
      controller: 'n1',
      controller_term: 3,
      not_preferred_count: 2,
      leader_imbalance_percent: 40,
      leader_balance: 'off',
      leader_balance_cool_down_ms: 60_000,
      brokers: [
        {
          broker: 'n1',
          alive: true,
          leader_count: 1,
          preferred_leader_count: 3,
          leader_imbalance_percent: 66.7,
          replica_count: 5,
        },
      ],
    });
  });
});

describe('health', () => {
  const described = (id: string, address: string) => ({
    ...{ id, address, peerAddress: '', rack: '', status: BrokerStatus.ACTIVE, alive: true },
    ...{ controller: false, leaderCount: 0, replicaCount: 0, incarnation: '' },
  });

  it('asks each broker itself; one that never started, or is another than it was taken for, is not reached', async () => {
    const slow = await startBroker({
      describeHealth: () => ({
        ...{ broker: 'n2', serving: false },
        causes: [
          { reason: UnreadyReason.DISK_SLOW, message: 'its disk is slow' },
          { reason: 99 as UnreadyReason, message: 'news' },
        ],
      }),
    });
    const refused = await refusedAddress();
    const first = await startBroker({
      describeHealth: () => ({ broker: 'n1', serving: true, causes: [] }),
      listBrokers: () => ({
        brokers: [
          described('n1', first.address),
          described('n2', slow.address),
          described('n3', refused),
          described('n4', ''),
          described('n5', first.address),
        ],
      }),
    });
    const result = await run(['health', '--output', 'json', '--bootstrap', first.address]);
    const { brokers } = JSON.parse(result.stdout) as {
      brokers: { broker: string; serving: boolean; reasons: string[]; message: string | null }[];
    };
    expect(brokers.map(({ broker, serving, reasons }) => [broker, serving, reasons])).toEqual([
      ['n1', true, []],
      ['n2', false, ['DISK_SLOW', 'UNKNOWN']],
      ['n3', false, ['UNREACHABLE']],
      ['n4', false, ['UNREACHABLE']],
      ['n5', false, ['UNREACHABLE']],
    ]);
    expect(brokers[1]?.message).toBe('its disk is slow; news');
    expect(brokers[4]?.message).toBe('n1 answers at its address');
    expect([result.exitCode, result.stderr]).toEqual([
      EXIT_CODE.failed,
      'bellwether: 4 of 5 brokers not serving: n2, n3, n4, n5\n',
    ]);
  });

  it('of a cluster that nobody has joined yet is no good health', async () => {
    const broker = await startBroker({ listBrokers: () => ({ brokers: [] }) });
    expect((await run(['health', '--bootstrap', broker.address])).exitCode).toBe(EXIT_CODE.failed);
  });
});

describe('the leader balance', () => {
  it.each([
    ['up', '--leader-balance', 'maybe'],
    ['up', '--leader-balance-cool-down-ms', '3600001'],
  ])('is refused as wrong usage: %s %s %s', async (...args) => {
    const { exitCode, stderr } = await run(args);
    expect(exitCode).toBe(EXIT_CODE.usage);
    expect(stderr).toContain(args[1]);
  });
});
