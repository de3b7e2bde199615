/** Commands about brokers and replicas, against a fake broker that moves on a little with each look at it. */
import { describe, expect, it } from 'vitest';
import { BrokerStatus, MemberRole } from '../../gen/bellwether/v1/admin_service.js';
import { EXIT_CODE } from '../../src/cli/main.js';
import type { Script } from '../client/fake-broker.js';
import { fail, leaderAt, startBroker } from '../client/harness.js';
import { run } from './run.js';
import type { Surroundings } from './run.js';

function described(id: string, status: BrokerStatus, replicaCount = 0, incarnation = 'disk') {
  const address = `${id}:1`;
  const common = { rack: '', alive: true, controller: id === 'n1', leaderCount: 0 };
  return { id, address, peerAddress: `${id}:2`, status, replicaCount, incarnation, ...common };
}

/** Answers with the first, the second, ... and then always with the last. */
function inTurn<T>(...answers: readonly [T, ...T[]]): () => T {
  let asked = 0;
  return () => {
    const answer = answers[Math.min(asked, answers.length - 1)] ?? answers[0];
    asked += 1;
    return answer;
  };
}

async function cli(script: Script, args: readonly string[], surroundings?: Surroundings) {
  const broker = await startBroker(script);
  const result = await run([...args, '--bootstrap', broker.address], surroundings);
  return { ...result, broker };
}

const { ACTIVE, JOINING, REPLACING, REMOVING } = BrokerStatus;

describe('broker list', () => {
  it('prints lines for programs, and the documented JSON', async () => {
    const script = { listBrokers: () => ({ brokers: [described('n1', ACTIVE, 3, '')] }) };
    expect((await cli(script, ['broker', 'list'])).stdout).toBe(
      'n1\tACTIVE\tn1:1\tn1:2\t\ttrue\ttrue\t0\t3\t\\N\n',
    );
    expect(JSON.parse((await cli(script, ['broker', 'list', '--output', 'json'])).stdout)).toEqual({
      brokers: [
        {
          broker: 'n1',
          status: 'ACTIVE',
          address: 'n1:1',
          peer_address: 'n1:2',
          rack: '',
          alive: true,
          controller: true,
          leader_count: 0,
          replica_count: 3,
          incarnation: null,
        },
      ],
    });
  });
});

describe('broker add', () => {
  it('waits until the broker has joined, though a broker that answers may not know it yet', async () => {
    const listBrokers = inTurn(
      { brokers: [] },
      { brokers: [described('n4', JOINING)] },
      { brokers: [described('n4', ACTIVE)] },
    );
    const { exitCode, stdout, stderr } = await cli({ addBroker: () => ({}), listBrokers }, [
      'broker',
      'add',
      'n4=h:2',
    ]);
    expect([exitCode, stdout]).toEqual([EXIT_CODE.done, 'n4\th:2\tACTIVE\n']);
    expect(stderr).toBe('n4 is admitted; waiting for it to be started\nn4 is ACTIVE\n');
  });
});

describe('broker remove', () => {
  const listBrokers = () =>
    inTurn(
      { brokers: [described('n3', ACTIVE, 3)] },
      { brokers: [described('n3', REMOVING, 2)] },
      { brokers: [described('n3', REMOVING, 0)] },
      { brokers: [] },
    );

  it('counts the partitions that it has moved', async () => {
    const script = { removeBroker: () => ({}), listBrokers: listBrokers() };
    const { stdout, stderr } = await cli(script, ['broker', 'remove', 'n3', '--output', 'json']);
    expect(stderr.split('\n')).toEqual([
      'moved 1/3 partitions off n3',
      'moved 3/3 partitions off n3; waiting for it to leave the group of the cluster metadata',
      'moved 3/3 partitions off n3; it is gone',
      '',
    ]);
    expect(stdout).toBe('{"broker":"n3","removed":true,"partitions_moved":3,"partitions":3}\n');
  });

  it('with --no-wait only says that it is decided', async () => {
    const script = { removeBroker: () => ({}), listBrokers: listBrokers() };
    const { stdout, stderr } = await cli(script, ['broker', 'remove', 'n3', '--no-wait']);
    expect([stdout, stderr]).toEqual(['n3\tfalse\t0\t3\n', '']);
  });

  it('after its time exits with 1 and says that it goes on', async () => {
    const script = {
      removeBroker: () => ({}),
      listBrokers: () => ({ brokers: [described('n3', ACTIVE, 3)] }),
    };
    const args = ['broker', 'remove', 'n3', '--timeout', '1'];
    const { exitCode, stdout, stderr } = await cli(script, args);
    expect([exitCode, stdout]).toEqual([EXIT_CODE.failed, '']);
    expect(stderr).toContain('not done after 1 s: moved 0/3 partitions off n3');
    expect(stderr).toContain('It goes on in the background; "bellwether broker list" shows how far it is.');
  });

  it('refuses a broker that is not there before it changes anything', async () => {
    const script = { listBrokers: () => ({ brokers: [] }) };
    const { exitCode, stderr, broker } = await cli(script, ['broker', 'remove', 'n9']);
    expect([exitCode, broker.count('removeBroker')]).toEqual([EXIT_CODE.failed, 0]);
    expect(stderr).toContain('BROKER_NOT_FOUND');
  });
});

describe('broker replace', () => {
  it('waits until the lost disk is out of all groups, and says what to do then', async () => {
    const reassignment = { topic: 't', replicas: ['n1', 'n3'], target: [], learners: [] };
    const in3 = (voters: string[]) => [0, 1].map((partition) => ({ ...reassignment, partition, voters }));
    const { stdout, stderr } = await cli(
      {
        replaceBroker: () => ({}),
        listBrokers: inTurn(
          { brokers: [described('n3', ACTIVE, 2)] },
          { brokers: [described('n3', REPLACING, 2)] },
          { brokers: [described('n3', JOINING, 2, '')] },
        ),
        listReassignments: inTurn({ reassignments: in3(['n1', 'n3']) }, { reassignments: in3(['n1']) }),
      },
      ['broker', 'replace', 'n3'],
    );
    expect(stderr.split('\n')).toEqual([
      'took n3 out of 0/2 partitions',
      'took n3 out of 2/2 partitions; start it with an empty data folder',
      '',
    ]);
    expect(stdout).toBe('n3\tJOINING\t0\t2\n');
  });
});

describe('topic reassign', () => {
  const partition = { partition: 0, leader: 'n1', term: 1, inSyncReplicas: [], offlineReplicas: [] };
  const topicOn = (...replicas: string[]) => ({
    topic: { topic: 't', partitions: [{ ...partition, replicas }] },
    config: [],
  });
  const moving = {
    topic: 't',
    partition: 0,
    replicas: ['n1'],
    target: ['n2'],
    voters: ['n1'],
    learners: ['n2'],
  };

  it('shows who votes, who learns and how far behind, until the replicas are those asked for', async () => {
    const asked: string[][] = [];
    const script: Script = {
      reassignPartition: ({ replicas }) => {
        asked.push(replicas);
        return {};
      },
      listReassignments: inTurn({ reassignments: [] }, { reassignments: [moving] }, { reassignments: [] }),
      describeTopic: inTurn(topicOn('n1'), topicOn('n1'), topicOn('n2')),
      describeReplication: () => ({
        term: 1,
        members: [{ broker: 'n2', role: MemberRole.LEARNER, matchIndex: 1, lagEntries: 12, alive: true }],
      }),
    };
    const broker = await startBroker(script);
    broker.script.partitionLeader = () => leaderAt(broker.address, 1);
    const args = ['topic', 'reassign', 't', '0', '--replicas', 'n2', '--bootstrap', broker.address];
    const { stdout, stderr } = await run(args);
    expect(asked).toEqual([['n2']]);
    expect(stderr.split('\n')).toEqual([
      't/0 is about to move',
      't/0 moves to n2: voters n1, learners n2 (12 entries behind)',
      't/0 is on n2',
      '',
    ]);
    expect(stdout).toBe('t\t0\tn2\tfalse\n');
  });

  it('--cancel waits until they are back', async () => {
    const back = { ...moving, target: ['n1'], learners: [] };
    const { stdout, broker } = await cli(
      {
        cancelReassignment: () => ({}),
        listReassignments: inTurn({ reassignments: [back] }, { reassignments: [] }),
        describeTopic: () => topicOn('n1'),
      },
      ['topic', 'reassign', 't', '0', '--cancel', '--output', 'json'],
    );
    expect(stdout).toBe('{"topic":"t","partition":0,"replicas":["n1"],"moving":false}\n');
    expect(broker.count('cancelReassignment')).toBe(1);
  });
});

describe('topic delete-records', () => {
  it('prints where the log begins now', async () => {
    const broker = await startBroker({
      deleteRecords: ({ beforeOffset }) => (beforeOffset === -1 ? { logStartOffset: 9 } : fail('INTERNAL')),
    });
    broker.script.partitionLeader = () => leaderAt(broker.address, 1);
    const args = ['topic', 'delete-records', 't', '0', '--before', 'latest', '--bootstrap', broker.address];
    expect((await run(args)).stdout).toBe('t\t0\t9\n');
  });
});

it.each([
  [['broker', 'add', 'n4'], 'ID=HOST:PORT'],
  [['broker', 'add', 'n4=h'], 'ID=HOST:PORT'],
  [['broker', 'remove', 'n4', '--timeout', '0'], '--timeout'],
  [['topic', 'reassign', 't', '0'], '--replicas'],
  [['topic', 'reassign', 't', '0', '--replicas', 'n1,n1'], '--replicas'],
  [['topic', 'reassign', 't', '0', '--replicas', 'n1', '--cancel'], '--cancel'],
  [['topic', 'delete-records', 't', '0'], '--before'],
  [['topic', 'delete-records', 't', '0', '--before', '-1'], '--before'],
])('a usage error exits with 2 and names what is wrong: %j', async (args, named) => {
  const { exitCode, stdout, stderr } = await run(args);
  expect([exitCode, stdout]).toEqual([EXIT_CODE.usage, '']);
  expect(stderr).toContain(named);
});
