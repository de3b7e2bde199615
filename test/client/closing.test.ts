/** What remains of a client after close(): nothing. */
import { getEventListeners } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { Lifetime } from '../../src/client/lifetime.js';
import { never } from './fake-broker.js';
import { fail, leaderAt, ONE_RECORD, ORDERS, rejection, startBroker, startClient } from './harness.js';

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

describe('a closed client', () => {
  it('rejects at once, as NOT_APPLIED', async () => {
    const broker = await startBroker();
    const client = await startClient([broker.address]);
    await client.close();
    await client.close();

    for (const call of [client.metadata(), client.produce(ORDERS, ONE_RECORD), client.admin.listTopics()]) {
      const error = await rejection(call);
      expect([error.reason, error.message]).toEqual(['CLIENT_CLOSED', 'the client is closed']);
    }
    expect(broker.calls).toEqual([]);
  });

  it('leaves no connection open', async () => {
    const socketsBefore = openSockets();
    const broker = await startBroker();
    broker.script.partitionLeader = () => leaderAt(broker.address, 1);
    const client = await startClient([broker.address]);
    await client.partitionLeader(ORDERS);
    expect(openSockets()).toBeGreaterThan(socketsBefore);
    await client.close();

    await vi.waitFor(() => expect(openSockets()).toBe(socketsBefore));
  });

  it('sends nothing that it had not sent yet, and opens no connection for it', async () => {
    const broker = await startBroker();
    const client = await startClient([broker.address]);
    const socketsBefore = openSockets();
    const pending = rejection(client.metadata());
    await client.close();

    expect((await pending).outcome).toBe('NOT_APPLIED');
    expect(broker.calls).toEqual([]);
    await vi.waitFor(() => expect(openSockets()).toBe(socketsBefore));
  });

  it('ends a dial, as NOT_APPLIED', async () => {
    const mute = createServer(() => void client.close()).listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    const { port } = mute.address() as AddressInfo; // A TCP server has this form of address.
    const client = await startClient([`127.0.0.1:${port}`]);

    const error = await rejection(client.admin.deleteTopic('orders'));
    mute.close();
    expect([error.reason, error.outcome]).toEqual(['CLIENT_CLOSED', 'NOT_APPLIED']);
  });

  it('ends a produce under way with outcome UNKNOWN', async () => {
    const broker = await startBroker({ partitionLeader: () => leaderAt(broker.address, 1) });
    const client = await startClient([broker.address]);
    broker.script.produce = () => {
      void client.close();
      return never();
    };

    const error = await rejection(client.produce(ORDERS, ONE_RECORD));
    expect([error.reason, error.outcome]).toEqual(['CONNECTION_LOST', 'UNKNOWN']);
  });

  it('ends the pause between two attempts', async () => {
    const broker = await startBroker({ partitionLeader: () => fail('NO_LEADER') });
    const client = await startClient([broker.address], 60_000);
    const pending = rejection(client.produce(ORDERS, ONE_RECORD));
    await vi.waitFor(() => expect(broker.count('partitionLeader')).toBeGreaterThanOrEqual(2));
    await client.close();

    expect((await pending).outcome).toBe('NOT_APPLIED');
  });
});

describe('Lifetime', () => {
  it('wakes every sleeper at close and keeps no timer', async () => {
    vi.useFakeTimers();
    try {
      const lifetime = new Lifetime();
      const slept = lifetime.sleep(60_000);
      expect(vi.getTimerCount()).toBe(1);
      lifetime.close();
      await slept;
      expect(vi.getTimerCount()).toBe(0);
      await lifetime.sleep(60_000);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a part of a lifetime', () => {
  it('ends with the whole, with its signal, or by itself, and then leaves no listener behind', () => {
    const whole = new Lifetime();
    const abort = new AbortController();
    const [first, second, third] = [
      whole.within(abort.signal),
      whole.within(undefined),
      whole.within(undefined),
    ];
    third.close();
    expect([whole, first, second, third].map(({ closed }) => closed)).toEqual([false, false, false, true]);
    abort.abort();
    expect([whole, first, second].map(({ closed }) => closed)).toEqual([false, true, false]);
    whole.close();
    expect(second.closed).toBe(true);

    const another = new AbortController();
    const life = new Lifetime().within(another.signal);
    expect(getEventListeners(another.signal, 'abort')).toHaveLength(1);
    life.close();
    expect(getEventListeners(another.signal, 'abort')).toEqual([]);
    expect(new Lifetime().within(AbortSignal.abort()).closed).toBe(true);
    expect(whole.within(undefined).closed).toBe(true);
  });

  it('ends a wait for something else', async () => {
    const lifetime = new Lifetime();
    const waiting = rejection(lifetime.whileOpen(never()));
    lifetime.close();
    expect((await waiting).outcome).toBe('NOT_APPLIED');
    expect(await new Lifetime().whileOpen(Promise.resolve(7))).toBe(7);
  });
});
