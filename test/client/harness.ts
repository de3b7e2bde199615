/** What every test of the SDK needs: fake brokers and clients that end with the test. */
import { gzipSync } from 'node:zlib';
import { afterEach } from 'vitest';
import type { Record as WireRecord } from '../../gen/bellwether/v1/types.js';
import { BellwetherError } from '../../src/errors.js';
import type { Reason } from '../../src/errors.js';
import { connect } from '../../src/client/connect.js';
import type { BellwetherClient } from '../../src/client/types.js';
import { encodeRecordBatch, writeBatchHeader } from '../../src/records/batch-encode.js';
import { BATCH_HEADER_BYTES, readBatchHeader, stampBatch } from '../../src/records/batch-header.js';
import { asOffset } from '../../src/records/offset.js';
import { FakeBroker } from './fake-broker.js';
import type { Script } from './fake-broker.js';

/** The partition that tests use. */
export const ORDERS = { topic: 'orders', partition: 0 } as const;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export async function startBroker(script: Script = {}, port = 0): Promise<FakeBroker> {
  const broker = await FakeBroker.start(script, port);
  cleanups.push(() => broker.kill());
  return broker;
}

export async function startClient(brokers: readonly string[], timeoutMs = 3000): Promise<BellwetherClient> {
  const client = await connect({ brokers, timeoutMs });
  cleanups.push(() => client.close());
  return client;
}

/** A PartitionLeader answer. */
export function leaderAt(address: string, term: number) {
  return {
    leader: `leader-${term}`,
    followers: [],
    term,
    leaderAddress: address,
    inSyncReplicas: [],
    highWatermark: undefined,
    leaderSinceMs: 0,
  };
}

/** A NOT_LEADER error that names who leads. */
export function notLeader(address: string, term: number): BellwetherError {
  const leaderHint = { leader: `leader-${term}`, address, term };
  return new BellwetherError('NOT_LEADER', 'this broker does not lead orders/0', { leaderHint });
}

export function fail(reason: Reason): never {
  throw new BellwetherError(reason, `scripted ${reason}`);
}

/** A Produce answer. */
export const PRODUCE_RESULT = { partition: 0, baseOffset: 7, term: 1, recordCount: 1 } as const;

/** The same as a broker sends it. */
export const PRODUCED = { ...PRODUCE_RESULT, duplicate: false } as const;

/** A Fetch answer. */
export const FETCHED = { records: [], recordBatches: [], highWatermark: 0, logStartOffset: 0, nextOffset: 0 };

/** Each record as a batch of its own, at its offset. */
export function batchesOf(records: readonly WireRecord[]): Uint8Array[] {
  return records.map(({ offset, key, value, headers, timestampMs }) => {
    const sameHeaders = headers.map((header) => ({ key: header.key, value: header.value }));
    return batchAt(offset, [{ key, value, headers: sameHeaders, timestampMs }]);
  });
}

/** The records as one batch, stored at `baseOffset`. */
export function batchAt(baseOffset: number, records: Parameters<typeof encodeRecordBatch>[0]): Uint8Array {
  const batch = encodeRecordBatch(records);
  stampBatch(batch, asOffset(baseOffset), 1);
  return batch;
}

/** The batch as a producer that compresses it with gzip sends it, or one that claims another codec. */
export function compressed(plain: Uint8Array, codec = 1): Uint8Array {
  const { recordCount, baseTimestampMs, maxTimestampMs, baseOffset } = readBatchHeader(plain);
  const body = gzipSync(plain.subarray(BATCH_HEADER_BYTES));
  const batch = new Uint8Array(BATCH_HEADER_BYTES + body.length);
  batch.set(body, BATCH_HEADER_BYTES);
  writeBatchHeader(batch, { recordCount, baseTimestampMs, maxTimestampMs, attributes: codec });
  stampBatch(batch, asOffset(baseOffset), 1);
  return batch;
}

export const ONE_RECORD = [{ value: new TextEncoder().encode('hello') }] as const;

/** The BellwetherError with which `promise` rejects; fails when it does not, or with another class. */
export async function rejection(promise: Promise<unknown>): Promise<BellwetherError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof BellwetherError) return error;
  throw new Error(`expected a BellwetherError, got ${String(error)}`);
}
