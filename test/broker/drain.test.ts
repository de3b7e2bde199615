import { afterEach, describe, expect, it } from 'vitest';
import { MiniCluster } from './mini-cluster.js';
import { Watched } from './outcomes.js';

let cluster: MiniCluster;

afterEach(() => {
  cluster.close();
});

describe('a broker that is told to stop', () => {
  it('hands over all that it leads, and refuses no write for longer than that takes', async () => {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n1', { topic: 'orders', partitions: 6, replicationFactor: 3 });
    for (let partition = 0; partition < 6; partition++) await cluster.elected('orders', partition);
    const leadsAny = (): boolean => cluster.at('n1').broker.table.countLedBy('n1') > 0;
    expect(leadsAny()).toBe(true);
    // Appended before, and answered although the leader changes meanwhile.
    const inFlight = new Watched(cluster.produce('n1', 'orders', 'in flight'));
    const startedMs = cluster.clock.monotonicMs();
    expect(await cluster.answer(cluster.at('n1').broker.drain(2_000))).toEqual([]);
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(100);
    await cluster.until(() => inFlight.now.state !== 'pending');
    expect(inFlight.now.state).toBe('resolved');
    await cluster.until(() => !leadsAny());
    const successor = await cluster.elected('orders', 0, ['n1']);
    await cluster.produced(successor, 'orders', 'behind it');
  });

  it('leaves at once where nobody can take over', async () => {
    cluster = await MiniCluster.start(['n1']);
    await cluster.createTopic('n1', { topic: 'orders', partitions: 1, replicationFactor: 1 });
    await cluster.elected('orders');
    const left = await cluster.answer(cluster.at('n1').broker.drain(2_000));
    expect(left).toHaveLength(2);
  });

  it('does not wait for ever for a follower that does not catch up', async () => {
    cluster = await MiniCluster.start();
    await cluster.createTopic('n1', { topic: 'orders' });
    await cluster.elected('orders');
    for (const id of ['n2', 'n3']) cluster.disk(id).holdSyncs = true;
    void cluster.produce('n1', 'orders', 'nobody else has it').catch(() => undefined);
    await cluster.run(10);
    const startedMs = cluster.clock.monotonicMs();
    await cluster.answer(cluster.at('n1').broker.drain(200));
    expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(400);
    for (const id of ['n2', 'n3']) {
      cluster.disk(id).holdSyncs = false;
      cluster.disk(id).releaseSyncs();
    }
  });
});
