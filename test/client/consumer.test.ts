/** The consumer against scripted leaders, with real gRPC between them: resumption, positions, commits. */
import { expect, it } from 'vitest';
import type { ConsumeRequest, ConsumeResponse } from '../../gen/bellwether/v1/log_service.js';
import { BellwetherError } from '../../src/errors.js';
import { encodeRecordBatch } from '../../src/records/batch-encode.js';
import { stampBatch } from '../../src/records/batch-header.js';
import { asOffset } from '../../src/records/offset.js';
import type { FakeBroker } from './fake-broker.js';
import { leaderAt, notLeader, ORDERS, rejection, startBroker, startClient } from './harness.js';

/** A batch of `count` records whose values are their offsets. */
function batchAt(baseOffset: number, count: number): Uint8Array {
  const records = Array.from({ length: count }, (_, n) => {
    return { key: undefined, value: Buffer.from(String(baseOffset + n)), headers: [], timestampMs: 1 };
  });
  const batch = encodeRecordBatch(records);
  stampBatch(batch, asOffset(baseOffset), 1);
  return batch;
}

function message(recordBatches: Uint8Array[], nextOffset: number, highWatermark = 6): ConsumeResponse {
  return { records: [], recordBatches, highWatermark, logStartOffset: 0, nextOffset };
}

function startOf({ start }: ConsumeRequest): number {
  return start?.$case === 'offset' ? start.value : 0;
}

/** Batches of two, from the one with the offset asked for, up to 6; then what `afterwards` does. */
async function* sixRecords(request: ConsumeRequest, upTo = 6): AsyncGenerator<ConsumeResponse> {
  const from = startOf(request);
  yield message([], from);
  for (let base = from - (from % 2); base < upTo; base += 2) yield message([batchAt(base, 2)], base + 2);
}

async function leader(consume: FakeBroker['script']['consume'], term = 1): Promise<FakeBroker> {
  const broker = await startBroker({ consume: consume! });
  broker.script.partitionLeader = () => leaderAt(broker.address, term);
  return broker;
}

const untilEnd = { partitions: [ORDERS], untilEnd: true } as const;
const text = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString();

it('hands out every record once, in order, and ends at the end', async () => {
  const broker = await leader((request) => sixRecords(request));
  const consumer = (await startClient([broker.address])).consumer(untilEnd);
  const seen: string[] = [];
  for await (const { offset, value } of consumer) seen.push(`${offset}=${text(value)}`);
  expect(seen).toEqual(['0=0', '1=1', '2=2', '3=3', '4=4', '5=5']);
  expect(consumer.position(ORDERS)).toBe(6);
});

it('begins within a batch, and ends in the first of a message that begins below', async () => {
  const broker = await leader((request) => sixRecords(request));
  const consumer = (await startClient([broker.address])).consumer({
    ...untilEnd,
    partitions: [{ ...ORDERS, from: 3 }],
  });
  const offsets: number[] = [];
  for await (const batch of consumer.batches()) {
    expect(batch.records()).toHaveLength(batch.recordCount);
    offsets.push(...batch.records().map(({ offset }) => offset));
  }
  expect(offsets).toEqual([3, 4, 5]);
});

it('goes on at the next offset when another broker leads, none twice and none left out', async () => {
  const next = await leader((request) => sixRecords(request), 2);
  const old = await leader(async function* (request) {
    yield* sixRecords(request, 2);
    throw notLeader(next.address, 2);
  });
  const consumer = (await startClient([old.address])).consumer(untilEnd);
  const offsets: number[] = [];
  for await (const { offset } of consumer) offsets.push(offset);
  expect(offsets).toEqual([0, 1, 2, 3, 4, 5]);
  expect(next.count('consume')).toBe(1);
});

it('goes on elsewhere when the leader is killed in the middle', async () => {
  const next = await leader((request) => sixRecords(request), 2);
  const old = await leader(async function* (request) {
    yield* sixRecords(request, 4);
    old.kill();
  });
  next.script.partitionLeader = () =>
    leaderAt(next.count('partitionLeader') > 1 ? next.address : old.address, next.count('partitionLeader'));
  const consumer = (await startClient([next.address])).consumer(untilEnd);
  const offsets: number[] = [];
  for await (const { offset } of consumer) offsets.push(offset);
  expect(offsets).toEqual([0, 1, 2, 3, 4, 5]);
});

it('opens its stream again, in vain at first, while the broker serves too many', async () => {
  const broker = await leader(async function* (request) {
    if (broker.count('consume') < 3) throw new BellwetherError('TOO_MANY_STREAMS', 'too many');
    yield* sixRecords(request);
  });
  const consumer = (await startClient([broker.address])).consumer(untilEnd);
  const offsets: number[] = [];
  for await (const { offset } of consumer) offsets.push(offset);
  expect([offsets, broker.count('consume')]).toEqual([[0, 1, 2, 3, 4, 5], 3]);
});

it('leaving the loop cancels the call; the next iteration goes on behind what was handed out', async () => {
  const broker = await leader((request) => sixRecords(request));
  const consumer = (await startClient([broker.address])).consumer(untilEnd);
  for await (const { offset } of consumer) if (offset === 2) break;
  await expect.poll(() => broker.endedStreams).toBe(1);
  const rest: number[] = [];
  for await (const { offset } of consumer) rest.push(offset);
  expect(rest).toEqual([3, 4, 5]);
});

it('begins at what the group has committed, and commits what has been handled', async () => {
  const committed: number[] = [];
  const broker = await leader((request) => sixRecords(request));
  broker.script.fetchOffsets = () => ({ offsets: [{ ...ORDERS, offset: 2, committedAtMs: 0 }] });
  broker.script.commitOffsets = ({ offsets }) => {
    committed.push(...offsets.map(({ offset }) => offset));
    return {};
  };
  const client = await startClient([broker.address]);
  const consumer = client.consumer({ ...untilEnd, group: 'billing', autoCommitIntervalMs: 60_000 });
  const offsets: number[] = [];
  for await (const { offset } of consumer) offsets.push(offset);
  expect(offsets).toEqual([2, 3, 4, 5]);
  expect(committed).toEqual([6]);
  await consumer.commit([{ ...ORDERS, offset: 3 }]);
  expect(committed).toEqual([6, 3]);
});

it('a record at which the loop was left is not committed by itself', async () => {
  const committed: number[] = [];
  const broker = await leader((request) => sixRecords(request));
  broker.script.fetchOffsets = () => ({ offsets: [] });
  broker.script.commitOffsets = ({ offsets }) => {
    committed.push(...offsets.map(({ offset }) => offset));
    return {};
  };
  const client = await startClient([broker.address]);
  const consumer = client.consumer({ ...untilEnd, group: 'billing', autoCommitIntervalMs: 60_000 });
  for await (const { offset } of consumer) if (offset === 3) break;
  expect(committed).toEqual([3]);
});

it('pauses, resumes and seeks', async () => {
  const broker = await leader((request) => sixRecords(request));
  const consumer = (await startClient([broker.address])).consumer(untilEnd);
  const offsets: number[] = [];
  for await (const { offset } of consumer) {
    offsets.push(offset);
    if (offsets.length !== 2) continue;
    consumer.seek(ORDERS, 4);
    consumer.pause([ORDERS]);
    setImmediate(() => consumer.resume([ORDERS]));
  }
  expect(offsets).toEqual([0, 1, 4, 5]);
});

it('what was deleted under a consumer ends the iteration with the log start offset', async () => {
  const broker = await leader(async function* () {
    throw new BellwetherError('OFFSET_OUT_OF_RANGE', 'gone', { metadata: { log_start_offset: '4' } });
    yield message([], 0);
  });
  const consumer = (await startClient([broker.address])).consumer(untilEnd);
  const error = await rejection(consumer.records().next());
  expect([error.reason, error.metadata['log_start_offset']]).toEqual(['OFFSET_OUT_OF_RANGE', '4']);
});

it('an aborted signal ends the iteration without an error', async () => {
  const broker = await leader(async function* (request) {
    yield* sixRecords(request, 2);
    await new Promise(() => undefined);
  });
  const abort = new AbortController();
  const client = await startClient([broker.address]);
  const consumer = client.consumer({ partitions: [ORDERS], signal: abort.signal });
  const offsets: number[] = [];
  for await (const { offset } of consumer) {
    offsets.push(offset);
    if (offset === 1) setImmediate(() => abort.abort());
  }
  expect(offsets).toEqual([0, 1]);
});

it.each([
  [{ partitions: [] }, 'partitions'],
  [{ partitions: [ORDERS, ORDERS] }, 'twice'],
  [{ partitions: [{ ...ORDERS, from: 'committed' as const }] }, 'group'],
  [{ partitions: [ORDERS], autoCommitIntervalMs: 100 }, 'group'],
])('refuses %j', async (options, why) => {
  const client = await startClient(['127.0.0.1:1']);
  expect(() => client.consumer(options)).toThrow(why);
});
