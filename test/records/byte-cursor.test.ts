import { describe, expect, it } from 'vitest';
import { ByteCursor, MalformedBytesError } from '../../src/records/byte-cursor.js';

describe('byte cursor', () => {
  it('reads, skips and takes in order', () => {
    const cursor = new ByteCursor(Uint8Array.of(1, 2, 3, 4, 5), 1);
    expect(cursor.readByte()).toBe(2);
    cursor.skip(1);
    expect([...cursor.take(2)]).toEqual([4, 5]);
    expect(cursor.remainingBytes).toBe(0);
  });

  it('takes a view, not a copy', () => {
    const bytes = Uint8Array.of(1, 2);
    const view = new ByteCursor(bytes).take(2);
    bytes[0] = 9;
    expect(view[0]).toBe(9);
  });

  it('never passes the end, and says where it stood', () => {
    const cursor = new ByteCursor(Uint8Array.of(1));
    expect(() => cursor.skip(2)).toThrow(new MalformedBytesError('size 2 exceeds the 1 bytes left', 0));
    expect(() => cursor.take(-1)).toThrow(MalformedBytesError);
    cursor.skip(1);
    expect(() => cursor.readByte()).toThrow('bytes end early at byte 1');
  });
});
