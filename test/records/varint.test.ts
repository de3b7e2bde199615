import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import { ByteCursor, MalformedBytesError } from '../../src/records/byte-cursor.js';
import {
  readVarint,
  readVarlong,
  varintSize,
  varlongSize,
  writeVarint,
  writeVarlong,
} from '../../src/records/varint.js';
import { fromHex, toHex } from './hex.js';

// apache/kafka clients/src/test/java/org/apache/kafka/common/utils/ByteUtilsTest.java (testVarintSerde and
// testVarlongSerde), at commit 01f38096954eacaaa3eee2696f7ec549a1625a43.
const VARINTS: readonly (readonly [number, string])[] = [
  [0, '00'],
  [-1, '01'],
  [1, '02'],
  [63, '7e'],
  [-64, '7f'],
  [64, '8001'],
  [-65, '8101'],
  [8191, 'fe7f'],
  [-8192, 'ff7f'],
  [8192, '808001'],
  [-8193, '818001'],
  [1_048_575, 'feff7f'],
  [1_048_576, '80808001'],
  [134_217_727, 'feffff7f'],
  [-134_217_729, '8180808001'],
  [2_147_483_647, 'feffffff0f'],
  [-2_147_483_648, 'ffffffff0f'],
];

const VARLONGS: readonly (readonly [number, string])[] = [
  ...VARINTS,
  [17_179_869_183, 'feffffff7f'],
  [-17_179_869_184, 'ffffffff7f'],
  [17_179_869_184, '808080808001'],
  [2_199_023_255_551, 'feffffffff7f'],
  [-2_199_023_255_553, '81808080808001'],
  [281_474_976_710_655, 'feffffffffff7f'],
  [-281_474_976_710_657, '8180808080808001'],
  // Not Kafka's: the ends of our own range, and the first number beyond 32 bits.
  [2_147_483_648, '8080808010'],
  [Number.MAX_SAFE_INTEGER, 'feffffffffffff1f'],
  [Number.MIN_SAFE_INTEGER, 'fdffffffffffff1f'],
];

describe('varint', () => {
  it.each(VARINTS)('%d is written and read as Kafka does: %s', (value, hex) => {
    const bytes = new Uint8Array(varintSize(value));
    expect(writeVarint(bytes, 0, value)).toBe(bytes.length);
    expect(toHex(bytes)).toBe(hex);
    const cursor = new ByteCursor(fromHex(`${hex}ff`));
    expect(readVarint(cursor)).toBe(value);
    expect(cursor.remainingBytes).toBe(1);
  });

  it.each([
    ['nothing', ''],
    ['an end inside', '80'],
    ['a byte more than needed', '8000'],
    ['a number beyond 32 bits', '8080808010'],
    ['a number below 32 bits', '8180808010'],
    ['more bytes than a number can need', '808080808080808001'],
  ])('refuses %s', (_name, hex) => {
    expect(() => readVarint(new ByteCursor(fromHex(hex)))).toThrow(MalformedBytesError);
  });

  it.each([2 ** 31, -(2 ** 31) - 1, 0.5])('does not write %d, which is no int32', (value) => {
    expect(() => writeVarint(new Uint8Array(10), 0, value)).toThrow(InvariantError);
  });
});

describe('varlong', () => {
  it.each(VARLONGS)('%d is written and read as Kafka does: %s', (value, hex) => {
    const bytes = new Uint8Array(varlongSize(value));
    expect(writeVarlong(bytes, 0, value)).toBe(bytes.length);
    expect(toHex(bytes)).toBe(hex);
    expect(readVarlong(new ByteCursor(fromHex(hex)))).toBe(value);
  });

  it.each([
    ['a byte more than needed', '808000'],
    ['2^53, which is no longer exact', '8080808080808020'],
    ['-2^53, which is no longer exact', 'ffffffffffffff1f'],
    ['the greatest 64-bit number', 'feffffffffffffffff01'],
    ['eleven bytes', '8080808080808080808001'],
  ])('refuses %s', (_name, hex) => {
    expect(() => readVarlong(new ByteCursor(fromHex(hex)))).toThrow(MalformedBytesError);
  });

  it('stops reading after the bytes that a number can need', () => {
    const cursor = new ByteCursor(new Uint8Array(1000).fill(0xff));
    expect(() => readVarlong(cursor)).toThrow('varlong too long at byte 0');
    expect(cursor.position).toBe(8);
  });

  it('does not write a number that is not exact', () => {
    expect(() => writeVarlong(new Uint8Array(10), 0, 2 ** 53)).toThrow(InvariantError);
  });
});
