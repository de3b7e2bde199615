/** Commands about topics and leadership, against a fake broker over real gRPC. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { TransferLeadershipRequest } from '../../gen/bellwether/v1/admin_service.js';
import { FailoverOutcome } from '../../gen/bellwether/v1/partition_service.js';
import type { PartitionFailoverRequest } from '../../gen/bellwether/v1/partition_service.js';
import { EXIT_CODE } from '../../src/cli/main.js';
import { ERROR_TABLE } from '../../src/error-table.js';
import { refusedAddress } from '../client/fake-broker.js';
import { fail, startBroker } from '../client/harness.js';
import { run } from './run.js';

const LEADER = {
  leader: 'n2',
  followers: ['n1', 'n3'],
  term: 4,
  leaderAddress: '127.0.0.1:7002',
  inSyncReplicas: ['n2', 'n3'],
  highWatermark: 17,
  leaderSinceMs: 1_700_000_000_000,
};

describe('leader', () => {
  it('prints the documented JSON', async () => {
    const broker = await startBroker({ partitionLeader: () => LEADER });
    const { exitCode, stdout } = await run([
      'leader',
      'orders',
      '0',
      '--bootstrap',
      broker.address,
      '--output',
      'json',
    ]);
    expect(exitCode).toBe(EXIT_CODE.done);
    expect(stdout).toBe(
      '{"leader":"n2","followers":["n1","n3"],"term":4,"leader_address":"127.0.0.1:7002",' +
        '"in_sync_replicas":["n2","n3"],"high_watermark":17,"leader_since_ms":1700000000000}\n',
    );
  });

  it('prints tab-separated values into a pipe, and a table for people', async () => {
    const broker = await startBroker({ partitionLeader: () => ({ ...LEADER, highWatermark: undefined }) });
    const args = ['leader', 'orders', '0', '--bootstrap', broker.address];
    expect((await run(args)).stdout).toBe('n2\tn1,n3\t4\t127.0.0.1:7002\tn2,n3\t\\N\t1700000000000\n');
    const table = (await run(args, { isTty: true })).stdout;
    expect(table).toContain('leader_address');
    expect(table).toContain('│');
  });

  it('finds the brokers in the environment, but a flag wins', async () => {
    const broker = await startBroker({ partitionLeader: () => LEADER });
    const env = { BELLWETHER_BOOTSTRAP: broker.address };
    expect((await run(['leader', 'orders', '0'], { env })).exitCode).toBe(EXIT_CODE.done);
    const other = await refusedAddress();
    const flags = ['--bootstrap', other, '--timeout-ms', '50'];
    for (const args of [
      ['leader', 'orders', '0', ...flags],
      [...flags, 'leader', 'orders', '0'],
    ]) {
      const { exitCode, stderr } = await run(args, { env });
      expect(exitCode).toBe(EXIT_CODE.failed);
      expect(stderr).toContain(other); // Refused, or out of time when the machine is busy.
    }
  });
});

describe('a list of brokers of which some are gone', () => {
  it('costs no command its time: the one that is left answers', async () => {
    const broker = await startBroker({ partitionLeader: () => LEADER });
    const list = [await refusedAddress(), await refusedAddress(), broker.address].join(',');
    const { exitCode, stderr } = await run(['leader', 'orders', '0', '--bootstrap', list]);
    // After a second in vain it would say so.
    expect([exitCode, stderr]).toEqual([EXIT_CODE.done, '']);
  });
});

describe('a cluster that cannot be reached', () => {
  it('is waited for with one word on stderr after a second: which broker, and why', async () => {
    const address = await refusedAddress();
    const args = ['metadata', '--bootstrap', address, '--timeout-ms', '2200'];
    const { exitCode, stderr } = await run(args);
    const lines = stderr.split('\n').filter((line) => line.includes('waiting'));
    expect(lines).toEqual([
      expect.stringMatching(/in vain for 1\.\d s so far: CONNECTION_FAILED: .*127\.0\.0\.1:/),
    ]);
    expect([exitCode, stderr.includes(address)]).toEqual([EXIT_CODE.failed, true]);
  });

  it('is not mentioned where it takes no second', async () => {
    const broker = await startBroker();
    broker.script.partitionLeader = () => (broker.count('partitionLeader') < 3 ? fail('NO_LEADER') : LEADER);
    const { stderr } = await run(['leader', 'orders', '0', '--bootstrap', broker.address]);
    expect([stderr, broker.count('partitionLeader')]).toEqual(['', 3]);
  });
});

describe('failover', () => {
  it('sends every flag and prints the documented JSON', async () => {
    const requests: PartitionFailoverRequest[] = [];
    const broker = await startBroker({
      partitionFailover: (request) => {
        requests.push(request);
        const timeline = { electMs: 4, commitMs: 3.25, blockedMs: 9.75 };
        return { newLeader: 'n3', newTerm: 5, failoverMs: 12, outcome: FailoverOutcome.MOVED, timeline };
      },
    });
    const flags = [
      '--failed-leader',
      'n2',
      '--expected-term',
      '4',
      '--target',
      'n3',
      '--max-block-ms',
      '250',
    ];
    const args = ['failover', 'orders', '0', ...flags, '--bootstrap', broker.address];
    const { stdout } = await run([...args, '--output', 'json']);
    expect(stdout).toBe(
      '{"new_leader":"n3","new_term":5,"failover_ms":12,"outcome":"MOVED","timeline":{"detect_ms":null,' +
        '"elect_ms":4,"commit_ms":3.25,"total_ms":7.25,"blocked_ms":9.75,"first_write_ms":null}}\n',
    );
    expect((await run(args)).stdout).toBe('n3\t5\t12\tMOVED\t\\N\t4.0\t3.3\t9.8\n');
    const request = { topic: 'orders', partition: 0, failedLeader: 'n2', dryRun: false };
    expect(requests[0]).toEqual({ ...request, expectedTerm: 4, target: 'n3', maxBlockMs: 250 });
  });

  it('--dry-run asks who would lead', async () => {
    const broker = await startBroker({
      partitionFailover: ({ dryRun }) =>
        dryRun
          ? {
              newLeader: 'n3',
              newTerm: 4,
              failoverMs: 0,
              outcome: FailoverOutcome.WOULD_MOVE,
              timeline: undefined,
            }
          : fail('INTERNAL'),
    });
    const args = [
      'failover',
      'orders',
      '0',
      '--failed-leader',
      'n2',
      '--dry-run',
      '--bootstrap',
      broker.address,
    ];
    expect((await run(args)).stdout).toBe('n3\t4\t0\tWOULD_MOVE\t\\N\t\\N\t\\N\t\\N\n');
    expect((await run([...args, '--output', 'json'])).stdout).toBe(
      '{"new_leader":"n3","new_term":4,"failover_ms":0,"outcome":"WOULD_MOVE","timeline":null}\n',
    );
    expect((await run(args, { isTty: true })).stdout).toBe(
      'Dry run: n3 would lead orders/0, in a newer term than the present one, 4. Nothing was moved.\n',
    );
  });
});

describe('transfer', () => {
  it('sends every flag and prints the documented JSON', async () => {
    const requests: TransferLeadershipRequest[] = [];
    const broker = await startBroker({
      transferLeadership: (request) => {
        requests.push(request);
        const timeline = { electMs: 4, commitMs: 3.25, blockedMs: 9.75 };
        return { leader: 'n3', term: 5, transferMs: 12, outcome: FailoverOutcome.MOVED, timeline };
      },
    });
    const flags = ['--to', 'n3', '--expected-term', '4', '--max-block-ms', '250'];
    const args = ['transfer', 'orders', '0', ...flags, '--bootstrap', broker.address];
    expect((await run(args)).stdout).toBe('n3\t5\t12\tMOVED\t\\N\t4.0\t3.3\t9.8\n');
    expect((await run([...args, '--output', 'json'])).stdout).toBe(
      '{"leader":"n3","term":5,"transfer_ms":12,"outcome":"MOVED","timeline":{"detect_ms":null,' +
        '"elect_ms":4,"commit_ms":3.25,"total_ms":7.25,"blocked_ms":9.75,"first_write_ms":null}}\n',
    );
    const ref = { topic: 'orders', partition: 0 };
    expect(requests[0]).toEqual({ ...ref, target: 'n3', expectedTerm: 4, maxBlockMs: 250 });
  });
});

describe('how a run ends', () => {
  it('a refused request: reason, message, outcome and action on stderr, nothing on stdout, exit code 1', async () => {
    const broker = await startBroker({ describeTopic: () => fail('UNKNOWN_TOPIC_OR_PARTITION') });
    expect(await run(['topic', 'describe', 'orders', '--bootstrap', broker.address])).toEqual({
      exitCode: EXIT_CODE.failed,
      stdout: '',
      stderr:
        'bellwether: UNKNOWN_TOPIC_OR_PARTITION: scripted UNKNOWN_TOPIC_OR_PARTITION\n' +
        `  outcome NOT_APPLIED. ${ERROR_TABLE.UNKNOWN_TOPIC_OR_PARTITION.action}\n`,
    });
  });

  it.each([
    [['failover', 'orders', '0'], '--failed-leader'],
    [['failover', 'orders', '0', '--failed-leader', ''], '--failed-leader'],
    [['failover', 'orders', '0', '--failed-leader', 'n1', '--max-block-ms', '10001'], '--max-block-ms'],
    [['topic', 'create', 'orders', '--partitions', '0'], '--partitions'],
    [['topic', 'create', 'orders', '--config', 'retention_ms=7d'], '--config'],
    [['topic', 'alter', 'orders', '--config', 'retention=7'], '--config'],
    [['topic', 'alter', 'orders', '--reset', 'retention'], '--reset'],
    [['topic', 'alter', 'orders'], '--config or --reset'],
    [['offsets', 'reset', 'g', '--topic', 'orders'], '--to'],
    [['offsets', 'reset', 'g', '--topic', 'orders', '--to', 'tomorrow'], '--to'],
    [['topic', 'create', 'orders', '--replication-factor', '8'], '--replication-factor'],
    [['leader', 'orders', '0', '--bootstrap', 'localhost'], '--bootstrap'],
    [['leader', 'orders', '0', '--timeout-ms', '1e3'], '--timeout-ms'],
    [['leader', 'orders', '0', '--output', 'yaml'], '--output'],
    [['leader', 'orders', '0', '--colour'], '--colour'],
    [['leader', 'orders', 'first'], 'partition'],
    [['leader', 'orders'], 'partition'],
    [['fetch', 'orders', '0', '--offset', '-1'], '--offset'],
    [['produce', 'orders', '--acks', '2'], '--acks'],
    [['failovers', 'orders', '0', '--limit', '1001'], '--limit'],
    [['failovers', ''], 'topic'],
    [['explain', 'orders'], 'partition'],
    [['watch', '--after', '-1'], '--after'],
    [['watch', '--count', '0'], '--count'],
    [['watch', '--topic', ''], '--topic'],
    [['produce', 'orders', '--key-delimiter', ''], '--key-delimiter'],
    [['up', '--topic', 'orders:0'], '1 to 10000 partitions'],
    [['verify', '--local', '3', '--bootstrap', 'h:1'], '--local and --bootstrap'],
    [['--bootstrap', 'h:1', 'verify', '--local', '3'], '--local and --bootstrap'],
    [['verify', '--local', '3', '--brokers', 'h:1'], '--local and --brokers'],
    [['rewind'], 'rewind'],
  ])('a usage error exits with 2 and names what is wrong: %j', async (args, named) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect([exitCode, stdout]).toEqual([EXIT_CODE.usage, '']);
    expect(stderr).toContain(named);
  });

  it('a bad environment variable is a usage error that names it', async () => {
    const { exitCode, stderr } = await run(['leader', 'orders', '0'], { env: { BELLWETHER_BOOTSTRAP: 'x' } });
    expect(exitCode).toBe(EXIT_CODE.usage);
    expect(stderr).toContain('BELLWETHER_BOOTSTRAP');
  });

  it('--help prints to stdout and exits with 0', async () => {
    const { exitCode, stdout, stderr } = await run(['topic', 'create', '--help']);
    expect([exitCode, stderr]).toEqual([EXIT_CODE.done, '']);
    expect(stdout).toContain('--replication-factor');
  });

  it('--version prints that of the package', async () => {
    const { version } = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    expect(await run(['--version'])).toEqual({
      exitCode: EXIT_CODE.done,
      stdout: `${version}\n`,
      stderr: '',
    });
  });

  it('a reader that goes away is no error', async () => {
    const broker = await startBroker({ partitionLeader: () => LEADER });
    const args = ['leader', 'orders', '0', '--bootstrap', broker.address];
    expect(await run(args, { stdoutCharsMax: 0 })).toEqual({
      exitCode: EXIT_CODE.done,
      stdout: '',
      stderr: '',
    });
  });
});
