/** `bellwether offsets`, against a fake broker that leads all partitions. */
import { describe, expect, it } from 'vitest';
import type { CommitOffsetsRequest, StoredOffset } from '../../gen/bellwether/v1/offset_service.js';
import { OffsetPosition } from '../../gen/bellwether/v1/log_service.js';
import { EXIT_CODE } from '../../src/cli/main.js';
import type { FakeBroker } from '../client/fake-broker.js';
import { fail, leaderAt, startBroker } from '../client/harness.js';
import { run } from './run.js';

const COMMITTED_AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const LOG_START = 10;
const HIGH_WATERMARK = 50;
/** The first record of a time, while that is not after the newest record. */
const FOUND = 33;
const NEWEST_MS = Date.UTC(2026, 0, 2);

const partitionOf = (partition: number) => ({
  ...{ partition, leader: 'n1', term: 1, replicas: ['n1'], inSyncReplicas: ['n1'], offlineReplicas: [] },
});
const TOPIC = { topic: 't', partitions: [0, 1].map(partitionOf) };

/** Runs a command while the group has stored this. */
async function offsets(stored: readonly Partial<StoredOffset>[], ...args: string[]) {
  const commits: CommitOffsetsRequest[] = [];
  const broker: FakeBroker = await startBroker({
    partitionLeader: () => leaderAt(broker.address, 1),
    metadata: () => ({ clusterId: 'c', controller: 'n1', brokers: [], topics: [TOPIC] }),
    describeTopic: ({ topic }) =>
      topic === 't' ? { topic: TOPIC, config: [] } : fail('UNKNOWN_TOPIC_OR_PARTITION'),
    listOffsets: ({ at, timestampMs }) => {
      if (at === OffsetPosition.EARLIEST) return { offset: LOG_START, term: 1 };
      const isFound = at === OffsetPosition.TIMESTAMP && timestampMs <= NEWEST_MS;
      return { offset: isFound ? FOUND : HIGH_WATERMARK, term: 1 };
    },
    fetchOffsets: () => ({
      offsets: stored.map((each) => ({
        ...{ topic: 't', partition: 0, offset: 0, committedAtMs: COMMITTED_AT_MS },
        ...each,
      })),
    }),
    commitOffsets: (request) => {
      commits.push(request);
      return {};
    },
  });
  const result = await run(['offsets', ...args, '--bootstrap', broker.address]);
  return { ...result, commits };
}

describe('offsets list', () => {
  const stored = [
    { offset: 20, generation: 3 },
    { partition: 1, offset: 50 },
  ];

  it('shows how far a group has come, and how far it lags', async () => {
    expect((await offsets(stored, 'list', 'g')).stdout).toBe(
      't\t0\t20\t10\t50\t30\t3\t2026-01-02T03:04:05.006Z\n' +
        't\t1\t50\t10\t50\t0\t\\N\t2026-01-02T03:04:05.006Z\n',
    );
  });

  it('prints the documented JSON', async () => {
    const { stdout } = await offsets(stored.slice(0, 1), 'list', 'g', '--topic', 't', '--output', 'json');
    expect(JSON.parse(stdout)).toEqual({
      group: 'g',
      offsets: [
        {
          topic: 't',
          partition: 0,
          committed_offset: 20,
          log_start_offset: 10,
          high_watermark: 50,
          lag: 30,
          generation: 3,
          committed_at: '2026-01-02T03:04:05.006Z',
        },
      ],
    });
  });

  it('says on stderr when there is nothing to list', async () => {
    const { exitCode, stdout, stderr } = await offsets([], 'list', 'nosuchgroup');
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: EXIT_CODE.done,
      stdout: '',
      stderr: 'group nosuchgroup has no committed offsets\n',
    });
  });

  it('fails for a topic that is not there', async () => {
    expect((await offsets(stored, 'list', 'g', '--topic', 'u')).exitCode).toBe(EXIT_CODE.failed);
  });
});

describe('offsets reset', () => {
  const reset = ['reset', 'g', '--topic', 't', '--to'];

  it('claims the next generation in each partition, so that who reads now is fenced', async () => {
    const stored = [
      { offset: 20, generation: 3 },
      { partition: 1, offset: 30, generation: 5 },
    ];
    const { stdout, stderr, commits } = await offsets(stored, ...reset, 'earliest');
    expect([stdout, stderr]).toEqual(['t\t0\t20\t10\t4\nt\t1\t30\t10\t6\n', '']);
    expect(commits.map(({ generation, claim }) => [generation, claim])).toEqual([
      [4, true],
      [6, true],
    ]);
    expect(commits.flatMap((commit) => commit.offsets)).toEqual([
      { topic: 't', partition: 0, offset: 10 },
      { topic: 't', partition: 1, offset: 10 },
    ]);
  });

  it('gives no generation to a group that counts none, and says what that means', async () => {
    const { stdout, stderr, commits } = await offsets([{ offset: 20 }], ...reset, '40', '--partition', '0');
    expect(stdout).toBe('t\t0\t20\t40\t\\N\n');
    expect(stderr).toContain('g counts no generations in t: stop its members first');
    expect(commits).toMatchObject([{ group: 'g', claim: false, offsets: [{ partition: 0, offset: 40 }] }]);
    expect(commits[0]?.generation).toBeUndefined();
  });

  it('--dry-run shows the same and sets nothing', async () => {
    const { stdout, commits } = await offsets(
      [{ offset: 20, generation: 3 }],
      ...[...reset, 'latest', '--partition', '0', '--dry-run', '--output', 'json'],
    );
    expect(JSON.parse(stdout)).toEqual({
      group: 'g',
      dry_run: true,
      offsets: [{ topic: 't', partition: 0, before: 20, committed_offset: 50, generation: 4 }],
    });
    expect(commits).toEqual([]);
  });

  it.each([
    ['@2026-01-01', FOUND],
    ['@2026-01-03T00:00:00Z', HIGH_WATERMARK],
  ])('--to %s sets each partition to its first record since then, or to its end', async (to, offset) => {
    const { commits } = await offsets([], ...reset, to);
    expect(commits.flatMap((commit) => commit.offsets.map((each) => each.offset))).toEqual([offset, offset]);
  });

  it.each(['9', '51'])('refuses %s, where nobody can read on, before it sets anything', async (to) => {
    const { exitCode, stderr, commits } = await offsets([], ...reset, to);
    expect([exitCode, commits]).toEqual([EXIT_CODE.failed, []]);
    expect(stderr).toContain(`OFFSET_OUT_OF_RANGE: offset ${to} of t/0 is not in [10, 50]`);
  });

  it('fails for a partition that is not there', async () => {
    const { stderr, commits } = await offsets([], ...reset, '10', '--partition', '2');
    expect([stderr.includes('UNKNOWN_TOPIC_OR_PARTITION'), commits]).toEqual([true, []]);
  });
});
