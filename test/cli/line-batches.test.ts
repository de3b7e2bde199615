import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_BYTES_MAX, BATCH_LINES_MAX, lineBatches, LINE_BYTES_MAX } from '../../src/cli/line-batches.js';
import { rejection } from '../client/harness.js';
import { input } from './run.js';

async function collect(stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array[][]> {
  const batches: Uint8Array[][] = [];
  for await (const batch of lineBatches(stdin)) batches.push(batch);
  return batches;
}

describe('lineBatches', () => {
  it('gives the lines of the input, however it is cut into chunks', async () => {
    const cut = fc.array(fc.stringMatching(/^[ab\n]{0,8}$/), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cut, async (chunks) => {
        const lines = (await collect(input(...chunks))).flat().map((line) => Buffer.from(line).toString());
        const expected = chunks.join('').split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(lines).toEqual(expected);
      }),
    );
  });

  it('never exceeds the bounds of a batch', async () => {
    const line = `${'x'.repeat(1000)}\n`;
    const batches = await collect(input(line.repeat(700), '\n'.repeat(1200)));
    for (const batch of batches) {
      expect(batch.length).toBeLessThanOrEqual(BATCH_LINES_MAX);
      expect(batch.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(BATCH_BYTES_MAX);
    }
    expect(batches.flat()).toHaveLength(1900);
  });

  it('refuses a line that no broker would accept, and names it', async () => {
    const error = await rejection(collect(input('ok\n', 'x'.repeat(LINE_BYTES_MAX), 'x')));
    expect(error.reason).toBe('RECORD_BATCH_TOO_LARGE');
    expect(error.metadata['line']).toBe('2');
  });

  it('gives out every line before the one that it refuses, and none behind it', async () => {
    const batches: Uint8Array[][] = [];
    const reading = (async () => {
      const tooLong = 'x'.repeat(LINE_BYTES_MAX + 1);
      for await (const batch of lineBatches(input('a\nb', `\nc\n${tooLong}\nd\n`))) batches.push(batch);
    })();
    expect((await rejection(reading)).metadata['line']).toBe('4');
    expect(batches.flat().map((line) => Buffer.from(line).toString())).toEqual(['a', 'b', 'c']);
  });

  it('passes a failure of the input on', async () => {
    async function* broken() {
      yield Buffer.from('one\n');
      throw new Error('read failed');
    }
    await expect(collect(broken())).rejects.toThrow('read failed');
  });
});
