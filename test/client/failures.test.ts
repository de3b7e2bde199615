/** Dead, silent and overloaded brokers, with real gRPC between client and brokers. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FailoverOutcome } from '../../gen/bellwether/v1/partition_service.js';
import { connect } from '../../src/client/connect.js';
import { BellwetherError } from '../../src/errors.js';
import { never, refusedAddress } from './fake-broker.js';
import { fail, FETCHED, leaderAt, ONE_RECORD, ORDERS, PRODUCE_RESULT, PRODUCED } from './harness.js';
import { rejection, startBroker, startClient } from './harness.js';

describe('unreachable brokers', () => {
  it('a refused dial moves on to another broker', async () => {
    const broker = await startBroker();
    broker.script.partitionLeader = () => leaderAt(broker.address, 1);
    const client = await startClient([await refusedAddress(), broker.address]);

    expect((await client.partitionLeader(ORDERS)).leaderAddress).toBe(broker.address);
  });

  it('a produce whose leader refuses the dial goes to the next leader: it was not applied', async () => {
    const dead = await refusedAddress();
    const broker = await startBroker({ produce: () => PRODUCED });
    broker.script.partitionLeader = () =>
      broker.count('partitionLeader') === 1 ? leaderAt(dead, 1) : leaderAt(broker.address, 2);
    const client = await startClient([broker.address]);

    expect(await client.produce(ORDERS, ONE_RECORD)).toEqual(PRODUCE_RESULT);
    expect(broker.count('produce')).toBe(1);
  });

  it('when all dials are refused the error is CONNECTION_FAILED, NOT_APPLIED, and names the broker', async () => {
    const address = await refusedAddress();
    const client = await startClient([address]);

    const error = await rejection(client.produce(ORDERS, ONE_RECORD, { timeoutMs: 100 }));
    expect([error.reason, error.outcome]).toEqual(['CONNECTION_FAILED', 'NOT_APPLIED']);
    expect(error.message).toContain(address);
  });

  it('each further attempt is told, with the reason and how long the call has gone on', async () => {
    const address = await refusedAddress();
    const told: { reason: string; elapsedMs: number }[] = [];
    const client = await connect({
      brokers: [address],
      onRetry: ({ reason }, elapsedMs) => told.push({ reason, elapsedMs }),
    });
    const begunMs = performance.now();
    await rejection(client.metadata([], { timeoutMs: 300 }));
    const tookMs = performance.now() - begunMs;
    await client.close();

    expect(told.length).toBeGreaterThan(1);
    expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set(['CONNECTION_FAILED']));
    const times = told.map(({ elapsedMs }) => elapsedMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.max(...times)).toBeLessThan(tookMs);
  });

  it('a long poll that ends because its leader moves has not been in vain', async () => {
    const told: number[] = [];
    const broker = await startBroker();
    broker.script.partitionLeader = () => leaderAt(broker.address, broker.count('partitionLeader'));
    broker.script.fetch = () => {
      if (broker.count('fetch') > 1) return FETCHED;
      throw new BellwetherError('NOT_LEADER', 'moved');
    };
    const client = await connect({
      brokers: [broker.address],
      onRetry: (_, elapsedMs) => told.push(elapsedMs),
    });
    await client.fetch(ORDERS, 0, { maxWaitMs: 10_000 });
    await client.close();
    expect(told).toEqual([0]);
  });

  it('a producer tells it of its oldest record, which is waiting all the time', async () => {
    const address = await refusedAddress();
    const told: number[] = [];
    const client = await connect({
      brokers: [address],
      onRetry: (_, elapsedMs) => told.push(elapsedMs),
    });
    const producer = client.producer({ deliveryTimeoutMs: 300, acks: 1 });
    const error = await rejection(producer.send('orders', { partition: 0, value: 'tea' }));
    await client.close();

    expect(error.outcome).toBe('NOT_APPLIED');
    expect(told.length).toBeGreaterThan(1);
  });

  it('a dial that is accepted but never answered is NOT_APPLIED, within the deadline', async () => {
    const mute = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    const { port } = mute.address() as AddressInfo; // A TCP server has this form of address.
    const broker = await startBroker({ partitionLeader: () => leaderAt(`127.0.0.1:${port}`, 1) });
    const client = await startClient([broker.address]);

    const error = await rejection(client.produce(ORDERS, ONE_RECORD, { timeoutMs: 200 }));
    mute.close();
    expect([error.reason, error.outcome]).toEqual(['CONNECTION_FAILED', 'NOT_APPLIED']);
  });

  it('brokers learned from the cluster take over from the one given (apache/iggy PR 2359)', async () => {
    const other = await startBroker({ metadata: () => emptyMetadata() });
    const given = await startBroker({ metadata: () => emptyMetadata() });
    const brokers = [given, other].map(({ address }, i) => ({ id: `n${i}`, address, rack: '', alive: true }));
    const emptyMetadata = () => ({ clusterId: 'c', controller: '', brokers, topics: [] });
    const client = await startClient([given.address]);

    await client.metadata();
    await given.killed();
    await client.metadata();
    expect(other.count('metadata')).toBe(1);
  });

  it('a restarted broker is found again within the deadline of one call', async () => {
    const first = await startBroker({
      metadata: () => ({ clusterId: 'a', controller: '', brokers: [], topics: [] }),
    });
    const client = await startClient([first.address]);
    await client.metadata();
    await first.killed();
    const pending = client.metadata();
    await startBroker(
      { metadata: () => ({ clusterId: 'b', controller: '', brokers: [], topics: [] }) },
      first.port,
    );

    expect((await pending).clusterId).toBe('b');
  });
});

describe('brokers that die or hang with a request', () => {
  it('a broker killed in the middle of a produce: UNKNOWN, and exactly one attempt', async () => {
    const leader = await startBroker();
    leader.script.partitionLeader = () => leaderAt(leader.address, 1);
    leader.script.produce = () => {
      leader.kill();
      return never();
    };
    const other = await startBroker({
      produce: () => PRODUCED,
      partitionLeader: () => leaderAt(other.address, 2),
    });
    const client = await startClient([leader.address, other.address]);

    const error = await rejection(client.produce(ORDERS, ONE_RECORD));
    expect([error.reason, error.outcome]).toEqual(['CONNECTION_LOST', 'UNKNOWN']);
    expect(leader.count('produce') + other.count('produce')).toBe(1);
  });

  it('a broker killed in the middle of a fetch: the fetch succeeds elsewhere', async () => {
    const leader = await startBroker();
    leader.script.partitionLeader = () => leaderAt(leader.address, 1);
    leader.script.fetch = () => {
      leader.kill();
      return never();
    };
    const other = await startBroker({
      fetch: () => FETCHED,
      partitionLeader: () => leaderAt(other.address, 2),
    });
    const client = await startClient([leader.address, other.address]);

    expect(await client.fetch(ORDERS, 0)).toMatchObject({ nextOffset: 0 });
    expect(other.count('fetch')).toBe(1);
  });

  it.each(['LEADERSHIP_LOST', 'COMMIT_TIMEOUT', 'STORAGE_FAILED', 'INTERNAL'] as const)(
    'a produce is never sent again after %s',
    async (reason) => {
      const leader = await startBroker({ produce: () => fail(reason) });
      leader.script.partitionLeader = () => leaderAt(leader.address, 1);
      const client = await startClient([leader.address]);

      expect((await rejection(client.produce(ORDERS, ONE_RECORD))).outcome).toBe('UNKNOWN');
      expect(leader.count('produce')).toBe(1);
    },
  );

  it.each(['createTopic', 'deleteTopic'] as const)(
    '%s is not sent again after a lost connection',
    async (name) => {
      const broker = await startBroker();
      const die = () => {
        broker.kill();
        return never<never>();
      };
      broker.script = { createTopic: die, deleteTopic: die };
      const other = await startBroker();
      const client = await startClient([broker.address, other.address]);

      expect((await rejection(client.admin[name]('orders'))).outcome).toBe('UNKNOWN');
      expect(other.count(name)).toBe(0);
    },
  );

  it('a silent broker does not eat the deadline of a read (etcd issue 7941)', async () => {
    const silent = await startBroker({ metadata: () => never() });
    const other = await startBroker({
      metadata: () => ({ clusterId: 'c', controller: '', brokers: [], topics: [] }),
    });
    const client = await startClient([silent.address, other.address]);

    const startedMs = performance.now();
    await client.metadata([], { timeoutMs: 1500 });
    expect(performance.now() - startedMs).toBeLessThan(1200);
  });

  it('the deadline holds when every broker hangs', async () => {
    const one = await startBroker();
    const hang = {
      metadata: () => never<never>(),
      fetch: () => never<never>(),
      produce: () => never<never>(),
      partitionLeader: () => leaderAt(one.address, 1),
    };
    one.script = hang;
    const two = await startBroker(hang);
    const client = await startClient([one.address, two.address]);
    const options = { timeoutMs: 200 };

    for (const call of [
      () => client.metadata([], options),
      () => client.fetch(ORDERS, 0, options),
      () => client.produce(ORDERS, ONE_RECORD, options),
    ]) {
      const startedMs = performance.now();
      expect((await rejection(call())).reason).toBe('REQUEST_TIMEOUT');
      expect(performance.now() - startedMs).toBeLessThan(1500);
    }
  });

  it('an idempotent write in doubt stays in doubt when a later attempt is refused', async () => {
    const first = await startBroker();
    first.script.partitionFailover = () => {
      first.kill();
      return never();
    };
    const second = await startBroker({ partitionFailover: () => fail('FENCED_TERM') });
    const client = await startClient([first.address, second.address]);

    const error = await rejection(
      client.partitionFailover({ ...ORDERS, failedLeader: 'n1', expectedTerm: 3 }),
    );
    expect(error.outcome).toBe('UNKNOWN'); // The first attempt may be what changed the term.
    expect(error.message).toContain('FENCED_TERM');
  });

  it('an election that FENCED_TERM or TRANSFER_ABORTED refused is left to the caller', async () => {
    for (const reason of ['FENCED_TERM', 'TRANSFER_ABORTED'] as const) {
      const broker = await startBroker({ partitionFailover: () => fail(reason) });
      const client = await startClient([broker.address]);
      const error = await rejection(client.partitionFailover({ ...ORDERS, failedLeader: 'n1' }));
      expect(error.reason).toBe(reason);
      expect(broker.count('partitionFailover')).toBe(1);
    }
  });

  it('a transfer in doubt is sent again only when it cannot move leadership twice', async () => {
    const moved = { leader: 'n2', term: 4, transferMs: 0, outcome: FailoverOutcome.ALREADY_MOVED };
    for (const [options, attempts] of [
      [{ target: 'n2' }, 2],
      [{ expectedTerm: 3 }, 2],
      [{}, 1],
    ] as const) {
      const first = await startBroker();
      first.script.transferLeadership = () => {
        first.kill();
        return never();
      };
      const second = await startBroker({ transferLeadership: () => ({ ...moved, timeline: undefined }) });
      const client = await startClient([first.address, second.address]);
      const outcome = await client.admin.transferLeadership(ORDERS, options).then(
        (result) => result.outcome,
        (error: unknown) => (error instanceof BellwetherError ? error.outcome : undefined),
      );
      expect(outcome).toBe(attempts === 2 ? 'ALREADY_MOVED' : 'UNKNOWN');
      expect(first.count('transferLeadership') + second.count('transferLeadership')).toBe(attempts);
    }
  });
});

describe('overloaded brokers', () => {
  it('a full partition is asked again after growing pauses, and the records go in once', async () => {
    const timesMs: number[] = [];
    const leader = await startBroker();
    leader.script.partitionLeader = () => leaderAt(leader.address, 1);
    leader.script.produce = () =>
      timesMs.push(performance.now()) < 4 ? fail('UNCOMMITTED_BYTES_EXCEEDED') : PRODUCED;
    const client = await startClient([leader.address]);

    await client.produce(ORDERS, ONE_RECORD);
    expect(timesMs).toHaveLength(4);
    // At least half of 20 + 40 + 80 ms; the pause is a lower bound, so a slow machine cannot break it.
    expect((timesMs[3] ?? 0) - (timesMs[0] ?? 0)).toBeGreaterThanOrEqual(69);
  });
});
