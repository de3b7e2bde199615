import { afterEach, describe, expect, it, vi } from 'vitest';
import { CallBudget } from '../../src/bridge/call-budget.js';
import { FirstUse } from '../../src/bridge/first-use.js';
import { FakeCluster, failure } from './fake-cluster.js';

function setUp() {
  const cluster = new FakeCluster();
  const firstUse = new FirstUse(cluster.client);
  const lead = (partition: number, topic = 'orders') => {
    const ref = { topic, partition };
    return firstUse.run(ref, new CallBudget(), (options) => cluster.client.partitionLeader(ref, options));
  };
  return { cluster, lead };
}

const unknown = expect.objectContaining({ reason: 'UNKNOWN_TOPIC_OR_PARTITION' }) as unknown;

afterEach(() => {
  vi.useRealTimers();
});

describe('the first use of a topic', () => {
  it('creates it with as many partitions as the message needs', async () => {
    const { cluster, lead } = setUp();
    await expect(lead(5)).resolves.toMatchObject({ term: 1 });
    expect(cluster.topics.get('orders')).toHaveLength(6);
  });

  it('asks nothing more when the topic is there', async () => {
    const { cluster, lead } = setUp();
    cluster.addTopic('orders', 1);
    await lead(0);
    expect(cluster.calls.map(({ method }) => method)).toEqual(['partitionLeader']);
  });

  it('shares one creation among concurrent messages', async () => {
    const { cluster, lead } = setUp();
    await Promise.all([lead(1), lead(0), lead(1)]);
    expect(cluster.callsOf('createTopic')).toHaveLength(1);
  });

  it('refuses a partition beyond what a concurrent creation made', async () => {
    const { cluster, lead } = setUp();
    const [first, second] = await Promise.allSettled([lead(0), lead(3)]);
    expect(first.status).toBe('fulfilled');
    expect(cluster.callsOf('partitionLeader')).toHaveLength(3);
    expect(second).toEqual({ status: 'rejected', reason: unknown });
  });

  it('takes TOPIC_ALREADY_EXISTS for created, when somebody else was faster', async () => {
    const { cluster, lead } = setUp();
    cluster.gate = ({ method }) => {
      if (method === 'createTopic') cluster.addTopic('orders', 2);
    };
    await expect(lead(1)).resolves.toMatchObject({ term: 1 });
  });

  it('refuses at once a partition that an existing topic does not have, and leaves the topic alone', async () => {
    const { cluster, lead } = setUp();
    cluster.addTopic('orders', 3);
    await expect(lead(3)).rejects.toEqual(unknown);
    expect(cluster.calls.map(({ method }) => method)).toEqual([
      'partitionLeader',
      'createTopic',
      'describeTopic',
    ]);
    expect(cluster.topics.get('orders')).toHaveLength(3);
  });

  it('refuses to create more than 64 partitions', async () => {
    const { cluster, lead } = setUp();
    await expect(lead(64)).rejects.toThrow('body.partition: orders has no partition 64');
    expect(cluster.callsOf('createTopic')).toEqual([]);
    await expect(lead(63)).resolves.toMatchObject({ term: 1 });
  });

  it('repeats the call while the broker that answers has not heard of the new topic', async () => {
    const { cluster, lead } = setUp();
    let calls = 0;
    cluster.gate = ({ method }) => {
      if (method === 'partitionLeader' && ++calls <= 3) throw failure('UNKNOWN_TOPIC_OR_PARTITION');
    };
    await expect(lead(0)).resolves.toMatchObject({ term: 1 });
    expect(calls).toBe(4);
  });

  it('passes other errors on, of the call and of the creation, and tries the creation again next time', async () => {
    const { cluster, lead } = setUp();
    cluster.gate = ({ method }) => {
      if (method === 'createTopic') throw failure('NO_LEADER');
    };
    await expect(lead(0)).rejects.toMatchObject({ reason: 'NO_LEADER' });
    cluster.gate = () => undefined;
    await expect(lead(0)).resolves.toMatchObject({ term: 1 });
    cluster.gate = () => {
      throw failure('REQUEST_TIMEOUT');
    };
    await expect(lead(0)).rejects.toMatchObject({ reason: 'REQUEST_TIMEOUT' });
  });

  it('gives all its calls together no more time than one message has', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { cluster, lead } = setUp();
    cluster.gate = () => void vi.advanceTimersByTime(1500);
    await lead(0);
    expect(cluster.calls.map(({ method, timeoutMs }) => [method, timeoutMs])).toEqual([
      ['partitionLeader', 4000],
      ['createTopic', 2500],
      ['partitionLeader', 1000],
    ]);
  });

  it('does not repeat calls when the time is up', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { cluster, lead } = setUp();
    cluster.gate = ({ method }) => {
      vi.advanceTimersByTime(2000);
      if (method === 'partitionLeader') throw failure('UNKNOWN_TOPIC_OR_PARTITION');
    };
    await expect(lead(0)).rejects.toEqual(unknown);
    expect(cluster.callsOf('partitionLeader').map(({ timeoutMs }) => timeoutMs)).toEqual([4000, 1]);
  });
});
