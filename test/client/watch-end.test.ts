/** How a watch ends, and what holds it back, with real gRPC between client and broker. */
import { describe, expect, it, vi } from 'vitest';
import { changed, position, take } from './changes.js';
import { never } from './fake-broker.js';
import { rejection, startBroker, startClient } from './harness.js';

describe('the end of a watch', () => {
  const quiet = async function* () {
    yield position(5);
    await never();
  };

  it('comes without an error when the signal aborts, and the call is cancelled', async () => {
    const broker = await startBroker({ watchLeadership: quiet });
    const client = await startClient([broker.address]);
    const abort = new AbortController();

    const onStart = () => abort.abort();
    expect(await take(client.watchLeadership({ signal: abort.signal, onStart }), 1)).toEqual([]);
    await vi.waitFor(() => expect(broker.endedStreams).toBe(1));
  });

  it('comes at once with a signal that has aborted before, and no broker is asked', async () => {
    const broker = await startBroker({ watchLeadership: quiet });
    const client = await startClient([broker.address]);

    expect(await take(client.watchLeadership({ signal: AbortSignal.abort() }), 1)).toEqual([]);
    expect(broker.count('watchLeadership')).toBe(0);
  });

  it('comes without an error when the client is closed; a closed client begins none', async () => {
    const broker = await startBroker({ watchLeadership: quiet });
    const client = await startClient([broker.address]);

    expect(await take(client.watchLeadership({ onStart: () => void client.close() }), 1)).toEqual([]);
    expect((await rejection(take(client.watchLeadership(), 1))).reason).toBe('CLIENT_CLOSED');
  });

  it('comes with leaving the loop, and the call is cancelled', async () => {
    const broker = await startBroker({
      watchLeadership: async function* () {
        yield position(5);
        yield changed(6);
        await never();
      },
    });
    const client = await startClient([broker.address]);

    expect(await take(client.watchLeadership(), 1)).toEqual([6]);
    await vi.waitFor(() => expect(broker.endedStreams).toBe(1));
  });

  it.each([-1, 1.5, Number.NaN])('afterSequence %d is refused', async (afterSequence) => {
    const client = await startClient(['127.0.0.1:1']);
    const error = await rejection(take(client.watchLeadership({ afterSequence }), 1));
    expect([error.reason, error.metadata['field']]).toEqual(['INVALID_REQUEST', 'afterSequence']);
  });
});

describe('a slow reader', () => {
  it('holds the broker back instead of holding the changes in memory, and misses none', async () => {
    const total = 256;
    const topic = 't'.repeat(64 * 1024); // 16 MiB together: four times what fits into the receive window.
    let offered = 0;
    const broker = await startBroker({
      metadata: () => ({ clusterId: 'c', controller: '', brokers: [], topics: [] }),
      watchLeadership: async function* () {
        yield position(0);
        for (; offered < total; offered += 1) yield changed(offered + 1, { topic });
        await never();
      },
    });
    const client = await startClient([broker.address]);
    let expected = 1;
    for await (const { sequence } of client.watchLeadership()) {
      expect(sequence).toBe(expected);
      if (sequence === 1) {
        for (let before = 0; before === 0 || offered > before;) {
          before = offered;
          for (let roundTrips = 0; roundTrips < 10; roundTrips += 1) await client.metadata();
        }
        expect(offered).toBeLessThan(total / 2);
      }
      if (sequence === total) break;
      expected += 1;
    }
    expect(expected).toBe(total);
  });
});
