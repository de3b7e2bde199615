import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FailoverOutcome } from '../../../gen/bellwether/v1/partition_service.js';
import { BAD_TOPICS, batchOf, BROKERS, failure, refusedField, text, Wire } from './wire.js';

let wire: Wire;

beforeAll(async () => {
  wire = await Wire.start('orders');
});

afterAll(async () => wire.close());

describe('PartitionLeader', () => {
  it.each(BAD_TOPICS)('refuses the topic %j', async (topic) => {
    expect(await refusedField(wire.at('n2').partitionLeader({ topic }))).toBe('topic');
  });

  it('refuses a partition below 0, and knows none that does not exist', async () => {
    expect(await refusedField(wire.at('n2').partitionLeader({ topic: 'orders', partition: -1 }))).toBe(
      'partition',
    );
    for (const ref of [{ topic: 'none' }, { topic: 'orders', partition: 1 }]) {
      expect((await failure(wire.at('n2').partitionLeader(ref))).reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    }
  });

  it('gets the same answer from every broker', async () => {
    await wire.at('n2').createTopic({ topic: 'many', partitions: 6 });
    for (let partition = 0; partition < 6; partition++) {
      const ref = { topic: 'many', partition };
      const answers = await Promise.all(BROKERS.map((id) => wire.at(id).partitionLeader(ref)));
      const [first] = answers;
      expect([first?.leader, ...(first?.followers ?? [])].sort()).toEqual([...BROKERS]);
      expect(first?.leaderAddress).toBe(wire.at(first?.leader ?? '').address);
      for (const { leader, followers, term, leaderAddress, leaderSinceMs } of answers) {
        expect({ leader, followers, term, leaderAddress, leaderSinceMs }).toEqual({
          leader: first?.leader,
          followers: first?.followers,
          term: first?.term,
          leaderAddress: first?.leaderAddress,
          leaderSinceMs: first?.leaderSinceMs,
        });
      }
    }
  });

  it('tells a high watermark only where there is a replica', async () => {
    await wire.at('n1').createTopic({ topic: 'single', replicationFactor: 1 });
    const { leader } = await wire.at('n1').partitionLeader({ topic: 'single' });
    await wire.at(leader).produce({ topic: 'single', recordBatch: batchOf('a', 'b') });
    for (const id of BROKERS) {
      const { highWatermark, inSyncReplicas } = await wire.at(id).partitionLeader({ topic: 'single' });
      expect([highWatermark, inSyncReplicas]).toEqual([id === leader ? 2 : undefined, [leader]]);
    }
  });

  it('with linearizable set is answered by the leader alone, which knows all that was acknowledged', async () => {
    const topic = 'confirmed';
    await wire.at('n1').createTopic({ topic });
    const { leader, ...known } = await wire.at('n1').partitionLeader({ topic });
    await wire.at(leader).produce({ topic, recordBatch: batchOf('a', 'b') });
    for (const id of BROKERS) {
      const call = wire.at(id).partitionLeader({ topic, linearizable: true });
      if (id === leader) {
        expect(await call).toMatchObject({ leader, term: known.term, highWatermark: 2 });
      } else {
        const error = await failure(call);
        expect([error.reason, error.leaderHint?.leader]).toEqual(['NOT_LEADER', leader]);
      }
    }
  });
});

describe('PartitionFailover', () => {
  const call = { topic: 'orders', failedLeader: 'n1' };

  it.each(BAD_TOPICS)('refuses the topic %j', async (topic) => {
    expect(await refusedField(wire.at('n2').partitionFailover({ ...call, topic }))).toBe('topic');
  });

  it.each([
    ['partition', { partition: -1 }],
    ['failed_leader', { failedLeader: '' }],
    ['failed_leader', { failedLeader: 'n'.repeat(250) }],
    ['failed_leader', { failedLeader: 'n9' }],
    ['expected_term', { expectedTerm: -1 }],
    ['target', { target: '' }],
    ['max_block_ms', { maxBlockMs: 0 }],
    ['max_block_ms', { maxBlockMs: -1 }],
    ['max_block_ms', { maxBlockMs: 10_001 }],
  ])('refuses %s', async (field, request) => {
    expect(await refusedField(wire.at('n2').partitionFailover({ ...call, ...request }))).toBe(field);
  });

  it('moves the leadership, whichever broker is asked, and the old leader then points to the new', async () => {
    await wire.at('n1').createTopic({ topic: 'moving' });
    let { leader, term } = await wire.at('n1').partitionLeader({ topic: 'moving' });
    for (const via of BROKERS) {
      await wire.at(leader).produce({ topic: 'moving', recordBatch: batchOf(via) });
      const request = { topic: 'moving', failedLeader: leader, expectedTerm: term, maxBlockMs: 1_000 };
      const moved = await wire.at(via).partitionFailover(request);
      expect(moved.newLeader).not.toBe(leader);
      expect(moved.newTerm).toBeGreaterThan(term);
      expect(moved.failoverMs).toBeGreaterThanOrEqual(1);
      expect(moved.outcome).toBe(FailoverOutcome.MOVED);
      const again = await wire.at(via).partitionFailover({ ...request, expectedTerm: term });
      expect(again).toEqual({
        ...moved,
        failoverMs: 0,
        outcome: FailoverOutcome.ALREADY_MOVED,
        timeline: undefined,
      });
      const refusal = await failure(wire.at(leader).produce({ topic: 'moving', recordBatch: batchOf('x') }));
      expect([refusal.reason, refusal.leaderHint?.leader]).toEqual(['NOT_LEADER', moved.newLeader]);
      leader = moved.newLeader;
      term = moved.newTerm;
    }
    const { records } = await wire.at(leader).fetch({ topic: 'moving' });
    expect(records.map(({ value }) => text(value))).toEqual([...BROKERS]);
  });

  it('moves to the target that is named, with the least patience too', async () => {
    await wire.at('n1').createTopic({ topic: 'aimed' });
    const { leader } = await wire.at('n1').partitionLeader({ topic: 'aimed' });
    const [via, target] = BROKERS.filter((id) => id !== leader);
    const request = { topic: 'aimed', failedLeader: leader, target, maxBlockMs: 500 };
    expect((await wire.at(via!).partitionFailover(request)).newLeader).toBe(target);
  });

  it('refuses a stale term and a target that cannot lead', async () => {
    const { leader, term } = await wire.at('n1').partitionLeader({ topic: 'orders' });
    const stale = { topic: 'orders', failedLeader: leader, expectedTerm: term + 1 };
    const fenced = await failure(wire.at('n2').partitionFailover(stale));
    expect([fenced.reason, fenced.metadata['term']]).toEqual(['FENCED_TERM', String(term)]);
    for (const target of [leader, 'n9']) {
      const request = { topic: 'orders', failedLeader: leader, target };
      expect((await failure(wire.at('n3').partitionFailover(request))).reason).toBe('TARGET_NOT_ELIGIBLE');
    }
  });

  it('refuses to move what has one replica only', async () => {
    await wire.at('n1').createTopic({ topic: 'alone', replicationFactor: 1 });
    const { leader } = await wire.at('n1').partitionLeader({ topic: 'alone' });
    for (const via of BROKERS) {
      const error = await failure(wire.at(via).partitionFailover({ topic: 'alone', failedLeader: leader }));
      expect(error.reason).toBe('TARGET_NOT_ELIGIBLE');
    }
  });
});

describe('Metadata', () => {
  it('refuses more topics than it may name, and names that no topic can have', async () => {
    const topics = Array.from({ length: 1_001 }, (_, i) => `t${String(i)}`);
    expect(await refusedField(wire.at('n1').metadata({ topics }))).toBe('topics');
    expect(await refusedField(wire.at('n1').metadata({ topics: ['orders', 'a b'] }))).toBe('topic');
  });

  it('describes the topics asked for, by name and once, or all', async () => {
    await wire.at('n1').createTopic({ topic: 'another' });
    const some = await wire.at('n2').metadata({ topics: ['orders', 'another', 'orders'] });
    expect(some.topics.map(({ topic }) => topic)).toEqual(['another', 'orders']);
    const all = await wire.at('n2').metadata({});
    expect(all.topics.map(({ topic }) => topic)).toEqual(
      (await wire.at('n3').listTopics({})).topics.map(({ topic }) => topic),
    );
    expect(all.brokers.map(({ id, alive }) => [id, alive])).toEqual(BROKERS.map((id) => [id, true]));
  });

  it('creates no topic that is asked for', async () => {
    const error = await failure(wire.at('n1').metadata({ topics: ['orders', 'none'] }));
    expect([error.reason, error.metadata]).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', { topic: 'none' }]);
    expect((await wire.at('n1').metadata({})).topics.map(({ topic }) => topic)).not.toContain('none');
  });
});
