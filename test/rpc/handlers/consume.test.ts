import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type ConsumeRequest,
  type ConsumeResponse,
  FetchFormat,
  OffsetPosition,
} from '../../../gen/bellwether/v1/log_service.js';
import { LIMITS } from '../../../src/broker/limits.js';
import type { BellwetherError } from '../../../src/errors.js';
import { encodeRecordBatch } from '../../../src/records/batch-encode.js';
import { readBatchHeader } from '../../../src/records/batch-header.js';
import { fromServiceError } from '../../../src/wire/status.js';
import { BAD_TOPICS, batchOf, BROKERS, failure, text, Wire } from './wire.js';

let wire: Wire;
let topics = 0;

beforeAll(async () => {
  wire = await Wire.start('orders');
});

afterAll(async () => wire.close());

type Fields = Parameters<typeof ConsumeRequest.create>[0];

/** A stream as a client sees it: its messages, one by one. */
class Stream {
  readonly #call: ReturnType<ReturnType<Wire['at']>['consume']>;
  readonly #messages: AsyncIterator<ConsumeResponse>;

  constructor(id: string, fields: Fields, cluster = wire) {
    this.#call = cluster.at(id).consume(fields);
    this.#call.on('error', () => undefined);
    this.#messages = this.#call[Symbol.asyncIterator]() as AsyncIterator<ConsumeResponse>;
  }

  /** The next message; undefined when the stream has ended with OK. */
  async next(): Promise<ConsumeResponse | undefined> {
    try {
      const result = await this.#messages.next();
      return result.done === true ? undefined : result.value;
    } catch (error) {
      throw fromServiceError(error);
    }
  }

  /** Values up to `count` of them, or to the end of the stream. */
  async values(count = Infinity): Promise<(string | undefined)[]> {
    const values: (string | undefined)[] = [];
    while (values.length < count) {
      const message = await this.next();
      if (message === undefined) break;
      values.push(...message.records.map(({ value }) => text(value)));
    }
    return values;
  }

  /** Messages until it fails. */
  async ended(): Promise<BellwetherError> {
    return failure(
      (async () => {
        while ((await this.next()) !== undefined);
      })(),
    );
  }

  cancel(): void {
    this.#call.cancel();
  }
}

let open: Stream[] = [];

function consume(id: string, fields: Fields, cluster = wire): Stream {
  const stream = new Stream(id, fields, cluster);
  open.push(stream);
  return stream;
}

afterEach(() => {
  for (const stream of open) stream.cancel();
  open = [];
});

async function topicWith(...values: readonly string[]): Promise<{ topic: string; leader: string }> {
  topics += 1;
  const topic = `c${String(topics)}`;
  await wire.at('n1').createTopic({ topic });
  const { leader } = await wire.at('n1').partitionLeader({ topic });
  for (const value of values) await wire.at(leader).produce({ topic, recordBatch: batchOf(value) });
  return { topic, leader };
}

const from = (offset: number) => ({ start: { $case: 'offset', value: offset } }) as const;
const at = (position: OffsetPosition) => ({ start: { $case: 'position', value: position } }) as const;
const since = (timestampMs: number) => ({ start: { $case: 'timestampMs', value: timestampMs } }) as const;

describe('Consume', () => {
  it.each(BAD_TOPICS)('refuses the topic %j', async (topic) => {
    const error = await consume('n1', { topic }).ended();
    expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', 'topic']);
  });

  it.each([
    ['partition', { partition: -1 }],
    ['offset', from(-1)],
    ['timestamp_ms', since(-1)],
    ['position', at(OffsetPosition.TIMESTAMP)],
    ['end_offset', { endOffset: -1 }],
    ['max_bytes', { maxBytes: LIMITS.fetchBytesMax + 1 }],
    ['format', { format: 9 as FetchFormat }],
  ])('refuses %s out of its bounds', async (field, fields) => {
    const error = await consume('n1', { topic: 'orders', ...fields }).ended();
    expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', field]);
  });

  it('says first where it begins, catches up, and goes on with records as they come', async () => {
    const { topic, leader } = await topicWith('a', 'b', 'c');
    const stream = consume(leader, { topic, ...from(1) });
    expect(await stream.next()).toEqual({
      records: [],
      recordBatches: [],
      highWatermark: 3,
      logStartOffset: 0,
      nextOffset: 1,
    });
    const next = stream.values(5);
    for (const value of ['d', 'e', 'f'])
      await wire.at(leader).produce({ topic, recordBatch: batchOf(value) });
    expect(await next).toEqual(['b', 'c', 'd', 'e', 'f']);
  });

  it('begins where it is told to', async () => {
    const { topic, leader } = await topicWith('a', 'b', 'c');
    await wire.at(leader).deleteRecords({ topic, beforeOffset: 1 });
    const begins = async (fields: Fields) => (await consume(leader, { topic, ...fields }).next())?.nextOffset;
    expect(await begins(at(OffsetPosition.EARLIEST))).toBe(1);
    expect(await begins(at(OffsetPosition.LATEST))).toBe(3);
    expect(await begins({})).toBe(3);
    expect(await begins(since(0))).toBe(1);
    expect(await begins(since(1_700_000_000_001))).toBe(3);
  });

  it('sends nothing beyond its end, and ends with OK there', async () => {
    const { topic, leader } = await topicWith();
    await wire.at(leader).produce({ topic, recordBatch: batchOf('a', 'b', 'c') });
    await wire.at(leader).produce({ topic, recordBatch: batchOf('d', 'e', 'f') });
    expect(await consume(leader, { topic, ...from(1), endOffset: 4 }).values()).toEqual(['b', 'c', 'd']);
    expect(await consume(leader, { topic, ...from(2), endOffset: 1 }).values()).toEqual([]);
    const toEnd = consume(leader, { topic, ...from(0), untilEnd: true });
    expect(await toEnd.values()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(await consume(leader, { topic, untilEnd: true }).values()).toEqual([]);
  });

  it('sends batches as they are stored, each once, the last one perhaps beyond the end', async () => {
    const { topic, leader } = await topicWith();
    for (const values of [['a', 'b'], ['c', 'd'], ['e']])
      await wire.at(leader).produce({ topic, recordBatch: batchOf(...values) });
    const format = FetchFormat.RECORD_BATCHES;
    const stream = consume(leader, { topic, ...from(1), endOffset: 3, format, maxBytes: 1 });
    const batches = [];
    for (let message = await stream.next(); message !== undefined; message = await stream.next()) {
      expect(message.records).toEqual([]);
      expect(message.recordBatches.length).toBeLessThanOrEqual(1);
      batches.push(...message.recordBatches.map((batch) => readBatchHeader(batch).baseOffset));
    }
    expect(batches).toEqual([0, 2]);
  });

  it('sends all of a long log, in order and once, to a client that reads when it likes', async () => {
    const { topic, leader } = await topicWith();
    const value = 'x'.repeat(50_000);
    const count = 100;
    for (let i = 0; i < count; i += 10) {
      const batches = Array.from({ length: 10 }, () => batchOf(value));
      await Promise.all(batches.map((recordBatch) => wire.at(leader).produce({ topic, recordBatch })));
    }
    const stream = consume(leader, { topic, ...from(0), untilEnd: true, maxBytes: 200_000 });
    const offsets: number[] = [];
    for (let message = await stream.next(); message !== undefined; message = await stream.next()) {
      offsets.push(...message.records.map(({ offset }) => offset));
      await new Promise(setImmediate);
    }
    expect(offsets).toEqual(Array.from({ length: count }, (_, i) => i));
  });

  it('refuses an offset that is not there, and ends when what is to come was deleted', async () => {
    const { topic, leader } = await topicWith('a', 'b');
    const beyond = await consume(leader, { topic, ...from(3) }).ended();
    expect([beyond.reason, beyond.metadata['log_end_offset']]).toEqual(['OFFSET_OUT_OF_RANGE', '2']);
    await wire.at(leader).deleteRecords({ topic, beforeOffset: 1 });
    expect((await consume(leader, { topic, ...from(0) }).ended()).reason).toBe('OFFSET_OUT_OF_RANGE');
  });

  it('is refused by a follower with a hint, unless the caller allows followers', async () => {
    const { topic, leader } = await topicWith('a');
    const follower = BROKERS.find((id) => id !== leader) ?? '';
    const error = await consume(follower, { topic, ...from(0) }).ended();
    expect([error.reason, error.leaderHint?.address]).toEqual(['NOT_LEADER', wire.at(leader).address]);
    const stream = consume(follower, { topic, ...from(0), allowFollower: true });
    const values = stream.values(2);
    await wire.at(leader).produce({ topic, recordBatch: batchOf('b') });
    expect(await values).toEqual(['a', 'b']);
  });

  it('ends with a hint, while it waits, as soon as another broker leads', async () => {
    const { topic, leader } = await topicWith('a');
    const stream = consume(leader, { topic, ...from(0) });
    expect(await stream.values(1)).toEqual(['a']);
    const ended = stream.ended();
    const { leader: next } = await wire.at('n1').transferLeadership({ topic });
    expect([(await ended).reason, (await ended).leaderHint?.leader]).toEqual(['NOT_LEADER', next]);
  });

  it('ends when its topic is deleted', async () => {
    const { topic, leader } = await topicWith('a');
    const stream = consume(leader, { topic, ...from(0) });
    expect(await stream.values(1)).toEqual(['a']);
    const ended = stream.ended();
    await wire.at('n1').deleteTopic({ topic });
    expect((await ended).reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect((await consume(leader, { topic }).ended()).reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('tells its clients to move when its broker stops in order', async () => {
    const cluster = await Wire.start('orders');
    try {
      const { leader } = await cluster.at('n1').partitionLeader({ topic: 'orders' });
      await cluster.at(leader).produce({ topic: 'orders', recordBatch: batchOf('a') });
      const streams = [false, true].map((allowFollower) =>
        consume(leader, { topic: 'orders', ...from(0), allowFollower }, cluster),
      );
      for (const stream of streams) expect(await stream.values(1)).toEqual(['a']);
      const ended = streams.map((stream) => stream.ended());
      await cluster.stop(leader);
      expect((await Promise.all(ended)).map(({ reason }) => reason)).toEqual(['NOT_LEADER', 'SHUTTING_DOWN']);
    } finally {
      await cluster.close();
    }
  });
});

describe('ListOffsets by time', () => {
  const recordsAt = (...times: readonly number[]) =>
    encodeRecordBatch(
      times.map((timestampMs) => ({ key: undefined, value: undefined, headers: [], timestampMs })),
    );

  it('finds the first record as young as asked for, in offset order, to the record', async () => {
    const { topic, leader } = await topicWith();
    // Offsets 0 1 2 | 3 4 | 5 6: times go back, within batches and between them.
    for (const times of [
      [100, 300, 200],
      [150, 160],
      [500, 400],
    ]) {
      await wire.at(leader).produce({ topic, recordBatch: recordsAt(...times) });
    }
    const { term } = await wire.at(leader).partitionLeader({ topic });
    const found = async (timestampMs: number) =>
      wire.at(leader).listOffsets({ topic, at: OffsetPosition.TIMESTAMP, timestampMs });
    expect(await found(0)).toEqual({ offset: 0, term, timestampMs: 100 });
    expect(await found(100)).toEqual({ offset: 0, term, timestampMs: 100 });
    expect(await found(101)).toEqual({ offset: 1, term, timestampMs: 300 });
    expect(await found(300)).toEqual({ offset: 1, term, timestampMs: 300 });
    expect(await found(301)).toEqual({ offset: 5, term, timestampMs: 500 });
    expect(await found(501)).toEqual({ offset: 7, term, timestampMs: undefined });
    await wire.at(leader).deleteRecords({ topic, beforeOffset: 2 });
    expect(await found(0)).toEqual({ offset: 2, term, timestampMs: 200 });
    expect(await found(201)).toEqual({ offset: 5, term, timestampMs: 500 });
    await wire.at(leader).deleteRecords({ topic, beforeOffset: 4 });
    expect(await found(155)).toEqual({ offset: 4, term, timestampMs: 160 });
  });

  it('refuses a time before 1970, and is refused by a follower', async () => {
    const { topic, leader } = await topicWith('a');
    const request = { topic, at: OffsetPosition.TIMESTAMP };
    const error = await failure(wire.at(leader).listOffsets({ ...request, timestampMs: -1 }));
    expect(error.metadata['field']).toBe('timestamp_ms');
    const follower = BROKERS.find((id) => id !== leader) ?? '';
    expect((await failure(wire.at(follower).listOffsets(request))).reason).toBe('NOT_LEADER');
  });
});
