/** Many partitions lose their leader at once: a question for each would cost more than the elections (KIP-951). */

import { describe, expect, it, vi } from 'vitest';
import { LeaderLookUps, type NamedLeader } from '../../src/client/leader-lookups.js';
import { MetadataCache } from '../../src/client/metadata-cache.js';

const TOPIC = 'orders';
const PARTITIONS = 1_000;
const ADDRESS = 'b:1';

/** A broker that knows the leaders of the partitions below `elected`; `one` waits until it knows. */
class Rig {
  elected = 0;
  readonly cache = new MetadataCache();
  readonly waiting: (() => void)[] = [];
  readonly one = vi.fn(
    ({ partition }: { partition: number }): Promise<NamedLeader> =>
      new Promise((resolve) => {
        const answer = (): void => {
          if (partition < this.elected) resolve({ leaderAddress: 'n2:1', term: 2 });
        };
        this.waiting.push(answer);
        answer();
      }),
  );
  readonly all = vi.fn(() => {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
      ...{ partition, leader: partition < this.elected ? 'n2' : '', term: partition < this.elected ? 2 : 0 },
      ...{ replicas: [], inSyncReplicas: [], offlineReplicas: [] },
    }));
    const brokers = [{ id: 'n2', address: 'n2:1', rack: '', alive: true }];
    return Promise.resolve({
      clusterId: 'c',
      controller: 'n2',
      brokers,
      topics: [{ topic: TOPIC, partitions }],
    });
  });
  onPause: () => void = () => undefined;
  readonly lookUps = new LeaderLookUps({
    cache: this.cache,
    one: this.one,
    all: this.all,
    sleep: () => {
      this.onPause();
      return Promise.resolve();
    },
  });

  lookUpAll(): Promise<NamedLeader[]> {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    return Promise.all(
      partitions.map((partition) => this.lookUps.lookUp({ topic: TOPIC, partition }, ADDRESS, 5_000)),
    );
  }
}

describe('looking leaders up', () => {
  it('asks a broker for one partition at a time where few are wanted, as it waits for the election then', async () => {
    const rig = new Rig();
    const named = rig.lookUps.lookUp({ topic: TOPIC, partition: 0 }, ADDRESS, 5_000);
    rig.elected = 1;
    for (const answer of rig.waiting) answer();
    expect(await named).toEqual({ leaderAddress: 'n2:1', term: 2 });
    expect(rig.all).not.toHaveBeenCalled();
  });

  it('fetches all leaders at once where many are wanted, and again while some are missing', async () => {
    const rig = new Rig();
    rig.elected = PARTITIONS / 2;
    rig.onPause = () => {
      rig.elected = PARTITIONS;
      for (const answer of rig.waiting) answer();
    };
    const named = await rig.lookUpAll();
    expect(named).toHaveLength(PARTITIONS);
    expect(named.every(({ leaderAddress }) => leaderAddress === 'n2:1')).toBe(true);
    expect(rig.one.mock.calls.length).toBeLessThanOrEqual(8);
    expect(rig.all.mock.calls.length).toBeLessThanOrEqual(3);
  });

  it('keeps its own deadline, though the fetch that it shares has a longer one', async () => {
    const rig = new Rig();
    rig.all.mockImplementation(() => new Promise(() => undefined));
    void rig.lookUpAll();
    const singles = rig.one.mock.calls.length;
    // The clock of the look-up: its pauses end at once, so the wait for the fetch does too.
    void rig.lookUps.lookUp({ topic: TOPIC, partition: 0 }, ADDRESS, 25);
    const askedByItself = (): boolean => rig.one.mock.calls.length > singles;
    await vi.waitUntil(askedByItself, { timeout: 1_000 });
    expect(rig.all).toHaveBeenCalledTimes(1);
  });

  it('fails with the fetch, and asks anew the next time', async () => {
    const rig = new Rig();
    rig.elected = PARTITIONS;
    rig.all.mockRejectedValueOnce(new Error('refused'));
    const results = rig.lookUpAll();
    await expect(results).rejects.toThrow('refused');
    expect(await rig.lookUpAll()).toHaveLength(PARTITIONS);
  });
});
