/** The SDK's calls about brokers and replicas, with real gRPC between client and brokers. */
import { describe, expect, it } from 'vitest';
import { BrokerStatus, MemberRole } from '../../gen/bellwether/v1/admin_service.js';
import { fail, leaderAt, notLeader, ORDERS, rejection, startBroker, startClient } from './harness.js';

const N1 = {
  id: 'n1',
  address: 'h:1',
  peerAddress: 'h:2',
  rack: 'a',
  status: BrokerStatus.ACTIVE,
  alive: true,
  controller: true,
  leaderCount: 2,
  replicaCount: 3,
  incarnation: 'i',
};

it('brokers come with their status; one that this version does not know is UNKNOWN', async () => {
  const statuses = [BrokerStatus.JOINING, BrokerStatus.REPLACING, BrokerStatus.REMOVING, 99 as BrokerStatus];
  const others = statuses.map((status) => ({ ...N1, status, incarnation: '' }));
  const broker = await startBroker({ listBrokers: () => ({ brokers: [N1, ...others] }) });
  const client = await startClient([broker.address]);
  const [first, ...rest] = await client.admin.listBrokers();
  expect(first).toEqual({ ...N1, status: 'ACTIVE' });
  expect(rest.map(({ status, incarnation }) => [status, incarnation])).toEqual([
    ['JOINING', undefined],
    ['REPLACING', undefined],
    ['REMOVING', undefined],
    ['UNKNOWN', undefined],
  ]);
});

it('reassignments come with their target, or without', async () => {
  const moving = { ...ORDERS, replicas: ['n1'], target: ['n2'], voters: ['n1'], learners: ['n2'] };
  const reassignments = [moving, { ...moving, partition: 1, target: [] }];
  const broker = await startBroker({ listReassignments: () => ({ reassignments }) });
  const client = await startClient([broker.address]);
  expect(await client.admin.listReassignments()).toEqual([
    moving,
    { ...moving, partition: 1, target: undefined },
  ]);
});

describe('a change of unknown outcome', () => {
  it.each([
    ['addBroker', (client) => client.admin.addBroker('n4', 'h:2')],
    ['removeBroker', (client) => client.admin.removeBroker('n4')],
    ['replaceBroker', (client) => client.admin.replaceBroker('n4')],
    ['reassignPartition', (client) => client.admin.reassignPartition(ORDERS, ['n4'])],
  ] as [Change, Call][])('%s is sent again: it says what should be', async (method, call) => {
    const broker = await startBroker();
    broker.script[method] = () => (broker.count(method) === 1 ? fail('COMMIT_TIMEOUT') : {});
    await call(await startClient([broker.address]));
    expect(broker.count(method)).toBe(2);
  });

  it('cancelReassignment is not: it could end a later reassignment', async () => {
    const broker = await startBroker({ cancelReassignment: () => fail('COMMIT_TIMEOUT') });
    const client = await startClient([broker.address]);
    expect((await rejection(client.admin.cancelReassignment(ORDERS))).reason).toBe('COMMIT_TIMEOUT');
    expect(broker.count('cancelReassignment')).toBe(1);
  });
});

type Change = 'addBroker' | 'removeBroker' | 'replaceBroker' | 'reassignPartition';
type Call = (client: Awaited<ReturnType<typeof startClient>>) => Promise<void>;

it('replication and deletions are asked of the leader, found by its hint', async () => {
  const offsets: number[] = [];
  const member = { broker: 'n1', matchIndex: 9, lagEntries: 0, alive: true };
  const leader = await startBroker({
    describeReplication: () => ({ term: 4, members: [{ ...member, role: MemberRole.LEADER }] }),
    deleteRecords: ({ beforeOffset }) => {
      offsets.push(beforeOffset);
      return { logStartOffset: 7 };
    },
  });
  const old = await startBroker({ describeReplication: () => Promise.reject(notLeader(leader.address, 4)) });
  old.script.partitionLeader = () => leaderAt(old.address, 3);
  const client = await startClient([old.address]);
  const members = [{ ...member, role: 'LEADER' }];
  expect(await client.admin.describeReplication(ORDERS)).toEqual({ term: 4, members });
  expect(await client.admin.deleteRecords(ORDERS, 7)).toEqual({ logStartOffset: 7 });
  await client.admin.deleteRecords(ORDERS, 'latest');
  expect(offsets).toEqual([7, -1]);
});

it.each([-1, 0.5, Number.NaN])('deleteRecords never takes the number %d for "all"', async (offset) => {
  const broker = await startBroker();
  const client = await startClient([broker.address]);
  expect((await rejection(client.admin.deleteRecords(ORDERS, offset))).reason).toBe('INVALID_REQUEST');
  expect(broker.count('deleteRecords')).toBe(0);
});
