import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/broker/limits.js';
import type { InGroup } from '../../src/broker/peer-port.js';
import { VoteExchange } from '../../src/broker/vote-exchange.js';
import type { VoteReply, VoteRequest } from '../../src/raft/messages.js';
import { asGroupId, asLogIndex, asTerm } from '../../src/raft/types.js';
import { voteRequest } from '../raft/make.js';
import { ManualClock } from './manual-clock.js';

function request(group: number, term = 1, preVote = false, from = 'n2'): InGroup<VoteRequest> {
  const message = voteRequest({ from, to: 'n1', term, preVote, last: [0, 0] });
  return { group: asGroupId(group), message };
}

function reply({ group, message }: InGroup<VoteRequest>, granted = true): InGroup<VoteReply> {
  return {
    group,
    message: {
      kind: 'voteReply',
      from: 'n1',
      to: message.from,
      term: asTerm(9),
      preVote: message.preVote,
      requestedTerm: message.term,
      granted,
      commitIndex: asLogIndex(0),
      commitTerm: asTerm(0),
    },
  };
}

/** Whether the promise has settled, without waiting for it. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

describe('VoteExchange', () => {
  it('answers a call once every vote of it is in, in whatever order', async () => {
    const exchange = new VoteExchange(new ManualClock());
    const requests = [request(1), request(2), request(3)];
    const answers = exchange.collect(requests);
    exchange.answer(reply(requests[2]!));
    exchange.answer(reply(requests[0]!, false));
    expect(await isSettled(answers)).toBe(false);
    exchange.answer(reply(requests[1]!));
    const groups = (await answers).map(({ group, message }) => [group, message.granted]);
    expect(groups).toEqual([
      [3, true],
      [1, false],
      [2, true],
    ]);
  });

  it('answers every call with what is in when it closes', async () => {
    const clock = new ManualClock();
    const exchange = new VoteExchange(clock);
    const requests = [request(1), request(2)];
    const answers = exchange.collect(requests);
    exchange.answer(reply(requests[0]!));
    exchange.close();
    expect((await answers).map(({ group }) => group)).toEqual([1]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('answers with what is in when the wait is over, and takes no late vote for it', async () => {
    const clock = new ManualClock();
    const exchange = new VoteExchange(clock);
    const requests = [request(1), request(2)];
    const answers = exchange.collect(requests);
    exchange.answer(reply(requests[0]!));
    clock.advance(LIMITS.voteWaitMs);
    exchange.answer(reply(requests[1]!));
    expect((await answers).map(({ group }) => group)).toEqual([1]);
  });

  it('answers an empty call at once', async () => {
    const clock = new ManualClock();
    await expect(new VoteExchange(clock).collect([])).resolves.toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps votes of other candidates, terms and pre-votes apart', async () => {
    const exchange = new VoteExchange(new ManualClock());
    const answers = exchange.collect([request(1, 5, true)]);
    for (const other of [
      request(1, 4, true),
      request(1, 5, false),
      request(2, 5, true),
      request(1, 5, true, 'n3'),
    ]) {
      exchange.answer(reply(other));
    }
    expect(await isSettled(answers)).toBe(false);
    exchange.answer(reply(request(1, 5, true)));
    await expect(answers).resolves.toHaveLength(1);
  });

  it('answers every call that asked the same, as after a repeated request', async () => {
    const exchange = new VoteExchange(new ManualClock());
    const both = [exchange.collect([request(1)]), exchange.collect([request(1)])];
    exchange.answer(reply(request(1)));
    expect((await Promise.all(both)).map((answers) => answers.length)).toEqual([1, 1]);
  });

  it('leaves no timer and no waiter behind, and drops a vote that nobody waits for', async () => {
    const clock = new ManualClock();
    const exchange = new VoteExchange(clock);
    const answers = exchange.collect([request(1)]);
    exchange.answer(reply(request(1)));
    await answers;
    expect(clock.pendingTimers).toBe(0);
    exchange.answer(reply(request(1)));
    const later = exchange.collect([request(1)]);
    expect(await isSettled(later)).toBe(false);
  });
});
