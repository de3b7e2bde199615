/** How progress is shown: a line for each change, and in a terminal one line that changes. */
import { expect, it } from 'vitest';
import { UnfinishedError, untilDone } from '../../src/cli/progress.js';

async function shown(isTty: boolean, ...texts: readonly string[]): Promise<string> {
  let written = '';
  const err = {
    isTty,
    write: (text: string) => {
      written += text;
      return Promise.resolve();
    },
  };
  const left = [...texts];
  await untilDone(err, { wait: true }, 'list', () => {
    const text = left.shift() ?? '';
    return Promise.resolve({ done: left.length === 0, text });
  });
  return written;
}

it('shows each change once', async () => {
  expect(await shown(false, 'moved 0/1', 'moved 0/1', 'moved 1/1')).toBe('moved 0/1\nmoved 1/1\n');
});

it('stays on one line of a terminal, and leaves it at the end', async () => {
  expect(await shown(true, 'moved 0/1', 'moved 1/1')).toBe('\r\u001b[Kmoved 0/1\r\u001b[Kmoved 1/1\n');
});

it('an end of the time says how far it was and where to look', () => {
  const { message } = new UnfinishedError(5, 'moved 0/1', 'bellwether broker list');
  expect(message).toMatch(/^not done after 5 s: moved 0\/1\n.*background; "bellwether broker list"/);
});
