/** Consumers of one group that take it over from each other, against a scripted leader with the brokers' rule. */
import { expect, it } from 'vitest';
import type { ConsumeRequest, ConsumeResponse } from '../../gen/bellwether/v1/log_service.js';
import type { CommitOffsetsRequest } from '../../gen/bellwether/v1/offset_service.js';
import type { ConsumerOptions } from '../../src/client/types-consumer.js';
import { BellwetherError } from '../../src/errors.js';
import { type GroupOffset, isFenced } from '../../src/log/group-offset.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { stampBatch } from '../../src/records/batch-header.js';
import { asOffset } from '../../src/records/offset.js';
import type { FakeBroker } from './fake-broker.js';
import { leaderAt, ORDERS, rejection, startBroker, startClient } from './harness.js';

const END = 6;

/** Ends of the log, and batches of one record. */
async function* records({ start }: ConsumeRequest): AsyncGenerator<ConsumeResponse> {
  const from = start?.$case === 'offset' ? start.value : 0;
  const message = (recordBatches: Uint8Array[], nextOffset: number) => {
    return { records: [], recordBatches, highWatermark: END, logStartOffset: 0, nextOffset };
  };
  yield message([], from);
  for (let offset = from; offset < END; offset += 1) {
    const batch = encodeRecordBatch([{ key: undefined, value: undefined, headers: [], timestampMs: 1 }]);
    stampBatch(batch, asOffset(offset), 1);
    yield message([batch], offset + 1);
  }
}

/** A leader that stores the offsets of one group. `before` is called ahead of each commit. */
async function startGroup(before: (request: CommitOffsetsRequest) => void = () => undefined) {
  const stored: { offset?: GroupOffset } = {};
  const broker: FakeBroker = await startBroker({
    partitionLeader: () => leaderAt(broker.address, 1),
    consume: records,
    listOffsets: ({ at }) => ({ offset: at === 1 ? 0 : END, term: 1 }),
    fetchOffsets: () => ({ offsets: stored.offset === undefined ? [] : [{ ...ORDERS, ...stored.offset }] }),
    commitOffsets: (request) => {
      before(request);
      const { generation, claim, offsets } = request;
      if (isFenced(stored.offset, { generation, claim }))
        throw new BellwetherError('FENCED_GENERATION', 'late');
      const offset = asOffset(offsets[0]?.offset ?? 0);
      stored.offset = { offset, generation, committedAtMs: 0 };
      return {};
    },
  });
  const client = await startClient([broker.address]);
  const consumer = (options: Partial<ConsumerOptions>) =>
    client.consumer({ partitions: [ORDERS], group: 'billing', untilEnd: true, ...options });
  return { stored, broker, client, consumer };
}

it('who claims a group goes on where it is, and fences who read before', async () => {
  const { stored, consumer } = await startGroup();
  const first = consumer({ generation: 'claim' });
  await first.records().next();
  expect([first.generation, stored.offset?.offset]).toEqual([0, 0]);
  await first.commit([{ ...ORDERS, offset: 2 }]);

  const second = consumer({ generation: 'claim' });
  expect((await second.records().next()).value).toMatchObject({ offset: 2 });
  const error = await rejection(first.commit());
  expect([error.reason, error.outcome]).toEqual(['FENCED_GENERATION', 'NOT_APPLIED']);
  expect(stored.offset).toMatchObject({ offset: 2, generation: 1 });
  await second.commit();
  expect(stored.offset).toMatchObject({ offset: 3, generation: 1 });
});

it('an automatic commit that is fenced ends the iteration', async () => {
  const { client, consumer } = await startGroup();
  const fenced = consumer({ generation: 'claim', autoCommitIntervalMs: 10, untilEnd: false });
  const reading = (async () => {
    for await (const { offset } of fenced) {
      if (offset === 0) await client.commitOffsets('billing', [{ ...ORDERS, offset: 5 }], { generation: 9 });
    }
  })();
  expect((await rejection(reading)).reason).toBe('FENCED_GENERATION');
});

it.each([
  ['earliest', 0],
  ['latest', END],
] as const)(
  'a group that has stored nothing is claimed where the reading begins: %s',
  async (fallback, offset) => {
    const { stored, consumer } = await startGroup();
    for await (const record of consumer({ generation: 'claim', fallback })) {
      expect(record.offset).toBe(0);
      break;
    }
    expect(stored.offset).toMatchObject({ offset, generation: 0 });
  },
);

it('of two that claim at the same time the later one reads on, and nobody gives up', async () => {
  let isContested = true;
  const { stored, consumer } = await startGroup(({ generation }) => {
    if (!isContested) return;
    isContested = false;
    stored.offset = { offset: asOffset(4), generation, committedAtMs: 0 };
  });
  const late = consumer({ generation: 'claim' });
  expect((await late.records().next()).value).toMatchObject({ offset: 4 });
  expect([late.generation, stored.offset?.generation]).toEqual([1, 1]);
});

it('a claim of unknown outcome is made again with the generation after it', async () => {
  let isLost = true;
  const { stored, consumer } = await startGroup(({ generation, offsets }) => {
    if (!isLost) return;
    isLost = false;
    stored.offset = { offset: asOffset(offsets[0]?.offset ?? 0), generation, committedAtMs: 0 };
    throw new BellwetherError('COMMIT_TIMEOUT', 'late');
  });
  const consuming = consumer({ generation: 'claim' });
  await consuming.records().next();
  expect(consuming.generation).toBe(1);
});

it('a claim that always loses is told', async () => {
  const { broker, consumer } = await startGroup(() => {
    throw new BellwetherError('FENCED_GENERATION', 'late');
  });
  const error = await rejection(consumer({ generation: 'claim' }).records().next());
  expect([error.reason, broker.count('commitOffsets')]).toEqual(['FENCED_GENERATION', 5]);
});

it('a generation that was counted elsewhere goes with each commit, without a claim', async () => {
  const requests: CommitOffsetsRequest[] = [];
  const { consumer } = await startGroup((request) => void requests.push(request));
  const counted = consumer({ generation: 7 });
  await counted.records().next();
  await counted.commit();
  expect(requests).toMatchObject([{ generation: 7, claim: false, offsets: [{ offset: 1 }] }]);
});

it('refuses to commit before the claim, a generation without a group, and one out of bounds', async () => {
  const { client, consumer } = await startGroup();
  expect((await rejection(consumer({ generation: 'claim' }).commit())).reason).toBe('INVALID_REQUEST');
  expect(() => client.consumer({ partitions: [ORDERS], generation: 'claim' })).toThrow('group');
  expect(() => consumer({ generation: -1 })).toThrow('generation');
});
