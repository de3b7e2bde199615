import { writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { asGroupId } from '../../src/raft/types.js';
import { type DataDirectoryOptions, openDataDirectory } from '../../src/storage/data-directory.js';
import { lockDirectory } from '../../src/storage/directory-lock.js';
import { Journal } from '../../src/storage/journal.js';
import { createNodeFileSystem } from '../../src/storage/node-file-system.js';
import { FaultyDisk, settle } from './faulty-file-system.js';
import { filePath, GroupWriter, rejection } from './journal-harness.js';
import { temporaryDirectory } from './temporary-directory.js';

/** A folder on a faulty disk; the uuids count up. */
function folder(disk: FaultyDisk, changes: Partial<DataDirectoryOptions> = {}) {
  uuids += 1;
  const uuid = `00000000-0000-4000-8000-${String(uuids).padStart(12, '0')}`;
  return openDataDirectory({
    fileSystem: disk.mount(),
    directory: 'data',
    brokerId: 'b1',
    clusterName: 'green',
    bootstrapVoters: ['b1', 'b2', 'b3'],
    newUuid: () => uuid,
    lock: () => Promise.resolve({ release: () => Promise.resolve() }),
    ...changes,
  });
}
let uuids = 0;

async function openJournalOf(disk: FaultyDisk, opened: { journalDirectory: string; incarnation: string }) {
  const { journalDirectory: directory, incarnation } = opened;
  return Journal.open({
    fileSystem: disk.mount(),
    directory,
    incarnation,
    fileBytes: 8192,
    preallocateBytes: 512,
  });
}

describe('a data folder', () => {
  it('gets an incarnation when it is fresh, and keeps it', async () => {
    const disk = new FaultyDisk();
    const first = await folder(disk);
    disk.crash(() => false);
    const second = await folder(disk);
    expect(second.incarnation).toBe(first.incarnation);
    expect(second.journalDirectory).toBe('data/journal');
    expect((await folder(new FaultyDisk())).incarnation).not.toBe(first.incarnation);
  });

  it('keeps the voters that it was begun with, whatever a restart says (I12)', async () => {
    const disk = new FaultyDisk();
    const first = await folder(disk);
    expect(first.bootstrapVoters).toEqual(['b1', 'b2', 'b3']);
    await first.release();
    for (const bootstrapVoters of [['b1', 'b2'], ['b3', 'b2', 'b1'], ['b1', 'b2', 'b3', 'b4'], []]) {
      const again = await folder(disk, { bootstrapVoters });
      expect(again.bootstrapVoters).toEqual(['b1', 'b2', 'b3']);
      await again.release();
    }
  });

  it('of a broker that joins has no voters, and gets none later (B12)', async () => {
    const disk = new FaultyDisk();
    const first = await folder(disk, { bootstrapVoters: [] });
    expect(first.bootstrapVoters).toEqual([]);
    await first.release();
    expect((await folder(disk)).bootstrapVoters).toEqual([]);
  });

  it('of another broker or cluster is refused, naming both', async () => {
    const disk = new FaultyDisk();
    await folder(disk);
    for (const other of [{ brokerId: 'b2' }, { clusterName: 'blue' }]) {
      const error = await rejection(folder(disk, other));
      expect(error.reason).toBe('DATA_DIRECTORY_MISMATCH');
      expect(error.message).toContain('belongs to broker b1 of cluster green');
      for (const name of Object.values(other)) expect(error.message).toContain(name);
    }
  });

  it('with a journal but no broker.json is not taken for fresh (B4)', async () => {
    const disk = new FaultyDisk();
    const { journal } = await openJournalOf(disk, await folder(disk));
    new GroupWriter(journal, 1).state(1, 'b1');
    await settle();
    disk.delete('data/broker.json');
    const before = disk.bytes(filePath(1)).slice();
    expect(await rejection(folder(disk))).toMatchObject({
      reason: 'STORAGE_CORRUPT',
      metadata: { file: 'data/broker.json' },
    });
    expect(disk.bytes(filePath(1))).toEqual(before);
    expect(disk.paths()).not.toContain('data/broker.json');
  });

  it('with broker.json but without its journal is not taken for fresh (B6, B12)', async () => {
    const disk = new FaultyDisk();
    await folder(disk);
    disk.delete(filePath(1));
    expect((await rejection(folder(disk))).message).toContain('the journal of this broker is gone');
  });

  it('with a damaged broker.json is refused', async () => {
    for (const text of [
      '',
      '{',
      'null',
      '{"formatVersion":1}',
      '{"formatVersion":1,"brokerId":"b1","clusterName":"green","brokers":["b1"],"incarnation":"?"}',
    ]) {
      const disk = new FaultyDisk();
      await folder(disk);
      disk.overwrite('data/broker.json', new TextEncoder().encode(text));
      expect((await rejection(folder(disk))).reason, text).toBe('STORAGE_CORRUPT');
    }
  });

  it('of a newer format is refused as such', async () => {
    const disk = new FaultyDisk();
    await folder(disk);
    disk.overwrite('data/broker.json', new TextEncoder().encode('{"formatVersion":2}'));
    const error = await rejection(folder(disk));
    expect(error.reason).toBe('DATA_DIRECTORY_UNUSABLE');
    expect(error.message).toContain('format version 2');
  });

  it('whose making was cut short at any sync is made again', async () => {
    for (let syncs = 0; syncs <= 2; syncs++) {
      for (const keep of [true, false]) {
        const disk = new FaultyDisk();
        disk.holdSyncs = true;
        void folder(disk);
        for (let i = 0; i < syncs; i++) {
          await settle();
          disk.releaseSyncs();
        }
        await settle();
        disk.crash(
          () => keep,
          () => keep,
        );
        disk.holdSyncs = false;
        const opened = await folder(disk);
        const { journal } = await openJournalOf(disk, opened);
        new GroupWriter(journal, 1).state(1);
        await settle();
        disk.crash(() => false);
        const { groups } = await openJournalOf(disk, await folder(disk));
        expect([...groups.keys()]).toEqual([asGroupId(1)]);
      }
    }
  });

  it('gives its lock back when it is refused', async () => {
    const disk = new FaultyDisk();
    await folder(disk);
    let held = 0;
    const lock = () => {
      held += 1;
      return Promise.resolve({
        release: () => {
          held -= 1;
          return Promise.resolve();
        },
      });
    };
    await rejection(folder(disk, { brokerId: 'b2', lock }));
    expect(held).toBe(0);
    const opened = await folder(disk, { lock });
    expect(held).toBe(1);
    await opened.release();
    expect(held).toBe(0);
  });
});

describe('a real data folder', () => {
  function realFolder(directory: string) {
    return openDataDirectory({
      fileSystem: createNodeFileSystem(),
      directory,
      brokerId: 'b1',
      clusterName: 'green',
      bootstrapVoters: ['b1', 'b2', 'b3'],
      newUuid: randomUUID,
      lock: lockDirectory,
    });
  }

  it('is made with the folders above it, is locked, and reopens', async () => {
    const directory = `${await temporaryDirectory()}/a/b/data`;
    const first = await realFolder(directory);
    expect((await rejection(realFolder(directory))).reason).toBe('DATA_DIRECTORY_IN_USE');
    await first.release();
    const second = await realFolder(directory);
    expect(second.incarnation).toBe(first.incarnation);
    await second.release();
  });

  it('that cannot be made is named with the errno in one line', async () => {
    const root = await temporaryDirectory();
    await writeFile(`${root}/file`, '');
    for (const [directory, errno] of [
      [`${root}/file`, 'EEXIST'],
      [`${root}/file/data`, 'ENOTDIR'],
    ] as const) {
      const error = await rejection(realFolder(directory));
      expect(error).toMatchObject({
        reason: 'DATA_DIRECTORY_UNUSABLE',
        message: `the data folder ${directory} cannot be used: ${errno}`,
      });
    }
  });
});
