import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/broker/limits.js';
import { Outbox } from '../../src/broker/outbox.js';
import { VoteExchange } from '../../src/broker/vote-exchange.js';
import { asGroupId, asLogIndex, asTerm, ENTRY_KIND } from '../../src/raft/types.js';
import { accepted, append, entry, voteRequest } from '../raft/make.js';
import { FakeTransport } from './fake-transport.js';
import { ManualClock } from './manual-clock.js';

class Rig {
  readonly transport = new FakeTransport();
  readonly votes = new VoteExchange(new ManualClock());
  readonly outbox = new Outbox(this.transport, this.votes, {
    requestVotes: (to, requests) => void this.transport.requestVotes(to, requests),
    orderCampaigns: (to, orders) => void this.transport.orderCampaigns(to, orders),
  });

  /** One entry of `bytes` payload bytes for `group`, to n2. */
  addAppend(group: number, bytes: number): void {
    const payload = new Uint8Array(bytes);
    const one = { index: asLogIndex(1), term: asTerm(1), kind: ENTRY_KIND.RECORD_BATCH, payload };
    this.outbox.add(asGroupId(group), append({ from: 'n1', to: 'n2', term: 1, entries: [one] }));
  }

  /** The groups of each message that was sent. */
  get groups(): number[][] {
    return this.transport.appends.map(({ appends }) => appends.map(({ group }) => group));
  }
}

const announcement = (group: number) => ({
  group: asGroupId(group),
  term: asTerm(1),
  leader: 'n1',
  inSyncReplicas: ['n1'],
  leaderSinceMs: 0,
});

describe('Outbox', () => {
  it('sends each peer one message of each sort, whatever the number of groups', () => {
    const { outbox, transport } = new Rig();
    for (let group = 1; group <= 500; group++) {
      for (const to of ['n2', 'n3']) {
        const id = asGroupId(group);
        outbox.add(id, append({ from: 'n1', to, term: 1, entries: [entry(1, 1)] }));
        outbox.add(id, accepted('n1', to, 1, 1));
        outbox.add(id, voteRequest({ from: 'n1', to, term: 2, last: [1, 1] }));
        outbox.add(id, {
          kind: 'timeoutNow',
          from: 'n1',
          to,
          term: asTerm(1),
          cause: 'SHUTDOWN',
          blockedMs: 0,
        });
        outbox.announce(to, [announcement(group)]);
      }
    }
    expect(transport.appends).toEqual([]);
    outbox.flush();
    const { appends, replies, votes, campaigns } = transport;
    expect([appends, replies, votes, campaigns].map((sent) => sent.map(({ to }) => to))).toEqual(
      Array.from({ length: 4 }, () => ['n2', 'n3']),
    );
    expect(appends.map((sent) => [sent.appends.length, sent.announcements.length])).toEqual([
      [500, 500],
      [500, 500],
    ]);
    expect(replies[0]?.replies).toHaveLength(500);
    expect(votes[0]?.requests).toHaveLength(500);
    expect(campaigns[0]?.orders).toHaveLength(500);
  });

  it('sends nothing twice, and nothing where nothing was put in', () => {
    const { outbox, transport } = new Rig();
    outbox.flush();
    outbox.announce('n2', [announcement(1)]);
    outbox.flush();
    outbox.flush();
    expect(transport.appends).toEqual([{ to: 'n2', appends: [], announcements: [announcement(1)] }]);
  });

  it('begins a new message when payloads would exceed the bound, and keeps the order', () => {
    const rig = new Rig();
    const third = Math.ceil(LIMITS.peerMessageBytesMax / 3);
    for (const group of [1, 2, 3, 4]) rig.addAppend(group, third);
    rig.outbox.flush();
    expect(rig.groups).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('fills a message to the bound exactly, and sends one larger append alone', () => {
    const rig = new Rig();
    rig.addAppend(1, LIMITS.peerMessageBytesMax - 10);
    rig.addAppend(2, 10);
    rig.addAppend(3, LIMITS.peerMessageBytesMax + 1);
    rig.addAppend(4, 0);
    rig.outbox.flush();
    expect(rig.groups).toEqual([[1, 2], [3], [4]]);
  });

  it('asks for the votes of more groups than one message may hold in several', () => {
    const { outbox, transport } = new Rig();
    for (let group = 1; group <= LIMITS.peerMessageGroupsMax + 1; group++) {
      const request = voteRequest({ from: 'n1', to: 'n2', term: 1, last: [0, 0] });
      outbox.add(asGroupId(group), request);
    }
    outbox.flush();
    expect(transport.votes.map(({ requests }) => requests.length)).toEqual([LIMITS.peerMessageGroupsMax, 1]);
  });

  it('brings a vote back into the call that asked for it, and sends no message', async () => {
    const { outbox, transport, votes } = new Rig();
    const group = asGroupId(7);
    const request = voteRequest({ from: 'n2', to: 'n1', term: 3, last: [0, 0] });
    const answers = votes.collect([{ group, message: request }]);
    const message = {
      kind: 'voteReply',
      from: 'n1',
      to: 'n2',
      term: asTerm(3),
      preVote: false,
      requestedTerm: asTerm(3),
      granted: true,
      commitIndex: asLogIndex(0),
      commitTerm: asTerm(0),
    } as const;
    outbox.add(group, message);
    outbox.flush();
    await expect(answers).resolves.toEqual([{ group, message }]);
    expect(transport.votes).toEqual([]);
  });
});
