import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  Acks,
  FetchFormat,
  ProduceStreamRequest,
  type ProduceStreamResponse,
} from '../../../gen/bellwether/v1/log_service.js';
import { LIMITS } from '../../../src/broker/limits.js';
import type { BellwetherError } from '../../../src/errors.js';
import { fromServiceError, fromStatus } from '../../../src/wire/status.js';
import { batchOf, BROKERS, text, Wire } from './wire.js';

let wire: Wire;
let topics = 0;

beforeAll(async () => {
  wire = await Wire.start('orders');
});

afterAll(async () => wire.close());

type Fields = Parameters<typeof ProduceStreamRequest.create>[0];

/** A stream as a client sees it. */
class Stream {
  readonly responses: ProduceStreamResponse[] = [];
  readonly ended: Promise<BellwetherError | undefined>;
  readonly #call: ReturnType<ReturnType<Wire['at']>['produceStream']>;
  #waiting: (() => void) | undefined;

  constructor(id: string, cluster = wire) {
    const call = cluster.at(id).produceStream();
    this.#call = call;
    call.on('data', (response: ProduceStreamResponse) => {
      this.responses.push(response);
      this.#waiting?.();
    });
    this.ended = new Promise((resolve) => {
      call.on('error', (error: unknown) => resolve(fromServiceError(error)));
      call.on('end', () => resolve(undefined));
    });
  }

  send(fields: Fields): void {
    this.#call.write(ProduceStreamRequest.create(fields));
  }

  /** Reads no responses until `resume`. */
  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  async answers(count: number): Promise<ProduceStreamResponse[]> {
    while (this.responses.length < count) await new Promise<void>((resolve) => (this.#waiting = resolve));
    return this.responses;
  }

  halfClose(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }
}

let open: Stream[] = [];

function streamTo(id: string, cluster = wire): Stream {
  const stream = new Stream(id, cluster);
  open.push(stream);
  return stream;
}

afterEach(() => {
  for (const stream of open) stream.cancel();
  open = [];
});

async function topicLed(partitions = 1): Promise<{ topic: string; leader: string }> {
  topics += 1;
  const topic = `t${String(topics)}`;
  await wire.at('n1').createTopic({ topic, partitions });
  const { leader } = await wire.at('n1').partitionLeader({ topic });
  return { topic, leader };
}

function errorOf({ error }: ProduceStreamResponse): BellwetherError | undefined {
  return error && fromStatus(error);
}

function idsOf(responses: readonly ProduceStreamResponse[]): number[] {
  return responses.map(({ requestId }) => requestId);
}

describe('ProduceStream', () => {
  it('appends what is in flight in the order of its requests, and answers each with its id', async () => {
    const { topic, leader } = await topicLed();
    const stream = streamTo(leader);
    const ids = Array.from({ length: 200 }, (_, i) => i * 7);
    for (const id of ids) stream.send({ requestId: id, topic, recordBatch: batchOf(`${id}a`, `${id}b`) });
    const responses = await stream.answers(ids.length);
    const { term } = await wire.at(leader).partitionLeader({ topic });
    expect(responses).toEqual(
      ids.map((requestId, i) => ({
        requestId,
        baseOffset: 2 * i,
        term,
        recordCount: 2,
        error: undefined,
        duplicate: false,
      })),
    );
    const { records } = await wire.at(leader).fetch({ topic, maxBytes: LIMITS.fetchBytesMax });
    expect(records.map(({ value }) => text(value))).toEqual(ids.flatMap((id) => [`${id}a`, `${id}b`]));
  });

  it('answers the requests of one partition in their order, whatever each of them waits for', async () => {
    const { topic, leader } = await topicLed();
    const stream = streamTo(leader);
    const kinds: Fields[] = [
      { recordBatch: batchOf('all') },
      { recordBatch: batchOf('none'), acks: Acks.NONE },
      { recordBatch: batchOf('bad').subarray(0, 40) },
      { recordBatch: batchOf('leader'), acks: Acks.LEADER },
      { recordBatch: batchOf('x'), timeoutMs: -1 },
      { recordBatch: batchOf('x'), acks: 9 as Acks },
    ];
    for (let i = 0; i < 60; i++) stream.send({ ...kinds[i % kinds.length], topic, requestId: i });
    const responses = await stream.answers(60);
    expect(idsOf(responses)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    const outcomes = responses
      .slice(0, 6)
      .map((response) => errorOf(response)?.reason ?? response.baseOffset);
    expect(outcomes).toEqual([0, -1, 'CORRUPT_RECORD_BATCH', 2, 'INVALID_REQUEST', 'INVALID_REQUEST']);
  });

  it('goes on after an error, which has the details of that of a unary call', async () => {
    const { topic, leader } = await topicLed();
    const follower = BROKERS.find((id) => id !== leader) ?? '';
    const stream = streamTo(follower);
    stream.send({ requestId: 1, topic, recordBatch: batchOf('a') });
    stream.send({ requestId: 2, topic: 'none', recordBatch: batchOf('a') });
    stream.send({ requestId: 3, topic: 'a/b', recordBatch: batchOf('a') });
    stream.send({ requestId: 4, topic, partition: -1, recordBatch: batchOf('a') });
    const responses = await stream.answers(4);
    const byId = new Map(responses.map((response) => [response.requestId, errorOf(response)]));
    const { term } = await wire.at('n1').partitionLeader({ topic });
    expect(byId.get(1)?.leaderHint).toEqual({ leader, address: wire.at(leader).address, term });
    expect([byId.get(1)?.reason, byId.get(1)?.outcome]).toEqual(['NOT_LEADER', 'NOT_APPLIED']);
    expect(byId.get(2)?.reason).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(byId.get(3)?.metadata['field']).toBe('topic');
    expect(byId.get(4)?.metadata['field']).toBe('partition');
    expect(
      responses.map(({ baseOffset, term: none, recordCount }) => [baseOffset, none, recordCount]),
    ).toEqual(responses.map(() => [-1, 0, 0]));
  });

  it('answers every request that came before a half-close, and ends with OK', async () => {
    const { topic, leader } = await topicLed();
    const stream = streamTo(leader);
    for (let i = 0; i < 50; i++) stream.send({ requestId: i, topic, recordBatch: batchOf('v') });
    stream.halfClose();
    expect(await stream.ended).toBeUndefined();
    expect(stream.responses).toHaveLength(50);
  });

  it('ends at once when a client without requests half-closes', async () => {
    const stream = streamTo('n1');
    stream.halfClose();
    expect(await stream.ended).toBeUndefined();
  });

  it('holds a client up that sends more than may be unanswered, and refuses it nothing', async () => {
    const { topic, leader } = await topicLed();
    const stream = streamTo(leader);
    const value = 'x'.repeat(500_000);
    // More than twice what a partition may hold uncommitted, five times what a stream may have unanswered.
    const count = 40;
    for (let i = 0; i < count; i++) stream.send({ requestId: i, topic, recordBatch: batchOf(value) });
    const responses = await stream.answers(count);
    expect(responses.map(errorOf).filter((error) => error !== undefined)).toEqual([]);
    expect(responses.map(({ baseOffset }) => baseOffset)).toEqual(responses.map((_, i) => i));
  });

  it('appends many streams to one partition without a refusal', async () => {
    const { topic, leader } = await topicLed();
    const value = 'x'.repeat(400_000);
    const streams = Array.from({ length: 6 }, () => streamTo(leader));
    for (let i = 0; i < 12; i++) {
      for (const stream of streams) stream.send({ requestId: i, topic, recordBatch: batchOf(value) });
    }
    for (const stream of streams) {
      const responses = await stream.answers(12);
      expect(responses.map(errorOf).filter((error) => error !== undefined)).toEqual([]);
      const offsets = responses.map(({ baseOffset }) => baseOffset);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    }
  });

  it('does not read on while a client takes no answers', async () => {
    const { topic, leader } = await topicLed();
    const stream = streamTo(leader);
    stream.pause();
    const count = 1_500;
    for (let i = 0; i < count; i++) stream.send({ requestId: i, topic, recordBatch: batchOf('v') });
    stream.resume();
    expect(idsOf(await stream.answers(count))).toEqual(Array.from({ length: count }, (_, i) => i));
  });

  it('stays as it is when the leadership moves, and says for each request what became of it', async () => {
    const { topic, leader } = await topicLed();
    const stream = streamTo(leader);
    let sent = 0;
    const send = (): void => {
      stream.send({ requestId: sent, topic, recordBatch: batchOf(String(sent)) });
      sent += 1;
    };
    for (let i = 0; i < 100; i++) send();
    const moved = wire.at('n1').transferLeadership({ topic });
    for (let i = 0; i < 100; i++) send();
    const { leader: next } = await moved;
    send();
    const responses = await stream.answers(sent);
    const refusals = responses.map(errorOf).filter((error) => error !== undefined);
    expect(new Set(refusals.map(({ outcome }) => outcome))).toEqual(new Set(['NOT_APPLIED']));
    expect(refusals.at(-1)?.leaderHint?.leader).toBe(next);
    const acknowledged = responses.filter(({ error }) => error === undefined);
    const request = { topic, format: FetchFormat.RECORDS, maxBytes: LIMITS.fetchBytesMax };
    const { records } = await wire.at(next).fetch(request);
    expect(records.map(({ value }) => text(value))).toEqual(
      acknowledged.map(({ requestId }) => String(requestId)),
    );
  });

  it('loses no acknowledgement when its broker stops in order', async () => {
    const cluster = await Wire.start('orders');
    try {
      const { leader } = await cluster.at('n1').partitionLeader({ topic: 'orders' });
      const stream = streamTo(leader, cluster);
      let sent = 0;
      let isOver = false;
      const more = (): void => {
        // A client with a hundred in flight, that moves once it is told to.
        if (isOver || stream.responses.at(-1)?.error !== undefined) return;
        while (sent < stream.responses.length + 100) {
          stream.send({ requestId: sent, topic: 'orders', recordBatch: batchOf(String(sent)) });
          sent += 1;
        }
        setImmediate(more);
      };
      more();
      await stream.answers(100);
      const stopped = cluster.stop(leader);
      const end = await stream.ended;
      isOver = true;
      await stopped;
      expect(end?.reason).toBe('SHUTTING_DOWN');
      expect(idsOf(stream.responses)).toEqual(Array.from({ length: sent }, (_, i) => i));
      const refusals = stream.responses.map(errorOf).filter((error) => error !== undefined);
      expect(new Set(refusals.map(({ outcome }) => outcome))).toEqual(new Set(['NOT_APPLIED']));
      const survivor = BROKERS.find((id) => id !== leader) ?? '';
      const { highWatermark } = await cluster.at(survivor).fetch({ topic: 'orders', allowFollower: true });
      expect(highWatermark).toBe(sent - refusals.length);
    } finally {
      await cluster.close();
    }
  });
});
