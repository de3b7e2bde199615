/** Watching leadership over failures of brokers, with real gRPC between client and brokers. */
import { describe, expect, it } from 'vitest';
import type { WatchLeadershipRequest } from '../../gen/bellwether/v1/partition_service.js';
import { BellwetherError } from '../../src/errors.js';
import type { LeadershipChange } from '../../src/client/index.js';
import { changed, position, take, withFirstWrite } from './changes.js';
import { never, refusedAddress } from './fake-broker.js';
import { fail, rejection, startBroker, startClient } from './harness.js';

describe('a watch', () => {
  it('begins with what comes next, and says behind which sequence that is', async () => {
    const requests: WatchLeadershipRequest[] = [];
    const broker = await startBroker({
      watchLeadership: async function* (request) {
        requests.push(request);
        yield position(5);
        yield changed(6, { previousLeader: '', previousTerm: 0 });
        yield changed(7);
        await never();
      },
    });
    const client = await startClient([broker.address]);
    const started: number[] = [];

    const seen: LeadershipChange[] = [];
    for await (const change of client.watchLeadership({
      topics: ['orders'],
      onStart: (s) => started.push(s),
    })) {
      if (seen.push(change) === 2) break;
    }
    expect(requests).toEqual([{ topics: ['orders'], afterSequence: undefined }]);
    expect(started).toEqual([5]);
    expect(seen[0]).toMatchObject({ sequence: 6, previousLeader: undefined });
    expect(seen[1]).toEqual({
      sequence: 7,
      topic: 'orders',
      partition: 0,
      leader: 'n2',
      term: 4,
      previousLeader: 'n1',
      previousTerm: 3,
      cause: 'CONNECTION_LOST',
      changedAtMs: 1_700_000_000_123,
      timeline: {
        detectMs: 3.125,
        electMs: 6,
        commitMs: 5.0625,
        totalMs: 14.1875,
        blockedMs: undefined,
        firstWriteMs: undefined,
      },
    });
  });

  it('shows a cause that only newer brokers know as its number', async () => {
    const broker = await startBroker({
      watchLeadership: async function* () {
        yield position(0);
        // The generated type has no such number; a newer broker's has.
        yield changed(1, { cause: 99 as never });
        await never();
      },
    });
    const client = await startClient([broker.address]);
    for await (const { cause } of client.watchLeadership()) {
      expect(cause).toBe('CAUSE_99');
      break;
    }
  });
});

describe('a watch whose broker fails', () => {
  it('goes on at another broker behind the last change: no gap, no duplicate', async () => {
    const requests: WatchLeadershipRequest[] = [];
    const second = await startBroker({
      watchLeadership: async function* (request) {
        requests.push(request);
        yield position(request.afterSequence ?? 0);
        yield changed(7); // Told already: a careless broker must not make a duplicate of it.
        yield changed(8);
        yield changed(9);
        await never();
      },
    });
    const first = await startBroker({
      watchLeadership: async function* () {
        yield position(5);
        yield changed(6);
        yield changed(7);
        await never();
      },
    });
    const client = await startClient([first.address, second.address]);

    const seen: number[] = [];
    for await (const { sequence } of client.watchLeadership({ topics: ['orders'] })) {
      seen.push(sequence);
      if (sequence === 7) first.kill();
      if (sequence === 9) break;
    }
    expect(seen).toEqual([6, 7, 8, 9]);
    expect(requests).toEqual([{ topics: ['orders'], afterSequence: 7 }]);
  });

  it('goes on behind its position when nothing had come yet', async () => {
    const second = await startBroker({
      watchLeadership: async function* ({ afterSequence }) {
        yield position(afterSequence ?? 100);
        yield changed(6);
        await never();
      },
    });
    const first = await startBroker({
      watchLeadership: async function* () {
        yield position(5);
        await never();
      },
    });
    const client = await startClient([first.address, second.address]);

    expect(await take(client.watchLeadership({ onStart: () => first.kill() }), 1)).toEqual([6]);
  });

  it('tells a gap instead of hiding it', async () => {
    const second = await startBroker({
      watchLeadership: async function* () {
        yield position(9);
        yield changed(10);
        await never();
      },
    });
    const first = await startBroker({
      watchLeadership: async function* () {
        yield position(5);
        yield changed(6);
        throw new BellwetherError('SHUTTING_DOWN', 'scripted');
      },
    });
    const client = await startClient([first.address, second.address]);

    const error = await rejection(take(client.watchLeadership(), 2));
    expect(error.reason).toBe('HISTORY_TRIMMED');
    expect(error.metadata).toEqual({ after_sequence: '6', trimmed_sequence: '9' });
  });

  it('leaves a broker that is stopping alone', async () => {
    const second = await startBroker({
      watchLeadership: async function* ({ afterSequence = 0 }) {
        yield position(afterSequence);
        yield changed(7);
        await never();
      },
    });
    const first = await startBroker({
      describeCluster: () => never(),
      watchLeadership: async function* () {
        yield position(5);
        yield changed(6);
        throw new BellwetherError('SHUTTING_DOWN', 'scripted');
      },
    });
    const client = await startClient([first.address, second.address]);

    expect(await take(client.watchLeadership(), 2)).toEqual([6, 7]);
    expect(first.count('watchLeadership')).toBe(1);
  });

  it('goes to another broker when the first has as many watches as it may', async () => {
    const full = await startBroker({ watchLeadership: () => fail('TOO_MANY_WATCHES') });
    const other = await startBroker({
      watchLeadership: async function* () {
        yield position(0);
        yield changed(1);
        await never();
      },
    });
    const client = await startClient([full.address, other.address]);

    expect(await take(client.watchLeadership(), 1)).toEqual([1]);
    expect([full.count('watchLeadership'), other.count('watchLeadership')]).toEqual([1, 1]);
  });

  it('leaves a broker that says nothing for another one', async () => {
    const mute = await startBroker({
      watchLeadership: async function* () {
        await never();
        yield position(0);
      },
    });
    const other = await startBroker({
      watchLeadership: async function* () {
        yield position(0);
        yield changed(1);
        await never();
      },
    });
    const client = await startClient([mute.address, other.address]);

    expect(await take(client.watchLeadership(), 1)).toEqual([1]);
    expect(mute.count('watchLeadership')).toBe(1);
  });

  it('fails when no broker takes it on within its time', async () => {
    const address = await refusedAddress();
    const client = await startClient([address]);
    const error = await rejection(take(client.watchLeadership({ timeoutMs: 100 }), 1));
    expect(error.reason).toBe('CONNECTION_FAILED');
    expect(error.message).toContain(address);
  });

  it('does not storm a broker that ends every stream at once', async () => {
    const broker = await startBroker({
      watchLeadership: async function* () {
        yield position(0);
        throw new BellwetherError('SHUTTING_DOWN', 'scripted');
      },
    });
    const client = await startClient([broker.address]);

    expect(await take(client.watchLeadership({ signal: AbortSignal.timeout(300) }), 1)).toEqual([]);
    // The first two at once, then pauses of 10 ms and more, doubling.
    expect(broker.count('watchLeadership')).toBeGreaterThan(2);
    expect(broker.count('watchLeadership')).toBeLessThanOrEqual(8);
  });

  it.each(['HISTORY_TRIMMED', 'WATCH_TOO_SLOW', 'UNKNOWN_TOPIC_OR_PARTITION', 'INTERNAL'] as const)(
    'reports %s and asks nobody else',
    async (reason) => {
      const broker = await startBroker({ watchLeadership: () => fail(reason) });
      const other = await startBroker();
      const client = await startClient([broker.address, other.address]);

      const error = await rejection(take(client.watchLeadership({ afterSequence: 1 }), 1));
      expect(error.reason).toBe(reason);
      expect([broker.count('watchLeadership'), other.count('watchLeadership')]).toEqual([1, 0]);
    },
  );
});

describe('the first write of a new leader', () => {
  it('comes later as the same change, once, also when a broker repeats it', async () => {
    const second = await startBroker({
      watchLeadership: async function* ({ afterSequence }) {
        yield position(afterSequence ?? 0);
        yield withFirstWrite(6);
        yield withFirstWrite(7);
        yield withFirstWrite(8);
        await never();
      },
    });
    const first = await startBroker({
      watchLeadership: async function* () {
        yield position(5);
        yield withFirstWrite(5); // Of before the watch.
        yield changed(6);
        yield changed(7);
        yield withFirstWrite(6);
        throw new BellwetherError('SHUTTING_DOWN', 'scripted');
      },
    });
    const client = await startClient([first.address, second.address]);

    const seen: string[] = [];
    for await (const { sequence, timeline } of client.watchLeadership()) {
      seen.push(timeline?.firstWriteMs === undefined ? `${sequence}` : `${sequence} written`);
      if (sequence === 8) break;
    }
    expect(seen).toEqual(['6', '7', '6 written', '7 written', '8 written']);
  });
});
