/** The channels of one client. */
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerPool, dialled } from '../../src/client/broker-pool.js';
import { connect } from '../../src/client/connect.js';
import { refusedAddress } from './fake-broker.js';
import type { BellwetherError } from '../../src/errors.js';
import { rejection } from './harness.js';

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

  it('takes no request whose time is up: that would be in doubt, though it was never sent', async () => {
    const connection = pool.connection(await refusedAddress());
    await dialled(connection, 2_000);
    expect((await rejection(dialled(connection, 0))).reason).toBe('CONNECTION_FAILED');
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
      // The call is ended by its first failure, and not by a bound that a busy machine may spend before.
      const failures: BellwetherError[] = [];
      const client = await connect({
        brokers: [address],
        onRetry: (error) => {
          failures.push(error);
          void client.close();
        },
      });
      await rejection(client.metadata());
      expect(failures[0]?.reason).toBe('CONNECTION_FAILED');
      expect(discarded).toContain(address);
    } finally {
      BrokerPool.prototype.discard = discard;
    }
  });
});
