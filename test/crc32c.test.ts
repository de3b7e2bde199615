import { afterEach, describe, expect, it } from 'vitest';
import { computeCrc32cBy, crc32c } from '../src/crc32c.js';
import { fromHex, utf8 } from './records/hex.js';

/** Bit by bit, as the definition says; nothing in common with the tables. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

describe('crc32c', () => {
  it('gives the check value of the CRC catalogue', () => {
    expect(crc32c(utf8('123456789'))).toBe(0xe3069283);
  });

  it.each([
    ['32 bytes of zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['32 bytes counting up', Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd794e],
    ['32 bytes counting down', Uint8Array.from({ length: 32 }, (_, at) => 31 - at), 0x113fdb5c],
    [
      'an iSCSI SCSI Read command',
      fromHex(`01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018
               28000000 00000000 02000000 00000000`),
      0xd9963a56,
    ],
  ])('gives the value of RFC 3720 appendix B.4: %s', (_name, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('agrees with the definition at every length and alignment', () => {
    const bytes = Uint8Array.from({ length: 80 }, (_, at) => (at * 167 + 13) & 0xff);
    for (let start = 0; start < 9; start++) {
      for (let end = start; end <= bytes.length; end++) {
        const part = bytes.subarray(start, end);
        expect(crc32c(part)).toBe(slowCrc32c(part));
        expect(crc32c(bytes, start, end)).toBe(slowCrc32c(part));
      }
    }
  });

  describe('computed by something else', () => {
    afterEach(() => {
      computeCrc32cBy(undefined);
    });

    it('is so for what is long, and only for the part that was asked for', () => {
      const seen: number[] = [];
      computeCrc32cBy((bytes) => {
        seen.push(bytes.length);
        return slowCrc32c(bytes);
      });
      const bytes = Uint8Array.from({ length: 1000 }, (_, at) => (at * 31) & 0xff);
      expect(crc32c(bytes, 3, 997)).toBe(slowCrc32c(bytes.subarray(3, 997)));
      expect(crc32c(bytes, 0, 200)).toBe(slowCrc32c(bytes.subarray(0, 200)));
      expect(seen).toEqual([9, 994]);
    });

    it('is refused when that computes another checksum', () => {
      expect(() => {
        computeCrc32cBy(() => 0xcbf43926);
      }).toThrow('check value');
    });
  });

  it('is 0 for no bytes', () => {
    expect(crc32c(new Uint8Array(0))).toBe(0);
  });
});
