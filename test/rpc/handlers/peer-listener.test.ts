import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  AppendEntriesRequest,
  type AppendEntriesResponse,
  HeartbeatRequest,
  type HeartbeatResponse,
  RaftServiceClient,
  RaftServiceService,
  type RequestVoteResponse,
  type Sender,
  type SubmitResponse,
} from '../../../gen/bellwether/raft/v1/raft_service.js';
import { CLUSTER_GROUP } from '../../../src/broker/cluster-host.js';
import { encodeCommand } from '../../../src/cluster/commands.js';
import type { BellwetherError } from '../../../src/errors.js';
import { PeerStream } from '../../../src/rpc/peer-stream.js';
import { bindBroker, type BoundBroker, type RunningBroker } from '../../../src/rpc/start-broker.js';
import { fromServiceError } from '../../../src/wire/status.js';
import { BROKERS, failure, unary } from './wire.js';

let folder: string;
let bound: BoundBroker[];
let running: RunningBroker[];
const defects: string[] = [];
const clients: Client[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bellwether-peers-'));
  bound = await Promise.all(
    BROKERS.map((id) =>
      bindBroker({
        config: {
          id,
          cluster: 'test',
          listen: '127.0.0.1:0',
          peerListen: '127.0.0.1:0',
          advertise: undefined,
          data: join(folder, id),
          rack: '',
        },
        // n4 is configured, but never there.
        bootstrap: [...BROKERS, 'n4'],
        log: (level, message, facts) => {
          if (level === 'error') defects.push(`${message} ${JSON.stringify(facts)}`);
        },
        onFatal: (error) => defects.push(error.message),
        journalPreallocateBytes: 65_536,
      }),
    ),
  );
  const addresses = new Map(bound.map(({ id, peerAddress }) => [id, peerAddress]));
  running = bound.map((broker) => broker.start(addresses));
  await Promise.all(running.map(({ ready }) => ready));
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

afterAll(async () => {
  await Promise.all(bound.map((broker) => broker.close()));
  await rm(folder, { recursive: true, force: true });
  expect(defects).toEqual([]);
});

function raftClient(address: string): RaftServiceClient {
  const client = new RaftServiceClient(address, credentials.createInsecure());
  clients.push(client);
  return client;
}

/** The peer listener of n1. */
function listener(): RaftServiceClient {
  return raftClient(bound[0]?.peerAddress ?? '');
}

/** How n2 introduces itself to n1, but for `changes`. */
function introduction(changes: Partial<Sender> = {}): Sender {
  const { state } = running[0]!.broker.cluster;
  return {
    clusterId: state.clusterId,
    brokerId: 'n2',
    incarnation: state.brokers.get('n2')?.incarnation ?? '',
    recipientId: 'n1',
    peerAddress: '127.0.0.1:1',
    metadataIndex: 0,
    ...changes,
  };
}

const strangers: [string, Partial<Sender> | (() => Partial<Sender>)][] = [
  ['means another broker', { recipientId: 'n3' }],
  ['is not one of the brokers', { brokerId: 'n9' }],
  ['is of another cluster', { clusterId: '00000000-0000-4000-8000-000000000000' }],
  ['came back with another disk', { incarnation: '00000000-0000-4000-8000-000000000000' }],
  [
    'says that it is the very broker that it calls',
    () => ({
      brokerId: 'n1',
      incarnation: running[0]?.broker.options.incarnation ?? '',
    }),
  ],
];

/** Would be granted by any broker that listened to it. */
const VOTE = {
  groupId: 0,
  term: 900,
  lastLogIndex: 1_000_000,
  lastLogTerm: 899,
  preVote: false,
  leadershipTransfer: true,
  commitIndex: 0,
  commitTerm: 0,
};

/** The error that ends a stream whose first message is `first`. */
function streamError<Req>(stream: ClientDuplexStream<Req, unknown>, first: Req): Promise<BellwetherError> {
  return new Promise((resolve, reject) => {
    stream.on('error', (error: Error) => {
      resolve(fromServiceError(error));
    });
    stream.on('data', () => {
      stream.cancel();
      reject(new Error('it was admitted'));
    });
    stream.write(first);
  });
}

describe('the peer listener', () => {
  describe.each(strangers)('refuses a peer that %s', (_what, changes) => {
    it('with CLUSTER_MISMATCH, on every call', async () => {
      const client = listener();
      const sender = introduction(typeof changes === 'function' ? changes() : changes);
      const group = { groupId: 0, term: 1_000 };
      const calls = [
        unary((done) => client.requestVote({ sender, votes: [VOTE] }, done)),
        unary((done) => client.timeoutNow({ sender, groups: [{ ...group, cause: 4, blockedUs: 0 }] }, done)),
        unary((done) =>
          client.transferLeadership({ sender, ...group, target: undefined, maxBlockMs: 1 }, done),
        ),
        unary((done) => client.submit({ sender, groupId: 0, kind: 3, payload: new Uint8Array(0) }, done)),
        unary((done) => client.readOffsets({ sender, consumerGroup: 'g', groupIds: [] }, done)),
      ];
      const errors = [
        ...calls.map(failure),
        streamError(client.appendEntries(), AppendEntriesRequest.create({ sender })),
        streamError(client.heartbeat(), HeartbeatRequest.create({ sender })),
      ];
      const reasons = (await Promise.all(errors)).map(({ reason }) => reason);
      expect(reasons).toEqual(Array.from({ length: 7 }, () => 'CLUSTER_MISMATCH'));
      // Nothing of it has reached a group (I21).
      expect(running[0]?.broker.group(CLUSTER_GROUP)?.raft.term).toBeLessThan(VOTE.term);
    });
  });

  it('refuses a peer that does not introduce itself, and one that asks for an unknown kind', async () => {
    const client = listener();
    const errors = await Promise.all([
      failure(unary((done) => client.requestVote({ sender: undefined, votes: [] }, done))),
      streamError(client.heartbeat(), HeartbeatRequest.create({})),
      streamError(client.appendEntries(), AppendEntriesRequest.create({})),
      failure(
        unary((done) =>
          client.submit({ sender: introduction(), groupId: 0, kind: 77, payload: new Uint8Array(0) }, done),
        ),
      ),
    ]);
    expect(errors.map(({ reason, metadata }) => [reason, metadata['field']])).toEqual([
      ['INVALID_REQUEST', 'sender'],
      ['INVALID_REQUEST', 'sender'],
      ['INVALID_REQUEST', 'sender'],
      ['INVALID_REQUEST', 'kind'],
    ]);
  });

  it('refuses a submission that no state machine could apply, before it is in any log', async () => {
    const client = listener();
    const commands = ['', '{"version":1}', '{"version":1,"command":{"kind":"createTopic","topic":"x"}}'];
    for (const [groupId, kind, text] of [
      ...commands.map((command) => [0, 3, command] as const),
      [0, 2, ''] as const,
      [1, 2, 'damaged'] as const,
      [1, 1, 'a batch'] as const,
    ]) {
      const payload = new TextEncoder().encode(text);
      const request = { sender: introduction(), groupId, kind, payload };
      const error = await failure(unary<SubmitResponse>((done) => client.submit(request, done)));
      expect([text, error.reason, error.metadata['field']]).toEqual([text, 'INVALID_REQUEST', 'payload']);
    }
  });

  it('admits a peer that does not know the name of the cluster yet, and answers it', async () => {
    const client = listener();
    const sender = introduction({ clusterId: '' });
    const answer = await unary<RequestVoteResponse>((done) =>
      client.requestVote({ sender, votes: [] }, done),
    );
    expect(answer.votes).toEqual([]);
  });

  it('introduces itself with the first heartbeat that it answers', async () => {
    const stream = listener().heartbeat();
    stream.on('error', () => undefined);
    const answer = await new Promise<HeartbeatResponse>((resolve) => {
      stream.once('data', resolve);
      stream.write(HeartbeatRequest.create({ sender: introduction({}) }));
    });
    stream.cancel();
    expect(answer.sender).toMatchObject({ brokerId: 'n1', recipientId: 'n2' });
    expect(answer.sender?.clusterId).toBe(introduction().clusterId);
  });

  it('confirms the heartbeats of a peer that it reaches too, and of no other (B26)', async () => {
    const confirmed = async (brokerId: string): Promise<number> => {
      const stream = listener().heartbeat();
      stream.on('error', () => undefined);
      const incarnation = running[0]?.broker.cluster.state.brokers.get(brokerId)?.incarnation ?? 'new';
      stream.write(HeartbeatRequest.create({ sender: introduction({ brokerId, incarnation }), sequence: 0 }));
      stream.write(HeartbeatRequest.create({ sequence: 17 }));
      const answers: HeartbeatResponse[] = [];
      await new Promise<void>((resolve) => {
        stream.on('data', (answer: HeartbeatResponse) => {
          if (answers.push(answer) === 2) resolve();
        });
      });
      stream.cancel();
      return answers[1]!.confirmedSequence;
    };
    expect([await confirmed('n2'), await confirmed('n4')]).toEqual([17, 0]);
  });

  it('passes on who leads a group that it is asked to change but does not lead', async () => {
    const follower = running.find(({ broker }) => broker.group(CLUSTER_GROUP)?.raft.role !== 'leader')!;
    const peerAddress = bound.find(({ id }) => id === follower.id)?.peerAddress ?? '';
    const other = BROKERS.find((id) => id !== follower.id) ?? '';
    const { state } = follower.broker.cluster;
    const sender = introduction({
      brokerId: other,
      incarnation: state.brokers.get(other)?.incarnation ?? '',
      recipientId: follower.id,
    });
    const payload = encodeCommand({ kind: 'deleteTopic', topic: 'none' });
    const request = { sender, groupId: 0, kind: 3, payload };
    const client = raftClient(peerAddress);
    const error = await failure(unary<SubmitResponse>((done) => client.submit(request, done)));
    expect([error.reason, error.outcome]).toEqual(['NOT_LEADER', 'NOT_APPLIED']);
  });
});

describe('the client listener', () => {
  it('serves none of the methods between brokers', async () => {
    const client = new Client(bound[0]?.address ?? '', credentials.createInsecure());
    clients.push(client);
    for (const { path, requestStream } of Object.values(RaftServiceService)) {
      const bytes = (value: Buffer): Buffer => value;
      const code = await new Promise((resolve) => {
        const onError = (error: { readonly code?: unknown } | null): void => resolve(error?.code);
        if (requestStream) client.makeBidiStreamRequest(path, bytes, bytes).on('error', onError).end();
        else client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), onError);
      });
      expect([path, code]).toEqual([path, GRPC_UNIMPLEMENTED]);
    }
  });
});

/** Not in the error table: no broker says so of itself. */
const GRPC_UNIMPLEMENTED = 12;

describe('PeerStream', () => {
  it('ends a stream whose messages make no sense, and lets the process live', async () => {
    const opened: unknown[] = [];
    const closed = new Promise<BellwetherError | undefined>((resolve) => {
      const stream: PeerStream<AppendEntriesRequest, AppendEntriesResponse> = new PeerStream({
        addresses: [bound[0]?.peerAddress ?? ''],
        channelOptions: {},
        bufferBytesMax: 1_000,
        open: (client) => client.appendEntries(),
        hello: () => AppendEntriesRequest.create({ sender: introduction() }),
        admits: () => true,
        onOpened: (first) => {
          opened.push(first);
          throw new Error('it makes no sense');
        },
        onMessage: () => undefined,
        onClosed: (error) => {
          stream.close();
          resolve(error);
        },
        onRefused: (error) => {
          stream.close();
          resolve(error);
        },
      });
      stream.start();
    });
    expect((await closed)?.reason).toBe('INTERNAL');
    expect(opened).toHaveLength(1);
  });
});
