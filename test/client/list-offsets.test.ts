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
