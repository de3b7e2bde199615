import { describe, expect, it } from 'vitest';
import { writeJson } from '../../src/bridge/json-form.js';
import { fromRecordBytes, toRecordBytes } from '../../src/bridge/record-json.js';

describe('keys and values of records', () => {
  it('are the UTF-8 bytes of the source text, and null for nothing', () => {
    expect(toRecordBytes('{"é":1}')).toEqual(new TextEncoder().encode('{"é":1}'));
    expect(toRecordBytes('null')).toBeUndefined();
    expect(toRecordBytes(undefined)).toBeUndefined();
    expect(fromRecordBytes(undefined)).toBeNull();
  });

  it('come back as a string of their text when another client wrote no JSON', () => {
    expect(fromRecordBytes(new TextEncoder().encode('plain text'))).toBe('plain text');
    expect(fromRecordBytes(new Uint8Array())).toBe('');
    expect(fromRecordBytes(Uint8Array.of(0x61, 0xff))).toBe('a\ufffd');
  });

  it('stay on one line when another client wrote JSON on several', () => {
    expect(writeJson(fromRecordBytes(new TextEncoder().encode('{\n  "a": 1\n}')))).toBe('{"a": 1}');
  });
});
