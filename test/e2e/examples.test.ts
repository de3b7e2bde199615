/** The examples run, and import the package by its published names. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('orders.mjs sends, kills the leader, and reads everything back', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/orders.mjs']);
  expect(stdout).toContain('tea is record 0 of partition 0');
  expect(stdout.trimEnd().split('\n').slice(-3)).toEqual(['0: tea', '1: coffee', '2: milk']);
});
