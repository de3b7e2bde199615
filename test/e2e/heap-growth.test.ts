import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const MODULE = new URL('../../dist/src/cli/heap-growth.js', import.meta.url).href;

it('the flag that lets the heap grow is one that this V8 knows: it prints an error about others', () => {
  const run = (script: string) => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    return stdout + stderr;
  };
  expect(run(`(await import('${MODULE}')).letHeapGrow();`)).toBe('');
  expect(run(`(await import('node:v8')).setFlagsFromString('--no-such-flag=1');`)).toContain('unrecognized');
});
