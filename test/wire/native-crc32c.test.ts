import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/crc32c.js';
import { useNativeCrc32c } from '../../src/wire/native-crc32c.js';

describe('the native CRC-32C', () => {
  it('is what the tables compute, at every length around those that it takes over', async () => {
    const bytes = Uint8Array.from({ length: 5000 }, (_, at) => (at * at * 167 + 13) & 0xff);
    const parts = Array.from({ length: 600 }, (_, at): [number, number] => [at % 9, 10 + at]);
    parts.push([0, 5000], [1, 4999], [7, 4096], [100, 100]);
    const byTables = parts.map(([start, end]) => crc32c(bytes, start, end));
    const isInstalled = await import('@node-rs/crc32').then(
      () => true,
      () => false,
    );
    expect(useNativeCrc32c()).toBe(isInstalled);
    expect(parts.map(([start, end]) => crc32c(bytes, start, end))).toEqual(byTables);
  });
});
