/** AlterTopicConfig, and what it brings about, in a real cluster over real gRPC. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TopicConfigSource } from '../../../gen/bellwether/v1/admin_service.js';
import { OffsetPosition } from '../../../gen/bellwether/v1/log_service.js';
import { BROKERS, batchOf, failure, refusedField, Wire } from './wire.js';

const RETENTION_CHECK_MS = 100;
const KIB = 'x'.repeat(1_024);

let wire: Wire;

beforeAll(async () => {
  wire = await Wire.start('orders', { retentionCheckMs: RETENTION_CHECK_MS });
});

afterAll(async () => wire.close());

/** What a broker says of one entry. */
async function entry(via: string, topic: string, name: string) {
  const { config } = await wire.at(via).describeTopic({ topic });
  return config.find((each) => each.name === name);
}

/** A topic led by `leader` whose records are kept for ever, with one batch for each value. */
async function topicWith(topic: string, values: readonly string[]) {
  await wire.at('n1').createTopic({ topic, config: { retention_ms: '-1' } });
  const { leader } = await wire.at('n1').partitionLeader({ topic });
  for (const value of values) await wire.at(leader).produce({ topic, recordBatch: batchOf(value) });
  const start = async (): Promise<number> =>
    (await wire.at(leader).listOffsets({ topic, at: OffsetPosition.EARLIEST })).offset;
  return { leader, start };
}

describe('AlterTopicConfig', () => {
  it('sets and resets through any broker what every broker then describes', async () => {
    for (const via of BROKERS) {
      const { config } = await wire.at(via).alterTopicConfig({
        topic: 'orders',
        set: { 'retention.bytes': '5000', min_insync_replicas: '2' },
      });
      expect(config.map(({ name }) => name)).toEqual([
        'retention_bytes',
        'retention_ms',
        'segment_bytes',
        'max_message_bytes',
        'min_insync_replicas',
      ]);
      for (const other of BROKERS) {
        const set = { value: '5000', source: TopicConfigSource.TOPIC, unit: 'bytes' };
        await expect.poll(() => entry(other, 'orders', 'retention_bytes')).toMatchObject(set);
      }
      await wire
        .at(via)
        .alterTopicConfig({ topic: 'orders', reset: ['retention_bytes', 'min.insync.replicas'] });
      for (const other of BROKERS) {
        const reset = { value: '-1', source: TopicConfigSource.DEFAULT };
        await expect.poll(() => entry(other, 'orders', 'retention_bytes')).toMatchObject(reset);
      }
    }
  });

  it.each([
    ['set.retention_ms', { set: { retention_ms: '-2' } }],
    ['set.retention_ms', { set: { retention_ms: 'a day' } }],
    ['set.max_message_bytes', { set: { max_message_bytes: '1048577' } }],
    ['set.compression', { set: { compression: '1' } }],
    ['reset.compression', { reset: ['compression'] }],
    ['reset.retention_ms', { set: { retention_ms: '1' }, reset: ['retention.ms'] }],
  ])('refuses %s, and changes nothing', async (field, request) => {
    const before = (await wire.at('n2').describeTopic({ topic: 'orders' })).config;
    const refused = wire.at('n2').alterTopicConfig({ topic: 'orders', ...request });
    expect(await refusedField(refused)).toBe(field);
    expect((await wire.at('n2').describeTopic({ topic: 'orders' })).config).toEqual(before);
  });

  it('refuses to ask for more replicas in sync than the topic has, when it is created too', async () => {
    await wire
      .at('n1')
      .createTopic({ topic: 'pair', replicationFactor: 2, config: { min_insync_replicas: '2' } });
    const set = { 'min.insync.replicas': '3' };
    expect(await refusedField(wire.at('n2').alterTopicConfig({ topic: 'pair', set }))).toBe(
      'set.min_insync_replicas',
    );
    const trio = { topic: 'trio', replicationFactor: 2, config: set };
    expect(await refusedField(wire.at('n3').createTopic(trio))).toBe('config.min_insync_replicas');
    const error = await failure(wire.at('n3').describeTopic({ topic: 'trio' }));
    expect(error.reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('knows no topic that was never created', async () => {
    const error = await failure(
      wire.at('n3').alterTopicConfig({ topic: 'never', set: { retention_ms: '1' } }),
    );
    expect(error.reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('bounds the batches that the leader takes from then on', async () => {
    const { leader } = await topicWith('small', []);
    await wire.at(leader).alterTopicConfig({ topic: 'small', set: { max_message_bytes: '1000' } });
    const large = { topic: 'small', recordBatch: batchOf(KIB) };
    const error = await failure(wire.at(leader).produce(large));
    expect([error.reason, error.outcome]).toEqual(['RECORD_BATCH_TOO_LARGE', 'NOT_APPLIED']);
    await wire.at(leader).alterTopicConfig({ topic: 'small', reset: ['max_message_bytes'] });
    expect((await wire.at(leader).produce(large)).baseOffset).toBe(0);
  });
});

describe('retention', () => {
  it('deletes by size on all replicas, and tells readers where the log begins', async () => {
    const values = Array.from({ length: 10 }, () => KIB);
    const { leader, start } = await topicWith('sized', values);
    await wire.at('n2').alterTopicConfig({ topic: 'sized', set: { retention_bytes: '3500' } });
    await expect.poll(start).toBe(6);
    const error = await failure(wire.at(leader).fetch({ topic: 'sized', offset: 5 }));
    expect([error.reason, error.metadata['log_start_offset']]).toEqual(['OFFSET_OUT_OF_RANGE', '6']);
    for (const id of BROKERS) {
      const read = async () =>
        (await wire.at(id).fetch({ topic: 'sized', offset: 10, allowFollower: true })).logStartOffset;
      await expect.poll(read).toBe(6);
    }
  });

  it('deletes by age: records of 2023, once they need not be kept for ever', async () => {
    const { leader, start } = await topicWith('aged', ['a', 'b', 'c']);
    expect(await start()).toBe(0);
    await wire.at('n3').alterTopicConfig({ topic: 'aged', reset: ['retention_ms'] });
    await expect.poll(start).toBe(3);
    expect(
      (await wire.at(leader).produce({ topic: 'aged', records: [{ value: Buffer.from('d') }] })).baseOffset,
    ).toBe(3);
  });
});
