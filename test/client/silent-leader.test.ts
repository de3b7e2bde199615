/** Leaders that hang or are cut off while calls with the default deadline wait for them, with real gRPC. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { CONNECT_TIMEOUT_MS } from '../../src/client/broker-pool.js';
import { PROBE_TIMEOUT_MS } from '../../src/client/probe-policy.js';
import { TIMEOUT_DEFAULT_MS } from '../../src/client/call-options.js';
import type { BellwetherClient } from '../../src/client/types.js';
import { never } from './fake-broker.js';
import type { FakeBroker } from './fake-broker.js';
import {
  fail,
  FETCHED,
  leaderAt,
  notLeader,
  ONE_RECORD,
  ORDERS,
  PRODUCE_RESULT,
  PRODUCED,
} from './harness.js';
import { rejection, startBroker, startClient } from './harness.js';

/** Far below the deadline, far above what probes take: a slow machine does not break it, a wait for the end does. */
const SOON_MS = TIMEOUT_DEFAULT_MS / 4;

/** A DescribeCluster answer: who is there, and who is heard from. */
function clusterOf(brokers: readonly { readonly address: string; readonly alive: boolean }[]) {
  return {
    clusterId: 'c',
    controller: '',
    controllerTerm: 0,
    brokers: brokers.map(({ address, alive }, i) => ({ id: `n${i}`, address, rack: '', alive })),
    loads: [],
    notPreferredCount: 0,
    leaderImbalancePercent: 0,
    leaderBalanceOn: true,
    leaderBalanceCoolDownMs: 0,
  };
}

interface Pair {
  readonly old: FakeBroker;
  readonly next: FakeBroker;
  readonly client: BellwetherClient;
}

/** A leader in term 1 that a client with the default deadline knows, and another broker, which leads in term 2. */
async function pair(oldIsAlive = false): Promise<Pair> {
  const old = await startBroker({
    produce: () => PRODUCED,
    fetch: () => FETCHED,
    listOffsets: () => ({ offset: 7, term: 1 }),
    commitOffsets: () => ({}),
  });
  const next = await startBroker({
    produce: () => ({ ...PRODUCED, term: 2 }),
    fetch: () => FETCHED,
    listOffsets: () => ({ offset: 9, term: 2 }),
    commitOffsets: () => ({}),
  });
  old.script.partitionLeader = () => leaderAt(old.address, 1);
  next.script.partitionLeader = () => leaderAt(old.address, 1);
  const described = () =>
    clusterOf([
      { address: old.address, alive: oldIsAlive },
      { address: next.address, alive: true },
    ]);
  old.script.describeCluster = described;
  next.script.describeCluster = described;
  const client = await startClient([old.address, next.address], TIMEOUT_DEFAULT_MS);
  await client.produce(ORDERS, ONE_RECORD);
  for (const { calls } of [old, next]) calls.length = 0;
  next.script.partitionLeader = () => leaderAt(next.address, 2);
  return { old, next, client };
}

function hang({ script }: FakeBroker): void {
  script.produce = () => never();
  script.fetch = () => never();
  script.listOffsets = () => never();
  script.commitOffsets = () => never();
  script.partitionLeader = () => never();
}

async function soon<Result>(work: Promise<Result>, withinMs = SOON_MS): Promise<Result> {
  const startedMs = performance.now();
  const result = await work;
  expect(performance.now() - startedMs).toBeLessThan(withinMs);
  return result;
}

describe('a leader that hangs, with the default deadline', () => {
  it('ends a produce as UNKNOWN once another leads, and the next produce goes there', async () => {
    const { old, next, client } = await pair();
    hang(old);

    const error = await soon(rejection(client.produce(ORDERS, ONE_RECORD)));
    expect([error.reason, error.outcome]).toEqual(['LEADERSHIP_LOST', 'UNKNOWN']);
    expect(error.message).toContain(old.address);
    expect(error.message).toContain('may or may not be in its log');
    expect(error.leaderHint).toMatchObject({ address: next.address, term: 2 });
    expect(next.count('produce')).toBe(0); // Sending it again would be the caller's decision.
    expect(await client.produce(ORDERS, ONE_RECORD)).toMatchObject({ term: 2 });
    expect([old.count('produce'), old.count('partitionLeader')]).toEqual([1, 0]);
  });

  it('has reads and idempotent writes sent to the next leader', async () => {
    const calls: readonly ((client: BellwetherClient) => Promise<unknown>)[] = [
      (client) => client.fetch(ORDERS, 0),
      (client) => client.fetch(ORDERS, 0, { maxWaitMs: TIMEOUT_DEFAULT_MS }),
      (client) => client.listOffsets(ORDERS, 'latest'),
      (client) => client.commitOffsets('group', [{ ...ORDERS, offset: 1 }]),
    ];
    await Promise.all(
      calls.map(async (call) => {
        const { old, client } = await pair();
        hang(old);
        await soon(call(client));
      }),
    );
  });

  it('sends a produce to the next leader when the one that hangs never took the connection', async () => {
    const mute = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    const { port } = mute.address() as AddressInfo; // A TCP server has this form of address.
    const address = `127.0.0.1:${port}`;
    const next = await startBroker({
      produce: () => PRODUCED,
      describeCluster: () => clusterOf([{ address, alive: false }]),
    });
    next.script.partitionLeader = () =>
      next.count('partitionLeader') === 1 ? leaderAt(address, 1) : leaderAt(next.address, 2);
    const client = await startClient([next.address], TIMEOUT_DEFAULT_MS);

    const produced = soon(client.produce(ORDERS, ONE_RECORD), CONNECT_TIMEOUT_MS / 2);
    expect(await produced.finally(() => mute.close())).toEqual(PRODUCE_RESULT);
  });

  it('is not asked who leads partitions that the client has not used yet', async () => {
    const { old, client } = await pair();
    hang(old);
    await rejection(client.produce(ORDERS, ONE_RECORD));

    await client.produce({ topic: 'orders', partition: 1 }, ONE_RECORD);
    expect(old.count('partitionLeader')).toBe(0);
  });

  it('does not hold up who asks it first who leads', async () => {
    const { old, next } = await pair();
    hang(old);
    const client = await startClient([old.address, next.address], TIMEOUT_DEFAULT_MS);

    expect(await soon(client.produce(ORDERS, ONE_RECORD))).toMatchObject({ term: 2 });
  });

  it('is waited for while others say that it leads, or name an older leader', async () => {
    const { old, next, client } = await pair();
    const misled = await startBroker({ produce: () => PRODUCED });
    const stale = [leaderAt(old.address, 1), leaderAt(misled.address, 1), leaderAt(misled.address, 0)];
    next.script.partitionLeader = () => stale[next.count('partitionLeader') - 1] ?? fail('NO_LEADER');
    let answer = (): void => undefined;
    old.script.produce = () => new Promise((resolve) => (answer = () => resolve(PRODUCED)));

    const pending = client.produce(ORDERS, ONE_RECORD);
    await expect.poll(() => next.count('partitionLeader')).toBeGreaterThan(stale.length);
    answer();
    expect(await pending).toEqual(PRODUCE_RESULT);
    await client.fetch(ORDERS, 0);
    expect([misled.calls.length, old.count('fetch')]).toEqual([0, 1]);
  });

  it('is left only when the election that others report has ended', async () => {
    const { old, next, client } = await pair();
    hang(old);
    next.script.partitionLeader = () =>
      next.count('partitionLeader') < 3 ? fail('NO_LEADER') : leaderAt(next.address, 2);

    expect((await soon(rejection(client.produce(ORDERS, ONE_RECORD)))).reason).toBe('LEADERSHIP_LOST');
    expect(next.count('partitionLeader')).toBe(3);
  });

  it('is left though the first broker that is asked about it hangs too', async () => {
    const { old, next } = await pair();
    const hung = await startBroker();
    const client = await startClient([old.address, hung.address, next.address], TIMEOUT_DEFAULT_MS);
    await client.produce(ORDERS, ONE_RECORD);
    hang(old);
    hang(hung);

    for (const _ of [1, 2]) await soon(client.fetch(ORDERS, 0));
    expect(next.count('fetch')).toBe(2);
  });

  it('costs one probe at a time, however many calls wait', async () => {
    const { old, next, client } = await pair();
    hang(old);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let asking = 0;
    let askingMost = 0;
    next.script.partitionLeader = async () => {
      askingMost = Math.max(askingMost, (asking += 1));
      await released;
      asking -= 1;
      return leaderAt(next.address, 2);
    };

    const writes = Array.from({ length: 20 }, () => rejection(client.produce(ORDERS, ONE_RECORD)));
    const reads = Array.from({ length: 20 }, () => client.fetch(ORDERS, 0));
    await expect.poll(() => asking).toBe(1);
    release();
    for (const { reason } of await Promise.all(writes)) expect(reason).toBe('LEADERSHIP_LOST');
    await Promise.all(reads);
    expect([askingMost, next.count('describeCluster')]).toEqual([1, 1]);
  });
});

describe('a leader that answers', () => {
  it('is not doubted for calls that it has answered', async () => {
    const { old, next, client } = await pair();
    const probed: number[] = [];
    next.script.partitionLeader = ({ partition }) => {
      probed.push(partition);
      return leaderAt(old.address, 1);
    };
    for (let i = 0; i < 20; i += 1) await client.produce(ORDERS, ONE_RECORD);
    const before = probed.length; // A stall of this process may have cost a probe.

    old.script.listOffsets = () => never();
    old.script.partitionLeader = () => leaderAt(old.address, 1);
    const unanswered = rejection(client.listOffsets({ topic: 'orders', partition: 1 }, 'latest'));
    await expect.poll(() => probed.length).toBeGreaterThan(before + 3);
    expect(new Set(probed.slice(before))).toEqual(new Set([1]));
    await client.close();
    await unanswered;
  });

  it('may have its say about a write after it has handed over: no call fails', async () => {
    const { old, next, client } = await pair(true);
    const describeCluster = next.script.describeCluster;
    const asked = new Promise<void>((resolve) => {
      next.script.describeCluster = (request) => {
        resolve();
        return describeCluster?.(request) ?? never();
      };
    });
    old.script.produce = () => asked.then(() => Promise.reject(notLeader(next.address, 2)));

    expect(await client.produce(ORDERS, ONE_RECORD)).toMatchObject({ term: 2 });
  });

  it('has its say for so long only: a broker that others hear from may hang for clients', async () => {
    const { old, client } = await pair(true);
    hang(old);
    expect((await soon(rejection(client.produce(ORDERS, ONE_RECORD)))).outcome).toBe('UNKNOWN');
  });
});

describe('a leader that is cut off from its followers', () => {
  it('is not asked again after NOT_ENOUGH_REPLICAS when another leads', async () => {
    const { old, next, client } = await pair();
    old.script.produce = () => fail('NOT_ENOUGH_REPLICAS');

    expect(await client.produce(ORDERS, ONE_RECORD)).toMatchObject({ term: 2 });
    expect([old.count('produce'), old.count('partitionLeader')]).toEqual([1, 0]);
    expect(next.count('partitionLeader')).toBeGreaterThan(0);
  });

  it('is asked again within the deadline though the others are silent', async () => {
    const { old, next, client } = await pair();
    hang(next);
    old.script.produce = () => (old.count('produce') < 2 ? fail('NOT_ENOUGH_REPLICAS') : PRODUCED);

    expect(await client.produce(ORDERS, ONE_RECORD, { timeoutMs: PROBE_TIMEOUT_MS - 10 })).toEqual(
      PRODUCE_RESULT,
    );
  });

  it('is asked again, after others, while nobody else leads', async () => {
    const { old, next, client } = await pair();
    next.script.partitionLeader = () => leaderAt(old.address, 1);
    old.script.produce = () => (old.count('produce') < 3 ? fail('NOT_ENOUGH_REPLICAS') : PRODUCED);

    expect(await client.produce(ORDERS, ONE_RECORD)).toEqual(PRODUCE_RESULT);
    expect(old.count('produce')).toBe(3);
    expect(next.count('partitionLeader')).toBeGreaterThanOrEqual(2); // Before each that was sent again.
  });

  it.each(['COMMIT_TIMEOUT', 'LEADERSHIP_LOST'] as const)(
    'is not the first to be asked by the call after %s',
    async (reason) => {
      const { old, client } = await pair();
      old.script.produce = () => fail(reason);

      expect((await rejection(client.produce(ORDERS, ONE_RECORD))).reason).toBe(reason);
      expect(await client.produce(ORDERS, ONE_RECORD)).toMatchObject({ term: 2 });
      expect([old.count('produce'), old.count('partitionLeader')]).toEqual([1, 0]);
    },
  );
});
