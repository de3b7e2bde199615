import { describe, expect, it } from 'vitest';
import { Parking } from '../../src/broker/parking.js';
import type { InstallSnapshot } from '../../src/raft/messages.js';
import { asGroupId, asLogIndex, asTerm } from '../../src/raft/types.js';
import { append, entry, voteRequest } from '../raft/make.js';

const MEBIBYTE = 1_048_576;

/** An append of `bytes` payload bytes. */
function large(bytes: number) {
  return append({ term: 1, entries: [entry(1, 1, 'x'.repeat(bytes))] });
}

function chunk(bytes: number): InstallSnapshot {
  return {
    kind: 'installSnapshot',
    from: 'n2',
    to: 'n1',
    term: asTerm(1),
    snapshotIndex: asLogIndex(1),
    snapshotTerm: asTerm(1),
    checksum: 0,
    membership: { voters: ['n2', 'n1'], learners: [] },
    totalBytes: bytes,
    offset: 0,
    chunk: new Uint8Array(bytes),
  };
}

describe('Parking', () => {
  it('gives the messages of a group back in order, once', () => {
    const parking = new Parking();
    const first = voteRequest({ from: 'n2', to: 'n1', term: 1, last: [0, 0] });
    const second = append({ term: 1 });
    parking.park(asGroupId(5), first);
    parking.park(asGroupId(6), append({ term: 9 }));
    parking.park(asGroupId(5), second);
    expect(parking.take(asGroupId(5))).toEqual([first, second]);
    expect(parking.take(asGroupId(5))).toEqual([]);
    expect(parking.take(asGroupId(6))).toHaveLength(1);
  });

  it('makes room when groups have been created elsewhere', () => {
    const parking = new Parking();
    for (let i = 0; i < 20_000; i++) parking.park(asGroupId(1), append({ term: 1 }));
    parking.forgetBelow(2);
    parking.park(asGroupId(2), append({ term: 1 }));
    expect([parking.take(asGroupId(1)).length, parking.take(asGroupId(2)).length]).toEqual([0, 1]);
  });

  it('keeps a bounded number of messages, and has room again when some were taken', () => {
    const parking = new Parking();
    const message = append({ term: 1 });
    for (let i = 0; i < 100_000; i++) parking.park(asGroupId(1 + (i % 2)), message);
    const kept = parking.take(asGroupId(1)).length;
    expect(kept).toBe(10_000);
    parking.park(asGroupId(3), message);
    expect(parking.take(asGroupId(3))).toHaveLength(1);
  });

  it('keeps a bounded number of payload bytes: a group may never come to be', () => {
    const parking = new Parking();
    const message = large(MEBIBYTE);
    for (let i = 0; i < 1_000; i++) parking.park(asGroupId(1), message);
    expect(parking.take(asGroupId(1)).length).toBeLessThanOrEqual(64);
    parking.park(asGroupId(2), message);
    expect(parking.take(asGroupId(2))).toHaveLength(1);
  });

  it('counts the bytes of chunks of snapshots too', () => {
    const parking = new Parking();
    for (let i = 0; i < 1_000; i++) parking.park(asGroupId(1), chunk(MEBIBYTE / 4));
    expect(parking.take(asGroupId(1))).toHaveLength(128);
    parking.park(asGroupId(1), chunk(MEBIBYTE / 4));
    expect(parking.take(asGroupId(1))).toHaveLength(1);
  });
});
