/** What a leader knows of one follower: the window, stale answers, and the way back after a loss. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { crc32c } from '../../src/crc32c.js';
import { Progress } from '../../src/raft/progress.js';
import { asLogIndex, asTerm } from '../../src/raft/types.js';

const WINDOW = { inflightMessagesMax: 3, inflightBytesMax: 100 };

/** A follower that has everything up to `match`. */
function replicating(match: number): Progress {
  const progress = new Progress(asLogIndex(match + 1));
  progress.sent(0, asLogIndex(match), 0, asLogIndex(0));
  accept(progress, match);
  return progress;
}

function send(progress: Progress, last: number, bytes: number): void {
  progress.sent(1, asLogIndex(last), bytes, asLogIndex(0));
}

function accept(progress: Progress, match: number, last = match): boolean {
  return progress.accepted(2, asLogIndex(match), asLogIndex(0), asLogIndex(last), asLogIndex(0));
}

function reject(progress: Progress, rejected: number, next: number): boolean {
  return progress.rejected(3, asLogIndex(rejected), asLogIndex(next));
}

describe('a probe', () => {
  it('is one append at a time', () => {
    const progress = new Progress(asLogIndex(5));
    expect(progress.isOpen(WINDOW)).toBe(true);
    send(progress, 8, 10);
    expect(progress.isOpen(WINDOW)).toBe(false);
    expect(progress.next).toBe(5);
  });

  it('ends with the first acceptance', () => {
    const progress = replicating(4);
    expect([progress.state, progress.match, progress.next]).toEqual(['replicate', 4, 5]);
  });

  it('keeps its place when the link comes up or an answer is missing: the log is not sent again from 1', () => {
    const progress = new Progress(asLogIndex(1_001));
    progress.toProbe();
    expect(progress.next).toBe(1_001);
    send(progress, 1_000, 0);
    reject(progress, 1_000, 901);
    progress.toProbe();
    expect(progress.next).toBe(901);
  });
});

describe('the window', () => {
  it('closes at its number of messages', () => {
    const progress = replicating(0);
    for (const last of [1, 2, 3]) {
      expect(progress.isOpen(WINDOW)).toBe(true);
      send(progress, last, 1);
    }
    expect(progress.isOpen(WINDOW)).toBe(false);
  });

  it('closes at its number of bytes', () => {
    const progress = replicating(0);
    send(progress, 1, 99);
    expect(progress.isOpen(WINDOW)).toBe(true);
    send(progress, 2, 1);
    expect(progress.isOpen(WINDOW)).toBe(false);
  });

  it('opens with an acceptance, which may cover several appends', () => {
    const progress = replicating(0);
    for (const last of [1, 2, 3]) send(progress, last, 50);
    accept(progress, 2, 3);
    expect(progress.isOpen(WINDOW)).toBe(true);
    expect(progress.next).toBe(4);
  });

  it('an append without entries takes no place in it', () => {
    const progress = replicating(7);
    for (let i = 0; i < 10; i++) send(progress, 7, 0);
    expect(progress.isOpen(WINDOW)).toBe(true);
  });

  it('is all free again once all is answered, whatever came before: nothing leaks (B36)', () => {
    const step = fc.record({ kind: fc.constantFrom('send', 'accept', 'reject', 'probe'), at: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const progress = replicating(0);
        let last = 0;
        for (const { kind, at } of steps) {
          if (kind === 'send' && progress.isOpen(WINDOW)) {
            last = Math.max(last, progress.next + at);
            send(progress, progress.next + at, at * 7);
          } else if (kind === 'accept') accept(progress, Math.min(at, last), last);
          else if (kind === 'reject') reject(progress, at, at);
          else if (kind === 'probe') progress.toProbe();
          expect(progress.match).toBeLessThan(progress.next);
        }
        accept(progress, last);
        expect(progress.isOpen({ inflightMessagesMax: 1, inflightBytesMax: 1 })).toBe(true);
        expect(progress.waitingSinceMs).toBeUndefined();
      }),
    );
  });
});

describe('a rejection', () => {
  it('goes back to the hint, but never to what is known to match', () => {
    const progress = replicating(10);
    send(progress, 20, 1);
    expect(reject(progress, 20, 15)).toBe(true);
    expect([progress.state, progress.next]).toEqual(['probe', 15]);
    send(progress, 20, 1);
    expect(reject(progress, 14, 3)).toBe(true);
    expect(progress.next).toBe(11);
  });

  it('always goes back by one at least, so that probing ends', () => {
    const progress = new Progress(asLogIndex(9));
    send(progress, 9, 1);
    expect(reject(progress, 8, 9)).toBe(true);
    expect(progress.next).toBe(8);
  });

  it.each([
    ['at or below the match', 10],
    ['below the match', 3],
  ])('that is stale changes nothing: %s (B16)', (_, rejected) => {
    const progress = replicating(10);
    send(progress, 12, 5);
    const before = JSON.stringify(progress);
    expect(reject(progress, rejected, 1)).toBe(false);
    expect(JSON.stringify(progress)).toBe(before);
  });

  it('of an earlier probe changes nothing (B16)', () => {
    const progress = new Progress(asLogIndex(9));
    send(progress, 9, 1);
    reject(progress, 8, 5);
    send(progress, 9, 1);
    const before = JSON.stringify(progress);
    expect(reject(progress, 8, 2)).toBe(false);
    expect(JSON.stringify(progress)).toBe(before);
  });
});

describe('waiting', () => {
  it('begins with the first unanswered append and starts anew with each answer', () => {
    const progress = replicating(0);
    progress.sent(10, asLogIndex(1), 1, asLogIndex(0));
    progress.sent(20, asLogIndex(2), 1, asLogIndex(0));
    expect(progress.waitingSinceMs).toBe(10);
    progress.accepted(30, asLogIndex(1), asLogIndex(0), asLogIndex(2), asLogIndex(0));
    expect(progress.waitingSinceMs).toBe(30);
  });

  it('ends only once the follower has confirmed the log and the commit index', () => {
    const progress = replicating(0);
    progress.sent(10, asLogIndex(1), 1, asLogIndex(0));
    progress.accepted(30, asLogIndex(1), asLogIndex(0), asLogIndex(1), asLogIndex(1));
    expect(progress.waitingSinceMs).toBe(30);
    progress.accepted(40, asLogIndex(1), asLogIndex(1), asLogIndex(1), asLogIndex(1));
    expect(progress.waitingSinceMs).toBeUndefined();
  });

  it('a late lower acceptance moves nothing back (B16)', () => {
    const progress = replicating(10);
    expect(accept(progress, 4, 10)).toBe(false);
    expect([progress.match, progress.next]).toEqual([10, 11]);
  });
});

describe('a snapshot on its way', () => {
  const snapshot = {
    index: asLogIndex(9),
    term: asTerm(2),
    membership: { voters: ['n1', 'n2'], learners: [] },
    data: Uint8Array.of(1, 2, 3, 4, 5),
  };
  const checksum = crc32c(snapshot.data);

  function sending(): Progress {
    const progress = new Progress(asLogIndex(5));
    progress.toSnapshot(snapshot);
    progress.sentChunk(1);
    return progress;
  }

  function received(
    progress: Progress,
    bytes: number,
    of: { readonly index?: number; readonly sum?: number } = {},
  ): void {
    progress.receivedBytes(2, {
      kind: 'snapshotReply',
      from: 'n2',
      to: 'n1',
      term: asTerm(2),
      snapshotIndex: asLogIndex(of.index ?? 9),
      snapshotTerm: asTerm(2),
      checksum: of.sum ?? checksum,
      receivedBytes: bytes,
      installed: false,
    });
  }

  it('is one chunk at a time', () => {
    const progress = sending();
    expect([progress.state, progress.isOpen(WINDOW)]).toEqual(['snapshot', false]);
    received(progress, 2);
    expect([progress.sending?.nextByte, progress.isOpen(WINDOW)]).toEqual([2, true]);
  });

  it('goes nowhere by an answer about another one', () => {
    const progress = sending();
    received(progress, 2, { index: 8 });
    received(progress, 2, { sum: 1 });
    expect([progress.sending?.nextByte, progress.isOpen(WINDOW)]).toEqual([undefined, false]);
  });

  it('has no more bytes than it has, whatever is answered', () => {
    const progress = sending();
    received(progress, 99);
    expect(progress.sending?.nextByte).toBe(5);
  });

  it('ends when it is installed, and with an append that is accepted beyond it', () => {
    const one = sending();
    one.installed(asLogIndex(9));
    const other = sending();
    accept(other, 9);
    for (const progress of [one, other]) {
      expect([progress.state, progress.match, progress.next]).toEqual(['replicate', 9, 10]);
      expect(progress.sending).toBeUndefined();
    }
  });

  it('does not end with what is older than it: an earlier snapshot, an accepted append', () => {
    const progress = sending();
    progress.installed(asLogIndex(7));
    accept(progress, 8, 9);
    expect([progress.state, progress.match, progress.next]).toEqual(['snapshot', 8, 9]);
  });

  it('is no matter for a rejection of an append from before', () => {
    const progress = sending();
    expect(reject(progress, 4, 2)).toBe(false);
    expect(progress.state).toBe('snapshot');
  });

  it('begins anew with a question when the link breaks', () => {
    const progress = sending();
    received(progress, 2);
    progress.toProbe();
    expect([progress.state, progress.sending, progress.next]).toEqual(['probe', undefined, 1]);
    progress.toSnapshot(snapshot);
    expect(progress.sending).toMatchObject({ nextByte: undefined });
  });

  it('has something new', () => {
    expect(() => {
      replicating(9).toSnapshot(snapshot);
    }).toThrow(/something new/);
  });
});

describe('a probe that is rejected', () => {
  it('at the match itself comes from a replica that was made anew: what it had counts no more (B12)', () => {
    const progress = replicating(7);
    progress.toProbe();
    send(progress, 7, 0);
    expect(reject(progress, 7, 1)).toBe(true);
    expect([progress.match, progress.next]).toEqual([0, 1]);
  });

  it('below the match is late, and changes nothing', () => {
    const progress = replicating(7);
    progress.toProbe();
    send(progress, 7, 0);
    expect(reject(progress, 6, 1)).toBe(false);
    expect([progress.match, progress.next]).toEqual([7, 8]);
  });
});
