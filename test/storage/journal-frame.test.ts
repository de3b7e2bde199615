import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  checkedPayload,
  decodeFrameHeader,
  emptyFrameHeader,
  encodeFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_NUMBER_MAX,
  frameBytes,
  type FrameHeader,
} from '../../src/storage/journal-frame.js';
import { frameSeed } from '../../src/storage/journal-file.js';
import { INCARNATION } from './journal-harness.js';

const u32 = fc.nat(0xffff_ffff);
const u48 = fc.nat(FRAME_NUMBER_MAX);
const anyHeader: fc.Arbitrary<FrameHeader> = fc.record({
  payloadBytes: u32,
  payloadCrc: u32,
  term: u32,
  batchStart: u32,
  batch: u48,
  type: fc.integer({ min: 1, max: 4 }),
  kind: fc.nat(255),
  group: u48,
  index: u48,
});

function encoded(header: FrameHeader, seed: number): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  encodeFrameHeader(bytes, 0, header, seed);
  return bytes;
}

describe('frame headers', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(anyHeader, u32, (header, seed) => {
        const read = emptyFrameHeader();
        expect(decodeFrameHeader(encoded(header, seed), 0, read, seed)).toBe(true);
        expect(read).toEqual(header);
      }),
    );
  });

  it('do not pass with any bit changed', () => {
    fc.assert(
      fc.property(anyHeader, u32, fc.nat(FRAME_HEADER_BYTES * 8 - 1), (header, seed, bit) => {
        const bytes = encoded(header, seed);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(decodeFrameHeader(bytes, 0, emptyFrameHeader(), seed)).toBe(false);
      }),
    );
  });

  it('of one file never pass in another life of it, nor in another file', () => {
    fc.assert(
      fc.property(anyHeader, fc.nat(1_000_000), fc.nat(1_000_000), (header, one, other) => {
        fc.pre(one !== other);
        const bytes = encoded(header, frameSeed(one, INCARNATION));
        const seed = frameSeed(other, INCARNATION);
        expect(decodeFrameHeader(bytes, 0, emptyFrameHeader(), seed)).toBe(false);
      }),
    );
  });

  it('are not found in zeros, nor beyond the end', () => {
    fc.assert(
      fc.property(u32, (seed) => {
        expect(decodeFrameHeader(Buffer.alloc(64), 8, emptyFrameHeader(), seed)).toBe(false);
        expect(decodeFrameHeader(Buffer.alloc(64, 1), 32, emptyFrameHeader(), seed)).toBe(false);
      }),
    );
  });

  it('have a byte layout that does not change', () => {
    const header: FrameHeader = {
      payloadBytes: 5,
      payloadCrc: 0x01020304,
      term: 7,
      batchStart: 4096,
      batch: 9,
      type: 1,
      kind: 1,
      group: 3,
      index: 11,
    };
    expect(encoded(header, 0).toString('hex').slice(8)).toBe(
      '05000000' +
        '04030201' +
        '07000000' +
        '00100000' +
        '090000000000' +
        '01' +
        '01' +
        '030000000000' +
        '0b0000000000',
    );
  });
});

describe('frames', () => {
  it('take a multiple of 8 bytes', () => {
    expect([0, 1, 7, 8, 9].map(frameBytes)).toEqual([40, 48, 48, 48, 56]);
  });

  it('with a payload that is cut short or changed are refused', () => {
    const header = { ...emptyFrameHeader(), payloadBytes: 3, payloadCrc: 0x352441c2 };
    const frame = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES), Buffer.from('abc')]);
    expect(checkedPayload(frame, 0, header)?.toString()).toBe('abc');
    expect(checkedPayload(frame.subarray(0, -1), 0, header)).toBeUndefined();
    frame.write('abd', FRAME_HEADER_BYTES);
    expect(checkedPayload(frame, 0, header)).toBeUndefined();
  });
});
