/** What `bellwether up` waits for and says when the members of its cluster have changed. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { removedText, saysNoMember } from '../../src/cli/broker-end.js';
import { clusterStarted, partitionsLed } from '../../src/cli/cluster-start.js';
import { furtherBrokers, type LocalBroker } from '../../src/cli/local-cluster.js';
import { lossText, notices, noneLeft, type UpState } from '../../src/cli/up-report.js';
import { BellwetherError, type ClusterMetadata } from '../../src/client/index.js';
import { startBroker, startClient } from '../client/harness.js';

const REMOVED = {
  how: 'exit code 1',
  said: 'CLUSTER_MISMATCH: most peers refuse broker n1: broker n1 was removed from the cluster; to have it back',
};
const WIPED = {
  how: 'exit code 1',
  said: 'CLUSTER_MISMATCH: most peers refuse broker n1: broker n1 came back with another disk',
};

function local(number: number, isFurther = false): LocalBroker {
  const at = { address: `127.0.0.1:${7000 + number}`, peerAddress: `127.0.0.1:${7100 + number}` };
  return { id: `n${number}`, ...at, args: ['serve', `--id n${number}`], pid: number, isFurther };
}

const [N1, N2, N3, N4] = [local(1), local(2), local(3), local(4, true)];

function brokers(alive: readonly string[], dead: readonly string[] = []): ClusterMetadata['brokers'] {
  const info = (id: string, isAlive: boolean) => ({ id, address: `h${id}:1`, rack: '', alive: isAlive });
  return [...alive.map((id) => info(id, true)), ...dead.map((id) => info(id, false))];
}

const ORDERS = {
  topic: 'orders',
  partitions: [
    { partition: 0, leader: 'n2', term: 1, replicas: ['n2'], inSyncReplicas: ['n2'], offlineReplicas: [] },
    {
      partition: 1,
      leader: undefined,
      term: 0,
      replicas: ['n4', 'n2'],
      inSyncReplicas: [],
      offlineReplicas: ['n4'],
    },
  ],
};

function state(changes: Partial<UpState>): UpState {
  const metadata = { clusterId: 'c', controller: 'n2', brokers: brokers(['n2', 'n3']), topics: [] };
  const cluster = { brokers: [N1, N2, N3], running: [N2, N3], waiting: new Set<string>() };
  return { cluster, metadata, members: [], ends: new Map(), ...changes };
}

describe('the report', () => {
  it('leaves out a broker that was removed, with one plain line', () => {
    expect(notices(state({ ends: new Map([['n1', REMOVED]]) }))).toEqual([
      'n1 was removed from the cluster; its data folder is not used any more.',
    ]);
  });

  it('names members that do not run, with how to start them, and partitions without a leader', () => {
    const metadata = {
      clusterId: 'c',
      controller: 'n2',
      brokers: brokers(['n2', 'n3'], ['n4']),
      topics: [ORDERS],
    };
    const [absent, leaderless] = notices(state({ metadata, members: [{ id: 'n4', peerAddress: 'p4:1' }] }));
    expect(absent).toContain('n4 is a member and does not run: start it with\n');
    expect(absent).toContain(
      'serve --join --id n4 --listen hn4:1 --peer-listen p4:1 --peers n2=127.0.0.1:7102,n3=127.0.0.1:7103 ',
    );
    expect(leaderless).toBe('Warning: partitions without a leader: orders/1');
  });

  it('says of a further broker why it does not run, that it runs already, or that it is to be added', () => {
    const taken = { how: 'exit code 1', said: 'ADDRESS_UNAVAILABLE: in use' };
    const cluster = { brokers: [N2, N3, N4], running: [N2, N3], waiting: new Set<string>() };
    const ends = new Map([['n4', taken]]);
    const seen = (alive: string[], dead: string[]) =>
      notices(
        state({ cluster, ends, metadata: { ...state({}).metadata, brokers: brokers(alive, dead) } }),
      ).join();
    expect(seen(['n2', 'n3'], ['n4'])).toContain(`does not run (${taken.said})`);
    expect(seen(['n2', 'n3', 'n4'], [])).toBe('n4 runs already, started by somebody else.');
    expect(seen(['n2', 'n3'], [])).toBe(`n4 is no member and was not started: ${taken.said}`);
    const waiting = { brokers: [N2, N3, N4], running: [N2, N3, N4], waiting: new Set(['n4']) };
    expect(notices(state({ cluster: waiting })).join()).toContain('broker add n4=127.0.0.1:7104');
  });

  it('gives no advice to start a removed broker again, and claims nothing of a quorum', () => {
    expect(lossText(N1, REMOVED, [N2, N3])).toBe('n1 was removed from the cluster and has ended.');
    const killed = lossText(N1, { how: 'SIGKILL', said: undefined }, [N2]);
    expect(killed).toContain('Broker n1 ended (SIGKILL); still running of those started here: n2.');
    expect(killed).toContain('serve --id n1');
    expect(killed).not.toContain('quorum');
  });

  it('speaks at the end of the brokers that it started, not of the cluster, which may run on', () => {
    expect(noneLeft().message).toBe('none of the brokers that this command started is left');
  });

  it('tells a broker that was removed from one that lost its disk', () => {
    const error = new BellwetherError('CLUSTER_MISMATCH', REMOVED.said.slice('CLUSTER_MISMATCH: '.length), {
      metadata: { refusal: 'REMOVED' },
    });
    const inOrder = { how: 'exit code 0', said: removedText(error) };
    expect(inOrder.said).toBe('broker n1 was removed from the cluster; to have it back');
    expect([REMOVED, inOrder, WIPED].map(saysNoMember)).toEqual([true, true, false]);
    expect(removedText(new BellwetherError('CLUSTER_MISMATCH', WIPED.said))).toBeUndefined();
  });
});

describe('the start', () => {
  const wire = (metadata: ClusterMetadata) => ({
    ...metadata,
    controller: metadata.controller ?? '',
    brokers: [...metadata.brokers],
    topics: metadata.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((each) => ({
        ...each,
        leader: each.leader ?? '',
        replicas: [...each.replicas],
        inSyncReplicas: [...each.inSyncReplicas],
        offlineReplicas: [...each.offlineReplicas],
      })),
    })),
  });
  const starting = (address: string, ids: readonly string[], timeoutMs: number) => ({
    members: () => ids.map((id) => ({ id, address })),
    aborted: new AbortController().signal,
    timeoutMs,
  });

  it('waits for no member that was not started here', async () => {
    const metadata = { ...state({}).metadata, brokers: brokers(['n2', 'n3'], ['n4']) };
    const { address } = await startBroker({ metadata: () => wire(metadata) });
    const found = await clusterStarted(starting(address, ['n2', 'n3'], 60_000));
    expect(found.controller).toBe('n2');
  });

  it('counts as started when its metadata is led, though one of ours is not heard in time', async () => {
    const { address } = await startBroker({ metadata: () => wire(state({}).metadata) });
    expect((await clusterStarted(starting(address, ['n2', 'n9'], 0))).controller).toBe('n2');
  });

  it('fails when nobody leads its metadata, and names the members that are missing', async () => {
    const metadata = { ...state({}).metadata, controller: undefined, brokers: brokers(['n2'], ['n3', 'n4']) };
    const { address } = await startBroker({ metadata: () => wire(metadata) });
    await expect(clusterStarted(starting(address, ['n2'], 0))).rejects.toMatchObject({
      reason: 'NO_LEADER',
      message: expect.stringContaining('n3, n4'),
    });
  });

  it('waits for no partition of which too few replicas run', async () => {
    const metadata = { ...state({}).metadata, topics: [ORDERS] };
    const { address } = await startBroker({ metadata: () => wire(metadata) });
    const client = await startClient([address]);
    const found = await partitionsLed(client, starting(address, [], 60_000), state({}).metadata);
    expect(found.topics).toEqual([ORDERS]);
  });

  it('finds used folders of further brokers, and nothing else', async () => {
    const data = await mkdtemp(join(tmpdir(), 'bellwether-up-'));
    try {
      for (const name of ['n1', 'n4', 'n12', 'n101', 'n05', 'x5']) {
        await mkdir(join(data, name));
        await writeFile(join(data, name, 'broker.json'), '{}');
      }
      await mkdir(join(data, 'n5'));
      expect(await furtherBrokers(data, 3, 100)).toEqual([4, 12]);
      expect(await furtherBrokers(join(data, 'none'), 3, 100)).toEqual([]);
    } finally {
      await rm(data, { recursive: true });
    }
  });
});
