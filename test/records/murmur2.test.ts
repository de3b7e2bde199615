import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/invariant.js';
import { murmur2, partitionForKey } from '../../src/records/murmur2.js';
import { utf8 } from './hex.js';

// Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java (testMurmur2).
const VECTORS: readonly (readonly [string, number])[] = [
  ['21', -973_932_308],
  ['foobar', -790_332_482],
  ['a-little-bit-long-string', -985_981_536],
  ['a-little-bit-longer-string', -1_486_304_829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
  ['abc', 479_470_107],
];

describe('murmur2', () => {
  it.each(VECTORS)('hashes %j as Kafka does', (text, hash) => {
    expect(murmur2(utf8(text))).toBe(hash);
  });

  it('reads the bytes of a view, not of the memory behind it', () => {
    expect(murmur2(utf8('xfoobarx').subarray(1, 7))).toBe(-790_332_482);
  });
});

describe('partitionForKey', () => {
  it.each(VECTORS)('clears the sign bit before the remainder, as Kafka does: %j', (text, hash) => {
    expect(partitionForKey(utf8(text), 7)).toBe((hash < 0 ? hash + 2 ** 31 : hash) % 7);
  });

  it.each([0, -1, 1.5])('refuses %d partitions', (partitionCount) => {
    expect(() => partitionForKey(utf8('k'), partitionCount)).toThrow(InvariantError);
  });
});
