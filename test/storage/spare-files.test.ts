import { describe, expect, it } from 'vitest';

import { asGroupId } from '../../src/raft/types.js';
import { FILE_HEADER_BYTES, type JournalFile } from '../../src/storage/journal-file.js';
import type { JournalOptions } from '../../src/storage/journal-options.js';
import { SpareFiles } from '../../src/storage/spare-files.js';
import { FaultyDisk, settle } from './faulty-file-system.js';
import {
  DIRECTORY,
  entry,
  filePath,
  GroupWriter,
  logText,
  openJournal,
  recordReports,
  rejection,
} from './journal-harness.js';

const GROUP = asGroupId(1);
const FILE_BYTES = 5000;
const SMALL: Partial<JournalOptions> = {
  fileBytes: FILE_BYTES,
  segmentBytes: 2000,
  preallocateBytes: 512,
  cacheBytes: 0,
  checkpointFiles: 1,
  roomRetry: settle,
};

/** Long enough for all that is under way in the background. */
async function rest(): Promise<void> {
  for (let i = 0; i < 20; i++) await settle();
}

function payload(index: number): string {
  return `${String(index)} ${'x'.repeat(80)}`;
}

async function appendEach(writer: GroupWriter, from: number, to: number): Promise<void> {
  for (let index = from; index <= to; index++) {
    writer.append(entry(index, 1, payload(index)));
    await settle();
  }
}

/** A journal whose last file was written over an earlier one, and has room for a few more entries. */
async function recycledJournal(disk: FaultyDisk) {
  const { journal } = await openJournal(disk, SMALL);
  const reports = recordReports(journal);
  const writer = new GroupWriter(journal, 1);
  writer.state(1);
  await appendEach(writer, 1, 40);
  await rest();
  await appendEach(writer, 41, 44);
  await rest();
  return { journal, writer, reports };
}

function journalFiles(disk: FaultyDisk): string[] {
  return disk.paths().filter((path) => path.startsWith(DIRECTORY) && path.endsWith('.log'));
}

async function recoveredText(disk: FaultyDisk): Promise<string[]> {
  const { groups } = await openJournal(disk, SMALL);
  return logText(groups.get(GROUP)!.log);
}

describe('journal files that a checkpoint stands for', () => {
  it('are written over: the journal does not grow, and keeps all of them that it needs', async () => {
    const disk = new FaultyDisk();
    const { writer, reports } = await recycledJournal(disk);
    const sizes: number[] = [];
    for (let round = 0; round < 10; round++) {
      await appendEach(writer, 45 + 20 * round, 64 + 20 * round);
      await rest();
      sizes.push(journalFiles(disk).reduce((sum, path) => sum + disk.bytes(path).length, 0));
    }
    expect(journalFiles(disk)).not.toContain(filePath(9));
    expect(Math.max(...sizes)).toBeLessThan(5 * 1.2 * FILE_BYTES);
    expect(reports.failed).toEqual([]);
    disk.crash(() => false);
    expect(await recoveredText(disk)).toEqual(logText(writer.log));
  });

  it('leave bytes of their earlier life behind the end, which are no damage and no frames', async () => {
    const disk = new FaultyDisk();
    const { writer } = await recycledJournal(disk);
    const last = disk.bytes(journalFiles(disk).at(-1) ?? '');
    expect(last.length).toBeGreaterThanOrEqual(FILE_BYTES);
    expect(last.subarray(-8)).not.toEqual(new Uint8Array(8));
    disk.crash(() => false);
    expect(await recoveredText(disk)).toEqual(logText(writer.log));
  });

  it('have a torn tail cut wherever it was torn, and nothing of it comes back', async () => {
    for (let kept = 0; kept <= 300; kept += 12) {
      for (const isEnd of [false, true]) {
        const disk = new FaultyDisk();
        const { writer } = await recycledJournal(disk);
        const before = logText(writer.log);
        disk.holdSyncs = true;
        writer.append(entry(45, 1, payload(45)), entry(46, 1, payload(46)));
        await settle();
        disk.crash((i, length) => (isEnd ? i >= length - kept : i < kept));
        disk.holdSyncs = false;
        const { journal, groups } = await openJournal(disk, SMALL);
        const found = groups.get(GROUP);
        const foundText = logText(found!.log);
        expect([...before, ...logText(writer.log).slice(44)].slice(0, foundText.length)).toEqual(foundText);
        expect(foundText.length).toBeGreaterThanOrEqual(44);
        // Of the size of the one that was torn, so that its remnants stand right behind.
        const next = new GroupWriter(journal, 1, found);
        next.append(entry(foundText.length + 1, 1, payload(99)));
        await settle();
        disk.crash(() => false);
        expect(await recoveredText(disk), `${String(kept)} bytes kept`).toEqual(logText(next.log));
      }
    }
  });

  it('show damage to what was synced in them (B3)', async () => {
    const disk = new FaultyDisk();
    await recycledJournal(disk);
    disk.crash(() => false);
    const path = journalFiles(disk).at(-1) ?? '';
    for (let at = FILE_HEADER_BYTES; at < FILE_HEADER_BYTES + 100; at += 9) {
      disk.flipBit(path, at);
      expect(await rejection(openJournal(disk, SMALL))).toMatchObject({ metadata: { file: path } });
      disk.flipBit(path, at);
    }
  });

  it('are removed when room is short, and before room is taken from the ballast', async () => {
    const disk = new FaultyDisk();
    const { journal, writer, reports } = await recycledJournal(disk);
    const before = journalFiles(disk).length;
    journal.tight(100_000_000);
    await rest();
    expect(journalFiles(disk).length).toBeLessThan(before);
    journal.tight(undefined);
    await appendEach(writer, 45, 90);
    await rest();
    const again = journalFiles(disk).length;
    disk.capacityBytes = disk.usedBytes;
    writer.append(entry(91, 1, 'y'.repeat(5000)));
    await rest();
    expect(journalFiles(disk).length).toBeLessThan(again);
    expect(reports).toMatchObject({ failed: [] });
    disk.crash(() => false);
    expect((await recoveredText(disk)).length).toBe(91);
  });

  it('are removed by a restart', async () => {
    const disk = new FaultyDisk();
    const { journal, writer } = await recycledJournal(disk);
    const text = logText(writer.log);
    const before = journalFiles(disk).length;
    await journal.close();
    expect(await recoveredText(disk)).toEqual(text);
    expect(journalFiles(disk).length).toBeLessThan(before);
  });

  it('are not kept while somebody reads them, nor in any number, nor when they are short or huge', async () => {
    const disk = new FaultyDisk();
    const fileSystem = disk.mount();
    const spares = new SpareFiles(fileSystem, 100);
    const retire = async (name: string, bytes: number, readers = 0): Promise<void> => {
      disk.overwrite(`${DIRECTORY}/${name}`, new Uint8Array(bytes));
      const path = `${DIRECTORY}/${name}`;
      const storage = await fileSystem.open(path, { create: false });
      const file: JournalFile = {
        ...{ sequence: 1, path, storage, seed: 1, seal: undefined, readers, isRetired: false },
      };
      await spares.retire(file, false);
    };
    await retire('read', 100, 1);
    await retire('short', 99);
    await retire('huge', 201);
    for (const name of ['a', 'b', 'c', 'd']) await retire(name, 120);
    expect(disk.paths()).toEqual(['a', 'b', 'c'].map((name) => `${DIRECTORY}/${name}`));
    expect(spares.take()).toEqual({ path: `${DIRECTORY}/a`, sizeBytes: 120 });
    expect(await spares.clear()).toBe(240);
    expect(disk.paths()).toEqual([`${DIRECTORY}/a`]);
  });
});
