import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RawJson, writeJson, type Json } from '../../src/bridge/json-form.js';
import { anyJson } from './harness.js';

describe('writeJson', () => {
  it('separates with ", " and ": " and keeps the given order', () => {
    const value = { src: 'n1', body: { type: 'x', list: [1, 'a', null, true], none: [], empty: {} } };
    expect(writeJson(value)).toBe(
      '{"src": "n1", "body": {"type": "x", "list": [1, "a", null, true], "none": [], "empty": {}}}',
    );
  });

  it('keeps the order of a Map, and any name in it', () => {
    const names = ['b', '1', '__proto__', '0', ''];
    const map = new Map(names.map((name, index) => [name, index]));
    expect(writeJson(map)).toBe('{"b": 0, "1": 1, "__proto__": 2, "0": 3, "": 4}');
  });

  it('keeps other characters than ASCII as they are and escapes what would break a line or UTF-8', () => {
    expect(writeJson('é😀')).toBe('"é😀"');
    expect(writeJson('a\n"\\\ud800')).toBe('"a\\n\\"\\\\\\ud800"');
  });

  it('keeps the tokens of source text and puts its own separators between them', () => {
    const source = '\t{"a" :[1.50,-0 , 1E400,{}],\r\n"b, c: d":"x\\u00e9 ,:" , "e":12345678901234567890}';
    expect(writeJson(new RawJson(source))).toBe(
      '{"a": [1.50, -0, 1E400, {}], "b, c: d": "x\\u00e9 ,:", "e": 12345678901234567890}',
    );
  });

  it('writes the same for a value and for its source text, and JSON.parse reads it back', () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(0, 2), (value, indent) => {
        const text = writeJson(new RawJson(JSON.stringify(value, undefined, indent)));
        expect(JSON.parse(text)).toEqual(value);
        expect(text).not.toContain('\n');
        expect(text).toBe(writeJson(value as Json));
      }),
    );
  });

  it('rejects a number that JSON has no form for', () => {
    expect(() => writeJson(Number.NaN)).toThrow('JSON has finite numbers only');
  });
});
