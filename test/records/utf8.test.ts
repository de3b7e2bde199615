import { describe, expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8, utf8Size, writeUtf8 } from '../../src/records/utf8.js';
import { fromHex, toHex, utf8 } from './hex.js';

// The platform's decoder is the WHATWG reference; ignoreBOM keeps a byte order mark, as ours does.
const reference = new TextDecoder('utf-8', { ignoreBOM: true });

describe('utf8', () => {
  it.each(['', 'a', '\u007f\u0080\u07ff\u0800\uffff', 'grüße €𐍈', '\u{10000}\u{10ffff}', '\ufeffbom'])(
    'encodes %j as TextEncoder does, and decodes it back',
    (text) => {
      expect(toHex(encodeUtf8(text))).toBe(toHex(utf8(text)));
      expect(utf8Size(text)).toBe(utf8(text).length);
      expect(decodeUtf8(encodeUtf8(text))).toBe(text);
    },
  );

  it.each(['\ud800', '\udc00', 'a\ud800b', '\udc00\ud800', '\ud800\ud800\udc00'])(
    'writes a lone surrogate as U+FFFD: %j',
    (text) => {
      expect(toHex(encodeUtf8(text))).toBe(toHex(utf8(text)));
      expect(utf8Size(text)).toBe(utf8(text).length);
    },
  );

  it.each([
    ['a lone continuation byte', '80'],
    ['an overlong two-byte form', 'c080'],
    ['an overlong three-byte form', 'e08080'],
    ['an overlong four-byte form', 'f0808080'],
    ['a surrogate', 'eda080'],
    ['a point beyond U+10FFFF', 'f4908080'],
    ['bytes that never occur', 'f5fcfeff'],
    ['a sequence cut off by the end', 'f09f98'],
    ['a sequence cut off by a letter', 'e28261'],
    ['a sequence cut off by another lead byte', 'e282e282ac'],
  ])('replaces each maximal invalid part by one U+FFFD: %s', (_name, hex) => {
    expect(decodeUtf8(fromHex(hex))).toBe(reference.decode(fromHex(hex)));
  });

  it('decodes a text longer than one call takes arguments', () => {
    const text = 'é𐍈'.repeat(100_000);
    expect(decodeUtf8(utf8(text))).toBe(text);
  });

  it('writes at a position and returns the position after', () => {
    const bytes = new Uint8Array(5);
    expect(writeUtf8(bytes, 1, 'aé')).toBe(4);
    expect(toHex(bytes)).toBe('0061c3a900');
  });
});
