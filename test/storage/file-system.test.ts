import { describe, expect, it } from 'vitest';

import { parentDirectory, unwritten } from '../../src/storage/file-system.js';

describe('paths', () => {
  it('have the folder that holds them', () => {
    expect(['a/b/c', '/a', 'a', '/a/b'].map(parentDirectory)).toEqual(['a/b', '/', '.', '/a']);
  });
});

describe('a short write', () => {
  it('leaves exactly the bytes that the kernel did not take', () => {
    const buffers = [[1, 2, 3], [], [4], [5, 6]].map((bytes) => Uint8Array.from(bytes));
    for (let written = 0; written <= 6; written++) {
      const rest = unwritten(buffers, written).flatMap((buffer) => [...buffer]);
      expect(rest).toEqual([1, 2, 3, 4, 5, 6].slice(written));
    }
    expect(unwritten(buffers, 6)).toEqual([]);
  });
});
