/** The examples run, and import the package by its published names. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';

it('orders.mjs sends, kills the leader, and reads everything back', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/orders.mjs']);
  expect(stdout).toContain('tea is record 0 of partition 0');
  expect(stdout.trimEnd().split('\n').slice(-3)).toEqual(['0: tea', '1: coffee', '2: milk']);
});

it('billing.mjs reads headers and a tombstone, and its group goes on where it committed', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/billing.mjs']);
  expect(stdout.trimEnd().split('\n')).toEqual([
    '0: customer-1 has tea (trace a1)',
    '1: customer-2 has coffee',
    'another consumer of the group goes on:',
    '2: customer-1 has nothing',
    'committed: 2',
  ]);
});

it('the package by its bare name is its client', () => {
  const require = createRequire(import.meta.url);
  expect(require.resolve('bellwether')).toBe(require.resolve('bellwether/client'));
});
