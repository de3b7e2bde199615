import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

import { lockDirectory } from '../../src/storage/directory-lock.js';
import { rejection } from './journal-harness.js';
import { temporaryDirectory } from './temporary-directory.js';

/** Leaves the socket of a process that was killed, as after kill -9 of a broker. */
async function leaveDeadSocket(path: string): Promise<void> {
  const program = `require('node:net').createServer().listen(process.argv[1], () => console.log('bound'))`;
  const child = spawn(process.execPath, ['-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('the lock of a data folder', () => {
  it('is held once, also within one process, and is free after its release', async () => {
    const directory = await temporaryDirectory();
    const lock = await lockDirectory(directory);
    const error = await rejection(lockDirectory(directory));
    expect(error).toMatchObject({ reason: 'DATA_DIRECTORY_IN_USE', metadata: { directory } });
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
    const again = await lockDirectory(directory);
    await again.release();
  });

  it('of a killed process is taken over', async () => {
    const directory = await temporaryDirectory();
    await leaveDeadSocket(`${directory}/lock.sock`);
    expect(await readdir(directory)).toEqual(['lock.sock']);
    const lock = await lockDirectory(directory);
    expect((await rejection(lockDirectory(directory))).reason).toBe('DATA_DIRECTORY_IN_USE');
    await lock.release();
  });

  it('of a killed process is taken over by one of many that try at once', async () => {
    const directory = await temporaryDirectory();
    await leaveDeadSocket(`${directory}/lock.sock`);
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockDirectory(directory)));
    const locks = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(locks).toHaveLength(1);
    for (const lock of locks) await lock.release();
  });

  it('works for a path that is too long for a socket, under every name of the folder', async () => {
    const root = await temporaryDirectory();
    const directory = `${root}/${'long-name-'.repeat(10)}/data`;
    await mkdir(directory, { recursive: true });
    const lock = await lockDirectory(directory);
    expect((await rejection(lockDirectory(`${directory}/../data`))).reason).toBe('DATA_DIRECTORY_IN_USE');
    expect(await readdir(directory)).toEqual([]);
    await lock.release();
    const again = await lockDirectory(directory);
    await again.release();
  });

  it('says in one line why it cannot be made', async () => {
    const root = await temporaryDirectory();
    await writeFile(`${root}/file`, '');
    const error = await rejection(lockDirectory(`${root}/file`));
    expect(error).toMatchObject({
      reason: 'DATA_DIRECTORY_UNUSABLE',
      message: `the data folder ${root}/file cannot be locked: ENOTDIR`,
    });
  });
});
