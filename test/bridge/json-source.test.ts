import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memberSource } from '../../src/bridge/json-source.js';

describe('memberSource', () => {
  it('returns the characters of the value and nothing around them', () => {
    const text =
      ' { "src" : "c1", "body" : { "n" : 12345678901234567890 , "o": [ 1, {"n": 0} ], "s":"}\\"" } } ';
    expect(memberSource(text, ['body', 'n'])).toBe('12345678901234567890');
    expect(memberSource(text, ['body', 'o'])).toBe('[ 1, {"n": 0} ]');
    expect(memberSource(text, ['body', 's'])).toBe('"}\\""');
    expect(memberSource(text, ['src'])).toBe('"c1"');
  });

  it('returns undefined for a member that is not there', () => {
    expect(memberSource('{}', ['body', 'n'])).toBeUndefined();
    expect(memberSource('{"body": 1}', ['body', 'n'])).toBeUndefined();
    expect(memberSource('[{"n": 1}]', ['n'])).toBeUndefined();
    expect(memberSource('{"body": {"m": {"n": 1}}}', ['body', 'n'])).toBeUndefined();
  });

  it('takes the last of members with one name, and reads escaped names, as JSON.parse does', () => {
    expect(memberSource('{"n": 1, "n": {"n": 2}, "m": 3}', ['n'])).toBe('{"n": 2}');
    expect(memberSource('{"\\u006e": 5}', ['n'])).toBe('5');
    expect(memberSource('{"body": {"n": 1}, "body": {"n": 2}}', ['body', 'n'])).toBe('2');
  });

  it('finds the value behind one that is nested too deep for recursion', () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    expect(memberSource(`{"deep":${deep},"n":7}`, ['n'])).toBe('7');
    expect(memberSource(`{"deep":${deep},"n":7}`, ['deep'])).toBe(deep);
  });

  it('finds what JSON.parse finds, in any object and with any white space', () => {
    const space = fc.constantFrom(undefined, 1, '\t', ' \r\n');
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), space, (object, indent) => {
        const text = JSON.stringify(object, undefined, indent);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        for (const [name, value] of Object.entries(parsed)) {
          const source = memberSource(text, [name]) ?? 'nothing';
          expect(source).toBe(source.trim());
          expect(JSON.parse(source)).toEqual(value);
        }
      }),
    );
  });
});
