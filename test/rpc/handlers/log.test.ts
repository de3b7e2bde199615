import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Acks, FetchFormat, OffsetPosition } from '../../../gen/bellwether/v1/log_service.js';
import { LIMITS } from '../../../src/broker/limits.js';
import { BATCH_CRC_START, BATCH_FIELD, readBatchHeader, viewOf } from '../../../src/records/batch-header.js';
import { crc32c } from '../../../src/crc32c.js';
import { BAD_TOPICS, batchOf, BROKERS, failure, refusedField, text, Wire } from './wire.js';

let wire: Wire;
let topics = 0;

beforeAll(async () => {
  wire = await Wire.start('orders');
});

afterAll(async () => wire.close());

/** A topic of one partition, with `values` in it, and who leads it. */
async function topicWith(...values: readonly string[]): Promise<{ topic: string; leader: string }> {
  topics += 1;
  const topic = `t${String(topics)}`;
  await wire.at('n1').createTopic({ topic });
  const { leader } = await wire.at('n1').partitionLeader({ topic });
  for (const value of values) await wire.at(leader).produce({ topic, recordBatch: batchOf(value) });
  return { topic, leader };
}

function followerOf(leader: string): string {
  return BROKERS.find((id) => id !== leader) ?? '';
}

async function logEndOffset(topic: string, leader: string): Promise<string | undefined> {
  const error = await failure(wire.at(leader).fetch({ topic, offset: 1_000_000 }));
  return error.metadata['log_end_offset'];
}

describe('Produce', () => {
  const one = [{ value: new Uint8Array(1) }];

  it.each(BAD_TOPICS)('refuses the topic %j', async (topic) => {
    expect(await refusedField(wire.at('n1').produce({ topic, records: one }))).toBe('topic');
  });

  const tooMany = Array.from({ length: LIMITS.batchRecordsMax + 1 }, () => ({}));

  it.each([
    ['a partition below 0', 'partition', { partition: -1, records: one }],
    ['acks of no meaning', 'acks', { acks: 9 as Acks, records: one }],
    ['no records', 'records', {}],
    ['too many records', 'records', { records: tooMany }],
    ['both forms of records', 'record_batch', { records: one, recordBatch: batchOf('a') }],
    ['a time before 1970', 'records[0].timestamp_ms', { records: [{ timestampMs: -1 }] }],
  ])('refuses %s', async (_what, field, request) => {
    expect(await refusedField(wire.at('n1').produce({ topic: 'orders', ...request }))).toBe(field);
  });

  it('appends all records of a call at consecutive offsets, and says where', async () => {
    const { topic, leader } = await topicWith('before');
    const records = ['a', 'b', 'c'].map((value) => ({ value: new TextEncoder().encode(value) }));
    const { term } = await wire.at('n1').partitionLeader({ topic });
    expect(await wire.at(leader).produce({ topic, records })).toEqual({
      partition: 0,
      baseOffset: 1,
      term,
      recordCount: 3,
      duplicate: false,
    });
    const { records: read } = await wire.at(leader).fetch({ topic, offset: 1 });
    expect(read.map(({ offset, value }) => [offset, text(value)])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
  });

  it('keeps null apart from empty, headers in order, and the time that it was given', async () => {
    const { topic, leader } = await topicWith();
    const empty = new Uint8Array(0);
    const headers = [
      { key: 'h', value: empty },
      { key: 'h', value: undefined },
    ];
    await wire.at(leader).produce({
      topic,
      records: [
        { key: empty, value: undefined, headers, timestampMs: 42 },
        { key: undefined, value: empty },
      ],
    });
    const { records } = await wire.at(leader).fetch({ topic });
    expect(records[0]).toMatchObject({ value: undefined, timestampMs: 42 });
    expect(records[0]?.key).toHaveLength(0);
    expect(records[0]?.headers.map(({ value }) => value?.length)).toEqual([0, undefined]);
    expect([records[1]?.key, records[1]?.value?.length]).toEqual([undefined, 0]);
    expect(Math.abs((records[1]?.timestampMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('promises no offset with acks none, and one with acks leader and all', async () => {
    const { topic, leader } = await topicWith();
    const offsets = [];
    for (const acks of [Acks.NONE, Acks.LEADER, Acks.ALL, Acks.UNSPECIFIED]) {
      const { baseOffset } = await wire.at(leader).produce({ topic, acks, recordBatch: batchOf('x') });
      offsets.push(baseOffset);
    }
    expect(offsets).toEqual([-1, 1, 2, 3]);
  });

  const damaged = {
    'a flipped bit': [
      'CORRUPT_RECORD_BATCH',
      () => {
        const batch = batchOf('value');
        batch[batch.length - 2]! ^= 1;
        return batch;
      },
    ],
    'a cut end': ['CORRUPT_RECORD_BATCH', () => batchOf('value').subarray(0, -1)],
    'no bytes': ['CORRUPT_RECORD_BATCH', () => new Uint8Array(0)],
    'records compressed with snappy': [
      'UNSUPPORTED_RECORD_BATCH',
      () => {
        const batch = batchOf('value');
        viewOf(batch).setInt16(BATCH_FIELD.ATTRIBUTES, 2);
        viewOf(batch).setUint32(BATCH_FIELD.CRC, crc32c(batch, BATCH_CRC_START));
        return batch;
      },
    ],
    'too many bytes': ['RECORD_BATCH_TOO_LARGE', () => batchOf('x'.repeat(LIMITS.batchBytesMax))],
  } as const;

  it.each(Object.entries(damaged))(
    'refuses a record batch with %s, and appends nothing',
    async (_what, row) => {
      const [reason, make] = row;
      const { topic, leader } = await topicWith('before');
      const error = await failure(wire.at(leader).produce({ topic, recordBatch: make() }));
      expect([error.reason, error.outcome]).toEqual([reason, 'NOT_APPLIED']);
      expect(await logEndOffset(topic, leader)).toBe('1');
    },
  );

  it('refuses records that make too large a batch', async () => {
    const { topic, leader } = await topicWith();
    const records = [{ value: new Uint8Array(LIMITS.batchBytesMax) }];
    expect((await failure(wire.at(leader).produce({ topic, records }))).reason).toBe(
      'RECORD_BATCH_TOO_LARGE',
    );
  });

  it('is refused by a follower with a hint that works', async () => {
    const { topic, leader } = await topicWith();
    const error = await failure(wire.at(followerOf(leader)).produce({ topic, recordBatch: batchOf('a') }));
    expect([error.reason, error.outcome]).toEqual(['NOT_LEADER', 'NOT_APPLIED']);
    const { term } = await wire.at('n1').partitionLeader({ topic });
    expect(error.leaderHint).toEqual({ leader, address: wire.at(leader).address, term });
    const { baseOffset } = await wire.at(leader).produce({ topic, recordBatch: batchOf('a') });
    expect(baseOffset).toBe(0);
  });

  it.each([
    ['topic', { topic: 'none', partition: 0 }],
    ['partition', { topic: 'orders', partition: 7 }],
  ])('knows no such %s', async (_what, ref) => {
    const error = await failure(wire.at('n1').produce({ ...ref, recordBatch: batchOf('a') }));
    expect(error.reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });
});

describe('Fetch', () => {
  it.each(BAD_TOPICS)('refuses the topic %j', async (topic) => {
    expect(await refusedField(wire.at('n1').fetch({ topic }))).toBe('topic');
  });

  it.each([
    ['partition', { partition: -1 }],
    ['offset', { offset: -1 }],
    ['max_records', { maxRecords: -1 }],
    ['max_records', { maxRecords: LIMITS.fetchRecordsMax + 1 }],
    ['max_bytes', { maxBytes: -1 }],
    ['max_bytes', { maxBytes: LIMITS.fetchBytesMax + 1 }],
    ['max_wait_ms', { maxWaitMs: -1 }],
    ['max_wait_ms', { maxWaitMs: LIMITS.fetchWaitMsMax + 1 }],
    ['format', { format: 9 as FetchFormat }],
  ])('refuses %s out of its bounds', async (field, request) => {
    expect(await refusedField(wire.at('n1').fetch({ topic: 'orders', ...request }))).toBe(field);
  });

  it('returns records, or the batches as stored, and where to go on', async () => {
    const { topic, leader } = await topicWith('a', 'b', 'c');
    const some = await wire.at(leader).fetch({ topic, offset: 1, maxRecords: 1 });
    expect([some.records.map(({ value }) => text(value)), some.nextOffset]).toEqual([['b'], 2]);
    expect([some.recordBatches, some.highWatermark, some.logStartOffset]).toEqual([[], 3, 0]);
    const batches = await wire.at(leader).fetch({ topic, offset: 1, format: FetchFormat.RECORD_BATCHES });
    const headers = batches.recordBatches.map(readBatchHeader);
    const { term } = await wire.at(leader).partitionLeader({ topic });
    expect(headers.map(({ baseOffset, leaderEpoch }) => [baseOffset, leaderEpoch])).toEqual([
      [1, term],
      [2, term],
    ]);
    expect([batches.records, batches.nextOffset]).toEqual([[], 3]);
    for (const [i, batch] of batches.recordBatches.entries()) {
      expect(batch.subarray(BATCH_CRC_START)).toEqual(
        Buffer.from(batchOf(['b', 'c'][i]!).subarray(BATCH_CRC_START)),
      );
    }
  });

  it('a bound on records ends batches with the one that has the last of them', async () => {
    const { topic, leader } = await topicWith();
    for (const [first, second] of ['ab', 'cd', 'ef']) {
      await wire.at(leader).produce({ topic, recordBatch: batchOf(first!, second!) });
    }
    const request = { topic, offset: 1, format: FetchFormat.RECORD_BATCHES };
    const some = await wire.at(leader).fetch({ ...request, maxRecords: 2 });
    expect(some.recordBatches.map((batch) => readBatchHeader(batch).baseOffset)).toEqual([0, 2]);
    expect(some.nextOffset).toBe(4);
    expect((await wire.at(leader).fetch(request)).recordBatches).toHaveLength(3);
  });

  it('begins inside a batch when records are asked for, at its start when batches are', async () => {
    const { topic, leader } = await topicWith();
    await wire.at(leader).produce({ topic, recordBatch: batchOf('a', 'b', 'c') });
    const records = await wire.at(leader).fetch({ topic, offset: 2 });
    expect(records.records.map(({ offset }) => offset)).toEqual([2]);
    const batches = await wire.at(leader).fetch({ topic, offset: 2, format: FetchFormat.RECORD_BATCHES });
    expect(batches.recordBatches.map((batch) => readBatchHeader(batch).baseOffset)).toEqual([0]);
    expect(batches.nextOffset).toBe(3);
  });

  it('returns nothing, and the same offset, at the end', async () => {
    const { topic, leader } = await topicWith('a');
    const end = await wire.at(leader).fetch({ topic, offset: 1 });
    expect(end).toMatchObject({ records: [], highWatermark: 1, nextOffset: 1 });
  });

  it('waits for a first record when asked to', async () => {
    const { topic, leader } = await topicWith('a');
    const poll = wire.at(leader).fetch({ topic, offset: 1, maxWaitMs: 20_000 });
    await wire.at(leader).produce({ topic, recordBatch: batchOf('b') });
    expect((await poll).records.map(({ value }) => text(value))).toEqual(['b']);
  });

  it('ends a wait without a record when its time is over', async () => {
    const { topic, leader } = await topicWith();
    expect((await wire.at(leader).fetch({ topic, maxWaitMs: 30 })).records).toEqual([]);
  });

  it('refuses an offset beyond the log end', async () => {
    const { topic, leader } = await topicWith('a');
    const error = await failure(wire.at(leader).fetch({ topic, offset: 2 }));
    expect([error.reason, error.metadata['log_end_offset']]).toEqual(['OFFSET_OUT_OF_RANGE', '1']);
  });

  it('is refused by a follower with a hint, unless the caller allows followers', async () => {
    const { topic, leader } = await topicWith('a');
    const follower = wire.at(followerOf(leader));
    const error = await failure(follower.fetch({ topic }));
    expect([error.reason, error.leaderHint?.address]).toEqual(['NOT_LEADER', wire.at(leader).address]);
    const read = await follower.fetch({ topic, allowFollower: true, maxWaitMs: 5_000 });
    expect(read.records.map(({ value }) => text(value))).toEqual(['a']);
  });
});

describe('ListOffsets', () => {
  it.each([
    ['topic', { topic: 'a/b' }],
    ['partition', { topic: 'orders', partition: -1 }],
    ['at', { topic: 'orders', at: 9 as OffsetPosition }],
  ])('refuses a bad %s', async (field, request) => {
    expect(await refusedField(wire.at('n1').listOffsets(request))).toBe(field);
  });

  it('tells the end, unless asked for the beginning, once every record acknowledged is below it', async () => {
    const { topic, leader } = await topicWith('a', 'b');
    const { term } = await wire.at(leader).partitionLeader({ topic });
    const offsets = [];
    for (const at of [OffsetPosition.EARLIEST, OffsetPosition.LATEST, OffsetPosition.UNSPECIFIED]) {
      offsets.push(await wire.at(leader).listOffsets({ topic, at }));
    }
    expect(offsets).toEqual([0, 2, 2].map((offset) => ({ offset, term })));
  });

  it('is refused by a follower with a hint, and knows no partition that does not exist', async () => {
    const { topic, leader } = await topicWith('a');
    const error = await failure(wire.at(followerOf(leader)).listOffsets({ topic }));
    expect([error.reason, error.leaderHint?.address]).toEqual(['NOT_LEADER', wire.at(leader).address]);
    expect((await failure(wire.at('n1').listOffsets({ topic: 'none' }))).reason).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION',
    );
  });
});
