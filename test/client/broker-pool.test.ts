/** The channels of one client. */
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerPool } from '../../src/client/broker-pool.js';
import { refusedAddress } from './fake-broker.js';
import { rejection, startClient } from './harness.js';

describe('a channel that could not connect', () => {
  const pool = new BrokerPool();
  afterEach(() => pool.close());

  it('is dialled afresh by the next call, so that no back-off hides a broker that came back', () => {
    const first = pool.connection('127.0.0.1:1');
    expect(pool.connection('127.0.0.1:1')).toBe(first);
    pool.discard(first);
    const second = pool.connection('127.0.0.1:1');
    expect(second).not.toBe(first);
    pool.discard(first); // Of the past: the new one stays.
    expect(pool.connection('127.0.0.1:1')).toBe(second);
  });

  it('stays while calls are under way on it', () => {
    const busy = pool.connection('127.0.0.1:2');
    busy.callsInFlight = 1;
    pool.discard(busy);
    expect(pool.connection('127.0.0.1:2')).toBe(busy);
  });

  it('is discarded by the call that it failed', async () => {
    const discarded: string[] = [];
    const discard = BrokerPool.prototype.discard;
    BrokerPool.prototype.discard = function (connection) {
      discarded.push(connection.address);
      discard.call(this, connection);
    };
    try {
      const address = await refusedAddress();
      const client = await startClient([address]);
      expect((await rejection(client.metadata([], { timeoutMs: 100 }))).reason).toBe('CONNECTION_FAILED');
      expect(discarded).toContain(address);
    } finally {
      BrokerPool.prototype.discard = discard;
    }
  });
});
