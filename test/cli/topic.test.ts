/** `bellwether topic` and `bellwether metadata`, against a fake broker. */
import { describe, expect, it } from 'vitest';
import { TopicConfigSource } from '../../gen/bellwether/v1/admin_service.js';
import type { AlterTopicConfigRequest } from '../../gen/bellwether/v1/admin_service.js';
import { EXIT_CODE } from '../../src/cli/main.js';
import { fail, startBroker } from '../client/harness.js';
import { run } from './run.js';

const ORDERS = {
  topic: 'orders',
  partitions: [
    {
      partition: 0,
      leader: '',
      term: 0,
      replicas: ['n1', 'n2'],
      inSyncReplicas: [],
      offlineReplicas: ['n1'],
    },
  ],
};

const RETENTION = { name: 'retention_ms', value: '5', source: TopicConfigSource.TOPIC, unit: 'ms' };

describe('topic and metadata', () => {
  it('creates, describes, alters, lists and deletes', async () => {
    const altered: AlterTopicConfigRequest[] = [];
    const broker = await startBroker({
      createTopic: ({ partitions, replicationFactor, config }) =>
        partitions === 3 && replicationFactor === 2 && config['retention_ms'] === '5'
          ? { topic: ORDERS }
          : fail('INVALID_REQUEST'),
      describeTopic: () => ({ topic: ORDERS, config: [RETENTION] }),
      alterTopicConfig: (request) => {
        altered.push(request);
        return { config: [RETENTION] };
      },
      listTopics: () => ({
        topics: [{ topic: 'orders', partitionCount: 1, replicationFactor: 2 }],
        nextPageToken: '',
      }),
      deleteTopic: () => ({}),
    });
    const topic = (...args: string[]) => run(['topic', ...args, '--bootstrap', broker.address]);
    const partition = 'orders\t0\t\\N\t0\tn1,n2\t\tn1\n';

    const flags = ['--partitions', '3', '--replication-factor', '2', '--config', 'retention.ms=5'];
    expect(await topic('create', 'orders', ...flags)).toEqual({
      exitCode: EXIT_CODE.done,
      stdout: partition,
      stderr: '',
    });
    expect((await topic('describe', 'orders')).stdout).toBe(
      `partition\t${partition}config\tretention_ms\t5\tTOPIC\tms\n`,
    );
    const changes = [
      '--config',
      'retention_ms=5',
      '--config',
      'max.message.bytes=100',
      '--reset',
      'segment_bytes',
    ];
    expect((await topic('alter', 'orders', ...changes)).stdout).toBe('retention_ms\t5\tTOPIC\tms\n');
    expect((await topic('alter', 'orders', ...changes, '--output', 'json')).stdout).toBe(
      '{"topic":"orders","config":[{"name":"retention_ms","value":5,"source":"TOPIC","unit":"ms"}]}\n',
    );
    const set = { retention_ms: '5', max_message_bytes: '100' };
    expect(altered[0]).toEqual({ topic: 'orders', set, reset: ['segment_bytes'] });
    expect((await topic('list')).stdout).toBe('orders\t1\t2\n');
    expect((await topic('list', '--output', 'json')).stdout).toBe(
      '{"topics":[{"topic":"orders","partition_count":1,"replication_factor":2}]}\n',
    );
    expect((await topic('delete', 'orders', '--output', 'json')).stdout).toBe(
      '{"topic":"orders","deleted":true}\n',
    );
  });

  it('prints metadata as one document, or as lines that begin with what they are', async () => {
    const broker = await startBroker({
      metadata: () => ({
        clusterId: 'c1',
        controller: 'n1',
        brokers: [{ id: 'n1', address: 'h:1', rack: 'r1', alive: true }],
        topics: [ORDERS],
      }),
    });
    const args = ['metadata', 'orders', '--bootstrap', broker.address];
    expect((await run(args)).stdout).toBe(
      'broker\tn1\th:1\tr1\ttrue\ttrue\npartition\torders\t0\t\\N\t0\tn1,n2\t\tn1\n',
    );
    expect(JSON.parse((await run([...args, '--output', 'json'])).stdout)).toEqual({
      cluster_id: 'c1',
      controller: 'n1',
      brokers: [{ id: 'n1', address: 'h:1', rack: 'r1', alive: true }],
      topics: [
        {
          topic: 'orders',
          partitions: [
            {
              partition: 0,
              leader: null,
              term: 0,
              replicas: ['n1', 'n2'],
              in_sync_replicas: [],
              offline_replicas: ['n1'],
            },
          ],
        },
      ],
    });
  });
});
