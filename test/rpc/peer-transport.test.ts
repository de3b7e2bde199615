import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RaftServiceService, type RaftServiceServer } from '../../gen/bellwether/raft/v1/raft_service.js';
import type { InGroup, PeerEvents, PeerIdentity } from '../../src/broker/peer-port.js';
import { BellwetherError } from '../../src/errors.js';
import type { VoteReply } from '../../src/raft/messages.js';
import { asGroupId } from '../../src/raft/types.js';
import { createGrpcServer, type GrpcServer } from '../../src/rpc/grpc-server.js';
import { PeerService } from '../../src/rpc/peer-service.js';
import { GrpcPeerTransport } from '../../src/rpc/peer-transport.js';
import { serverOptions } from '../../src/wire/channel-options.js';
import { append, voteRequest } from '../raft/make.js';

const GROUP = asGroupId(1);

/** One end of the network between brokers, with a broker that only keeps what it is told. */
class End implements PeerEvents {
  readonly id: string;
  incarnation = 'disk';
  readonly told: string[] = [];
  readonly transport = new GrpcPeerTransport();
  readonly service: PeerService;
  address = '';
  /** Why peers are refused; undefined to admit them. */
  refusal: BellwetherError | undefined;
  /** Resolves when more appends may come; undefined for now. */
  busy: Promise<void> | undefined;
  /** Incarnation of a disk that was replaced. */
  replaced = '';
  onVotes: () => Promise<readonly InGroup<VoteReply>[]> = () => Promise.resolve([]);
  #server: GrpcServer | undefined;

  constructor(id: string) {
    this.id = id;
    this.service = new PeerService({
      events: this,
      onDefect: (error) => this.told.push(`defect ${String(error)}`),
      onHeard: (peer) => this.transport.heard(peer),
    });
  }

  async listen(): Promise<this> {
    const server = createGrpcServer({
      channelOptions: serverOptions('peer'),
      onWarning: (text) => this.told.push(text),
    });
    server.addService<RaftServiceServer>(RaftServiceService, this.service.handlers);
    server.onClose(() => {
      this.transport.close();
      this.service.close();
    });
    this.#server = server;
    this.address = `127.0.0.1:${String(await server.bind('127.0.0.1:0'))}`;
    this.transport.start(this, this.service);
    return this;
  }

  async close(): Promise<void> {
    await this.#server?.close(100);
  }

  get identity(): PeerIdentity {
    const { id, address } = this;
    return {
      clusterId: 'c',
      broker: id,
      incarnation: this.incarnation,
      peerAddress: address,
      metadataIndex: 0,
    };
  }

  admit({ incarnation }: PeerIdentity): void {
    if (this.refusal !== undefined) throw this.refusal;
    if (incarnation === this.replaced) throw new BellwetherError('CLUSTER_MISMATCH', 'another disk');
  }

  reaches = () => true;
  dataStreamOpened = (peer: string) => void this.told.push(`data to ${peer}`);
  dataStreamClosed = (peer: string) => void this.told.push(`no data to ${peer}`);
  heartbeatStreamOpened = (peer: string) => void this.told.push(`beats to ${peer}`);
  heartbeatStreamClosed = (peer: string) => void this.told.push(`no beats to ${peer}`);
  heartbeatConfirmed = () => undefined;
  refusedByPeer = (peer: string, { message }: Error) => void this.told.push(`refused by ${peer}: ${message}`);
  appendsReceived = (from: string, appends: readonly unknown[]) => {
    if (appends.length > 0) this.told.push(`append from ${from}`);
  };
  caughtUp = (): Promise<void> | undefined => this.busy;
  appendRepliesReceived = () => undefined;
  votesRequested = () => this.onVotes();
  campaignsOrdered = () => undefined;
  transferRequested = () => undefined;
  submitRequested = () => Promise.reject(new Error('not asked for'));
  offsetsRequested = () => Promise.resolve([]);
}

const ends: End[] = [];

async function end(id: string): Promise<End> {
  const made = new End(id);
  ends.push(made);
  return made.listen();
}

afterEach(async () => {
  await Promise.all(ends.splice(0).map((each) => each.close()));
});

/** An address where nobody listens. */
async function deadAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${String(port)}`;
}

function opened(at: End, peer: string): Promise<unknown> {
  return expect.poll(() => at.told).toEqual(expect.arrayContaining([`data to ${peer}`, `beats to ${peer}`]));
}

describe('a peer with several addresses', () => {
  it.each(['first', 'last'])('is reached when nobody listens at the %s of them', async (which) => {
    const [a, b] = [await end('a'), await end('b')];
    const dead = await deadAddress();
    a.transport.connect('b', which === 'first' ? [dead, b.address] : [b.address, dead]);
    await opened(a, 'b');
  });

  it('is reached when another broker has taken the place of the first, which is no word of the peer', async () => {
    const [a, b, c] = [await end('a'), await end('b'), await end('c')];
    a.transport.connect('b', [c.address, b.address]);
    await opened(a, 'b');
    expect(a.told.filter((each) => each.startsWith('refused'))).toEqual([]);
  });

  it('is reached when an earlier disk of it still answers at the first of them (I21)', async () => {
    const [a, old, b] = [await end('a'), await end('b'), await end('b')];
    old.incarnation = 'old disk';
    a.replaced = 'old disk';
    a.transport.connect('b', [old.address, b.address]);
    await opened(a, 'b');
    a.transport.sendAppends('b', [{ group: GROUP, message: append({ term: 1 }) }], []);
    await expect.poll(() => b.told).toContain('append from a');
    expect(old.told).not.toContain('append from a');
  });

  it('is reached at an address that was learned later', async () => {
    const [a, b] = [await end('a'), await end('b')];
    const dead = await deadAddress();
    a.transport.connect('b', [dead]);
    a.transport.connect('b', [dead, b.address]);
    await opened(a, 'b');
    a.transport.connect('b', [dead]);
    a.transport.sendAppends('b', [{ group: GROUP, message: append({ term: 1 }) }], []);
    await expect.poll(() => b.told).toContain('append from a');
  });
});

describe('a peer that is disconnected', () => {
  it('loses the streams that it has opened too, and is refused when it comes back', async () => {
    const [a, b] = [await end('a'), await end('b')];
    a.transport.connect('b', [b.address]);
    b.transport.connect('a', [a.address]);
    await Promise.all([opened(a, 'b'), opened(b, 'a')]);
    a.refusal = new BellwetherError('CLUSTER_MISMATCH', 'broker b was removed from the cluster');
    a.transport.disconnect('b');
    await expect
      .poll(() => b.told)
      .toEqual(
        expect.arrayContaining(['no data to a', 'no beats to a', `refused by a: ${a.refusal.message}`]),
      );
    expect(a.told.filter((each) => each.startsWith('no '))).toEqual([]);
  });

  it('is heard no more, whatever is on the way on its stream (I21)', async () => {
    const [a, b] = [await end('a'), await end('b')];
    b.transport.connect('a', [a.address]);
    await opened(b, 'a');
    const message = { group: GROUP, message: append({ term: 1 }) };
    b.transport.sendAppends('a', [message], []);
    a.transport.disconnect('b');
    await expect.poll(() => b.told.filter((each) => each === 'data to a').length).toBe(2);
    expect(a.told).not.toContain('append from b');
    b.transport.sendAppends('a', [message], []);
    await expect.poll(() => a.told).toContain('append from b');
  });

  it('gives no votes any more, asked before or after (I21)', async () => {
    const [a, b] = [await end('a'), await end('b')];
    a.transport.connect('b', [b.address]);
    await opened(a, 'b');
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      b.onVotes = () => {
        resolve();
        return new Promise((done) => (answer = () => done([])));
      };
    });
    const request = { group: GROUP, message: voteRequest({ from: 'a', to: 'b', term: 1, last: [0, 0] }) };
    const votes = a.transport.requestVotes('b', [request]);
    const outcome = expect(votes).rejects.toMatchObject({ reason: 'CONNECTION_LOST' });
    await asked;
    a.transport.disconnect('b');
    answer();
    await outcome;
    await expect(a.transport.requestVotes('b', [request])).rejects.toMatchObject({
      reason: 'CONNECTION_FAILED',
    });
  });

  it('may be connected again', async () => {
    const [a, b] = [await end('a'), await end('b')];
    a.transport.connect('b', [b.address]);
    await opened(a, 'b');
    a.transport.disconnect('b');
    a.told.length = 0;
    a.transport.connect('b', [b.address]);
    await opened(a, 'b');
  });
});

describe('a broker that does not keep up', () => {
  it('leaves appends in the network until it has', async () => {
    const [a, b] = [await end('a'), await end('b')];
    b.transport.connect('a', [a.address]);
    await opened(b, 'a');
    let caughtUp: () => void = () => undefined;
    a.busy = new Promise((resolve) => {
      caughtUp = resolve;
    });
    const received = (): number => a.told.filter((each) => each === 'append from b').length;
    const message = { group: GROUP, message: append({ term: 1 }) };
    b.transport.sendAppends('a', [message], []);
    await expect.poll(received).toBe(1);
    b.transport.sendAppends('a', [message], []);
    // What is said on the other connection afterwards is heard.
    await b.transport.requestVotes('a', []);
    expect(received()).toBe(1);
    a.busy = undefined;
    caughtUp();
    await expect.poll(received).toBe(2);
  });
});

describe('a stream that broke', () => {
  /** Two ends that have streams to each other, but for the milliseconds that pass by hand. */
  async function pair(): Promise<readonly [End, End]> {
    const [a, b] = [await end('a'), await end('b')];
    a.transport.connect('b', [b.address]);
    b.transport.connect('a', [a.address]);
    await Promise.all([opened(a, 'b'), opened(b, 'a')]);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    return [a, b];
  }

  /** Goes on with the loop until something holds; the faked timers stand still. */
  async function reached(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  }

  const dials = ({ told }: End): number => told.filter((text) => text === 'data to b').length;

  afterEach(() => {
    vi.useRealTimers();
  });

  it('is opened again at once where the peer lives, and is not told as lost', async () => {
    const [a, b] = await pair();
    b.service.endStreams('a');
    await reached(() => dials(a) === 2);
    expect(a.told).not.toContain('no data to b');
  });

  it('is told as lost without any wait where nobody listens any more', async () => {
    const [a, b] = await pair();
    vi.useRealTimers();
    const closed = b.close();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await reached(() => a.told.includes('no data to b') && a.told.includes('no beats to b'));
    vi.useRealTimers();
    await closed;
  });

  it('is told as lost without any wait where the peer refuses another one', async () => {
    const [a, b] = await pair();
    b.refusal = new BellwetherError('STORAGE_FAILED', 'the disk is gone');
    b.service.endStreams('a');
    await reached(() => a.told.includes('no data to b') && a.told.includes('no beats to b'));
  });

  it('is told as lost after its grace where the connection is taken and nobody answers', async () => {
    const [a, b] = await pair();
    const knocks: Socket[] = [];
    const mute = createServer((socket) => knocks.push(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    a.transport.connect('b', [`127.0.0.1:${String((mute.address() as AddressInfo).port)}`]);
    b.service.endStreams('a');
    // Each stream knocks, and then dials.
    await reached(() => knocks.length === 4);
    expect(a.told).not.toContain('no data to b');
    vi.advanceTimersByTime(30);
    expect(a.told).toEqual(expect.arrayContaining(['no data to b', 'no beats to b']));
    for (const socket of knocks) socket.destroy();
    mute.close();
  });
});
