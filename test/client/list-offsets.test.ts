/** Linearizable look-ups go to the leader, with real gRPC between client and brokers. */
import { expect, it } from 'vitest';
import { OffsetPosition } from '../../gen/bellwether/v1/log_service.js';
import { leaderAt, notLeader, ORDERS, startBroker, startClient } from './harness.js';

it.each([
  ['earliest', OffsetPosition.EARLIEST],
  ['latest', OffsetPosition.LATEST],
] as const)('the %s offset is asked of the leader, found by its hint', async (at, wanted) => {
  const asked: OffsetPosition[] = [];
  const leader = await startBroker();
  leader.script.listOffsets = (request) => {
    asked.push(request.at);
    return { offset: 9, term: 4 };
  };
  const old = await startBroker({ listOffsets: () => Promise.reject(notLeader(leader.address, 4)) });
  old.script.partitionLeader = () => leaderAt(old.address, 3);
  const client = await startClient([old.address]);

  expect(await client.listOffsets(ORDERS, at)).toEqual({ offset: 9, term: 4 });
  expect(asked).toEqual([wanted]);
});

it('of a time the offset and the timestamp of the record found come back; without one only the end', async () => {
  const broker = await startBroker();
  broker.script.partitionLeader = () => leaderAt(broker.address, 1);
  broker.script.listOffsets = ({ timestampMs }) =>
    timestampMs > 100 ? { offset: 9, term: 1 } : { offset: 4, term: 1, timestampMs: 100 };
  const client = await startClient([broker.address]);

  expect(await client.listOffsets(ORDERS, { timestampMs: 99 })).toEqual({
    offset: 4,
    term: 1,
    timestampMs: 100,
  });
  expect(await client.listOffsets(ORDERS, { timestampMs: 101 })).toEqual({ offset: 9, term: 1 });
  await expect(client.listOffsets(ORDERS, { timestampMs: -1 })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
  });
});

it('a linearizable leader look-up is answered by the leader itself, any other by the first broker', async () => {
  const leader = await startBroker();
  leader.script.partitionLeader = ({ linearizable }) => leaderAt(leader.address, linearizable ? 5 : 0);
  const other = await startBroker();
  other.script.partitionLeader = ({ linearizable }) => {
    if (linearizable) throw notLeader(leader.address, 5);
    return leaderAt(other.address, 4);
  };
  const client = await startClient([other.address]);

  expect((await client.partitionLeader(ORDERS)).term).toBe(4);
  expect((await client.partitionLeader(ORDERS, { linearizable: true })).term).toBe(5);
  expect([other.count('partitionLeader'), leader.count('partitionLeader')]).toEqual([2, 1]);
});
