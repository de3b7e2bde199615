/** What `client.fetch` makes of the batches that a broker keeps: it decodes them, compressed or not. */
import { expect, it } from 'vitest';
import { batchAt, compressed, FETCHED, leaderAt, ORDERS, rejection } from './harness.js';
import { startBroker, startClient } from './harness.js';

const SNAPPY = 2;

const headers = [{ key: 'trace', value: Buffer.from('x') }];

/** Three records at offsets 10, 11 and 12. */
const threeAt10 = () =>
  batchAt(
    10,
    ['a', 'b', 'c'].map((value) => ({ key: undefined, value: Buffer.from(value), headers, timestampMs: 7 })),
  );

async function clientOf(recordBatches: Uint8Array[], nextOffset: number) {
  const answer = { ...FETCHED, recordBatches, highWatermark: 20, logStartOffset: 2, nextOffset };
  const broker = await startBroker({ fetch: () => answer });
  broker.script.partitionLeader = () => leaderAt(broker.address, 1);
  return startClient([broker.address]);
}

const values = (records: readonly { readonly offset: number; readonly value: Uint8Array | undefined }[]) =>
  records.map(({ offset, value }) => `${offset}=${Buffer.from(value ?? []).toString()}`);

it('reads compressed batches with their headers and timestamps', async () => {
  const client = await clientOf([compressed(threeAt10())], 13);
  const { records, ...ends } = await client.fetch(ORDERS, 10);
  expect(values(records)).toEqual(['10=a', '11=b', '12=c']);
  expect(records[1]).toMatchObject({ key: undefined, timestampMs: 7, headers: [{ key: 'trace' }] });
  expect(ends).toEqual({ highWatermark: 20, logStartOffset: 2, nextOffset: 13 });
});

it.each([threeAt10(), compressed(threeAt10())])(
  'begins inside a batch, and ends inside one',
  async (batch) => {
    const client = await clientOf([batch], 13);
    const { records, nextOffset } = await client.fetch(ORDERS, 11, { maxRecords: 1 });
    expect([values(records), nextOffset]).toEqual([['11=b'], 12]);
  },
);

it.each([threeAt10(), compressed(threeAt10())])(
  'gives the last batch whole where that is asked for, and reads on behind it',
  async (batch) => {
    const client = await clientOf([batch], 13);
    const { records, nextOffset } = await client.fetch(ORDERS, 11, { maxRecords: 1, wholeBatches: true });
    expect([values(records), nextOffset]).toEqual([['11=b', '12=c'], 13]);
  },
);

it('ends before a batch that it cannot read, and fails at that one', async () => {
  const unreadable = batchAt(13, [{ key: undefined, value: undefined, headers: [], timestampMs: 7 }]);
  const client = await clientOf([threeAt10(), compressed(unreadable, SNAPPY)], 14);
  const { records, nextOffset } = await client.fetch(ORDERS, 10);
  expect([records.length, nextOffset]).toEqual([3, 13]);
  expect((await rejection(client.fetch(ORDERS, 13))).reason).toBe('UNSUPPORTED_RECORD_BATCH');
});

it('gives nothing, and the same offset, where there is nothing yet', async () => {
  const client = await clientOf([], 20);
  expect(await client.fetch(ORDERS, 20)).toMatchObject({ records: [], nextOffset: 20 });
});

it.each([0, 10_001, 1.5])('refuses %d records', async (maxRecords) => {
  const client = await clientOf([], 20);
  const error = await rejection(client.fetch(ORDERS, 20, { maxRecords }));
  expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', 'maxRecords']);
});
