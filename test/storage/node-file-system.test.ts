import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

import { asGroupId } from '../../src/raft/types.js';
import { readFully } from '../../src/storage/file-system.js';
import { Journal } from '../../src/storage/journal.js';
import { createNodeFileSystem } from '../../src/storage/node-file-system.js';
import { entry, GroupWriter, hardState, INCARNATION, logText } from './journal-harness.js';
import { temporaryDirectory } from './temporary-directory.js';

const fileSystem = createNodeFileSystem();

describe('the real file system', () => {
  it('writes more buffers than one writev takes, in order, and reads them back', async () => {
    const path = `${await temporaryDirectory()}/file`;
    const file = await fileSystem.open(path, { create: true });
    const buffers = Array.from({ length: 3000 }, (_, i) => new Uint8Array(i % 7).fill(i));
    await file.write(buffers, 5);
    await file.sync();
    const expected = Buffer.concat([new Uint8Array(5), ...buffers]);
    expect(await file.size()).toBe(expected.length);
    const read = Buffer.alloc(expected.length + 10);
    expect(await readFully(file, read, 0)).toBe(expected.length);
    expect(read.subarray(0, expected.length)).toEqual(expected);
    const byte = new Uint8Array(1);
    expect(file.readSync(byte, expected.length - 1)).toBe(1);
    expect(byte[0]).toBe(expected.at(-1));
    await file.truncate(6);
    expect(await file.size()).toBe(6);
    await file.close();
  });

  it.each([
    ['a small write', [Uint8Array.of(1, 2), Uint8Array.of(3)]],
    ['a large one', [new Uint8Array(70_000).fill(7)]],
    ['many buffers', Array.from({ length: 1_500 }, (_, i) => Uint8Array.of(i % 251))],
  ])('reads back what was written durably: %s', async (_, buffers) => {
    const path = `${await temporaryDirectory()}/file`;
    const file = await fileSystem.open(path, { create: true });
    await file.writeSynced(buffers, 3);
    const expected = Buffer.concat([new Uint8Array(3), ...buffers]);
    const read = Buffer.alloc(expected.length);
    expect(await readFully(file, read, 0)).toBe(expected.length);
    expect(read.equals(expected)).toBe(true);
    await file.close();
  });

  it('closes a file only after the calls under way', async () => {
    const path = `${await temporaryDirectory()}/file`;
    const file = await fileSystem.open(path, { create: true });
    await file.write([new Uint8Array(1000).fill(9)], 0);
    const into = new Uint8Array(1000);
    const reading = file.read(into, 0);
    await file.close();
    expect(await reading).toBe(1000);
    expect(() => file.readSync(into, 0)).toThrow('a closed file is not used');
  });

  it('tells a missing file from an empty one, and replaces files whole', async () => {
    const directory = await temporaryDirectory();
    const path = `${directory}/file`;
    expect(await fileSystem.readFile(path)).toBeUndefined();
    await expect(fileSystem.open(path, { create: false })).rejects.toMatchObject({ code: 'ENOENT' });
    await fileSystem.writeFileDurably(path, new Uint8Array([1, 2, 3]));
    await fileSystem.writeFileDurably(path, new Uint8Array([4]));
    expect([...((await fileSystem.readFile(path)) ?? [])]).toEqual([4]);
    expect(await fileSystem.list(directory)).toEqual(['file']);
    await fileSystem.remove(path);
    expect(await fileSystem.list(directory)).toEqual([]);
  });

  it('carries a journal over restarts, through several files', async () => {
    const directory = `${await temporaryDirectory()}/journal`;
    const open = () =>
      Journal.open({
        fileSystem,
        directory,
        incarnation: INCARNATION,
        fileBytes: 16_384,
        preallocateBytes: 8192,
        cacheBytes: 0,
      });
    let expected: string[] = [];
    for (let round = 0; round < 4; round++) {
      const { journal, groups } = await open();
      const recovered = groups.get(asGroupId(1));
      expect(recovered === undefined ? [] : logText(recovered.log)).toEqual(expected);
      if (round > 0) expect(recovered?.hardState).toEqual(hardState(round, 'b1'));
      const writer = new GroupWriter(journal, 1, recovered);
      writer.state(round + 1, 'b1');
      for (let i = 0; i < 10; i++) {
        const index = writer.log.lastIndex + 1;
        const sequence = writer.append(entry(index, round + 1, 'x'.repeat(1000)));
        if (i === 4) await durable(journal, sequence);
      }
      await journal.close();
      const again = await open();
      const log = again.groups.get(asGroupId(1))?.log;
      expected = log === undefined ? [] : logText(log);
      expect(expected).toHaveLength(10 * (round + 1));
      await again.journal.close();
    }
    expect((await readdir(directory)).length).toBeGreaterThan(1);
  });
});

/** Resolves once everything up to `sequence` is on disk. */
function durable(journal: Journal, sequence: number): Promise<void> {
  return new Promise((resolve, reject) => {
    journal.listen({
      onDurable: (reached) => {
        if (reached >= sequence) resolve();
      },
      onFailed: reject,
    });
  });
}
