import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { asLogIndex, asTerm } from '../../src/raft/types.js';
import { decodeSnapshotPayload, encodeSnapshotPayload } from '../../src/storage/snapshot-frame.js';
import { snapshotOf } from './journal-harness.js';

const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/), { maxLength: 6 });
const data = fc.uint8Array({ maxLength: 100 });

describe('the payload of a snapshot', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(names, fc.nat(6), data, (all, votersCount, bytes) => {
        const membership = { voters: all.slice(0, votersCount), learners: all.slice(votersCount) };
        const snapshot = { index: asLogIndex(9), term: asTerm(2), membership, data: bytes };
        expect(decodeSnapshotPayload(encodeSnapshotPayload(snapshot))).toEqual({ membership, data: bytes });
      }),
    );
  });

  it('has a byte layout that does not change', () => {
    const payload = encodeSnapshotPayload(snapshotOf(1, 1, 'state', 'n1', 'n2'));
    expect(payload.toString('latin1')).toBe('\x08\0\0\x001;n1,n2;state');
  });

  it('is a copy: what the bytes become later changes nothing', () => {
    const payload = encodeSnapshotPayload(snapshotOf(1, 1, 'state', 'n1'));
    const read = decodeSnapshotPayload(payload);
    payload.fill(0);
    expect(read?.data).toEqual(new TextEncoder().encode('state'));
  });

  it.each([
    ['nothing', ''],
    ['no whole size', '\x08\0\0'],
    ['a membership beyond the end', '\x09\0\0\x001;n1,n2;'],
    ['no membership', '\0\0\0\0state'],
    ['a membership of another version', '\x06\0\0\x002;n1;;'],
    ['a cut membership', '\x04\0\0\x001;n1'],
  ])('that was written otherwise is refused: %s', (_name, text) => {
    expect(decodeSnapshotPayload(Buffer.from(text, 'latin1'))).toBeUndefined();
  });
});
