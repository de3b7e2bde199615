import { describe, expect, it } from 'vitest';
import { initialised } from '../harness.js';

describe('partition_leader', () => {
  it('answers leader, followers and term, and creates the topic', async () => {
    const bridge = await initialised();
    expect(await bridge.ask({ type: 'partition_leader', topic: 'orders', partition: 0 })).toEqual({
      type: 'partition_leader_ok',
      in_reply_to: 2,
      leader: 'n1',
      followers: ['n2', 'n3'],
      term: 1,
      msg_id: 1,
    });
    await bridge.finish();
  });
});

describe('partition_failover', () => {
  it('answers the new leader, its term and how long it took, and creates the topic', async () => {
    const bridge = await initialised();
    const request = { type: 'partition_failover', topic: 'orders', partition: 0, failed_leader: 'n1' };
    const moved = { type: 'partition_failover_ok', new_leader: 'n2', new_term: 2 };
    expect(await bridge.ask(request)).toMatchObject({ ...moved, failover_ms: 7 });
    expect(await bridge.ask(request)).toMatchObject({ ...moved, failover_ms: 0 });
    await bridge.finish();
  });

  it('answers 12 when the failed leader is no replica', async () => {
    const bridge = await initialised();
    const request = { type: 'partition_failover', topic: 'orders', partition: 0, failed_leader: 'n9' };
    expect(await bridge.ask(request)).toMatchObject({ type: 'error', code: 12, reason: 'INVALID_REQUEST' });
    await bridge.finish();
  });
});

describe('metadata_request', () => {
  it('answers brokers, and the topics asked for or all', async () => {
    const bridge = await initialised();
    bridge.cluster.addTopic('orders', 1);
    bridge.cluster.addTopic('other', 1);
    const reply = await bridge.ask({ type: 'metadata_request', topics: ['orders'] });
    expect(reply).toMatchObject({
      type: 'metadata_request_ok',
      topics: [
        {
          topic: 'orders',
          partitions: [
            {
              partition: 0,
              leader: 'n1',
              term: 1,
              replicas: ['n1', 'n2', 'n3'],
              in_sync_replicas: ['n1', 'n2', 'n3'],
            },
          ],
        },
      ],
    });
    expect(reply['brokers']).toContainEqual({ id: 'n2', address: '127.0.0.1:9001' });
    for (const all of [{}, { topics: null }, { topics: [] }]) {
      expect((await bridge.ask({ type: 'metadata_request', ...all }))['topics']).toHaveLength(2);
    }
    await bridge.finish();
  });

  it('answers null for a leader that is not known', async () => {
    const bridge = await initialised();
    const { client } = bridge.cluster;
    const partition = { partition: 0, leader: undefined, term: 0, replicas: ['n1'] };
    client.metadata = () =>
      Promise.resolve({
        clusterId: 'fake',
        controller: undefined,
        brokers: [],
        topics: [
          { topic: 'orders', partitions: [{ ...partition, inSyncReplicas: [], offlineReplicas: [] }] },
        ],
      });
    expect((await bridge.ask({ type: 'metadata_request' }))['topics']).toEqual([
      {
        topic: 'orders',
        partitions: [{ partition: 0, leader: null, term: 0, replicas: ['n1'], in_sync_replicas: [] }],
      },
    ]);
    await bridge.finish();
  });

  it('answers 20 for an unknown topic and creates none', async () => {
    const bridge = await initialised();
    expect(await bridge.ask({ type: 'metadata_request', topics: ['orders'] })).toMatchObject({ code: 20 });
    expect(bridge.cluster.topics.size).toBe(0);
    await bridge.finish();
  });
});
