/** What every test of the SDK needs: fake brokers and clients that end with the test. */
import { afterEach } from 'vitest';
import { BellwetherError } from '../../src/errors.js';
import type { Reason } from '../../src/errors.js';
import { connect } from '../../src/client/connect.js';
import type { BellwetherClient } from '../../src/client/types.js';
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
