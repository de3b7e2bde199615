import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINE_SIZE_MAX_BYTES, LineSplitter, type Frame } from '../../src/bridge/framing.js';

function split(...chunks: Uint8Array[]): Frame[] {
  const splitter = new LineSplitter();
  return [...chunks.flatMap((chunk) => [...splitter.push(chunk)]), ...splitter.end()];
}

function texts(frames: readonly Frame[]): string[] {
  return frames.map((frame) => {
    if (frame.kind === 'line') return frame.text;
    return frame.kind === 'unusable' ? `! ${frame.why}` : `! too long: ${frame.envelope}`;
  });
}

describe('LineSplitter', () => {
  it('finds the same lines wherever the bytes are cut', () => {
    const bytes = Buffer.from('{"a": "é😀"}\r\n{"b": 2}\n{"c"}');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const frames = split(bytes.subarray(0, cut), bytes.subarray(cut));
      expect(texts(frames)).toEqual(['{"a": "é😀"}', '{"b": 2}', '{"c"}']);
    }
    const single = split(...Array.from(bytes, (byte) => Uint8Array.of(byte)));
    expect(texts(single)).toEqual(['{"a": "é😀"}', '{"b": 2}', '{"c"}']);
  });

  it('serves a line of exactly the longest length, and drops one a byte longer', () => {
    const longest = Buffer.alloc(LINE_SIZE_MAX_BYTES, 'x');
    expect(texts(split(longest, Buffer.from('\n')))).toEqual([longest.toString()]);
    expect(texts(split(longest, Buffer.from('x\nnext\n')))).toEqual(['! too long: {"body":{}}', 'next']);
  });

  it('reports a line of 10 MB once, at its end, and keeps none of it', () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const frames: Frame[] = [];
    for (let sent = 0; sent < 10_000_000; sent += chunk.length) {
      frames.push(...splitter.push(chunk));
    }
    expect(frames).toEqual([]);
    const rest = texts([...splitter.push(Buffer.from('\n{"a": 1}\n'))]);
    expect(rest).toEqual(['! too long: {"body":{}}', '{"a": 1}']);
    expect([...splitter.end()]).toEqual([]);
    expect(texts(split(Buffer.alloc(2 * LINE_SIZE_MAX_BYTES, 'x')))).toEqual(['! too long: {"body":{}}']);
  });

  it('reports bytes that are not UTF-8 and serves the next line', () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      expect(texts(split(Uint8Array.from([...bytes, 0x0a, 0x7b, 0x7d, 0x0a])))).toEqual([
        `! a line of ${bytes.length} bytes is not valid UTF-8`,
        '{}',
      ]);
    }
  });

  it('reports empty and blank lines', () => {
    expect(texts(split(Buffer.from('\n \t\r\n{}\n')))).toEqual([
      '! an empty line was ignored',
      '! an empty line was ignored',
      '{}',
    ]);
  });

  it('finds what String.split finds, however the text is cut', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '"'), minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), fc.array(fc.nat(50), { maxLength: 5 }), (lines, cuts) => {
        const bytes = Buffer.from(lines.join('\n'));
        const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(texts(split(...chunks))).toEqual(lines);
      }),
    );
  });
});
