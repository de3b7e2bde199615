import { describe, expect, it } from 'vitest';

import { asLogIndex } from '../../src/raft/types.js';
import { FaultyDisk, settle } from './faulty-file-system.js';
import {
  entry,
  filePath,
  GroupWriter,
  logText,
  openJournal,
  recordReports,
  rejection,
} from './journal-harness.js';

const NO_LIMIT = Number.MAX_SAFE_INTEGER;

async function writtenLog(cacheBytes: number, payloads: readonly (string | Uint8Array)[]) {
  const disk = new FaultyDisk();
  const { journal } = await openJournal(disk, { cacheBytes });
  const reports = recordReports(journal);
  const writer = new GroupWriter(journal, 1);
  const other = new GroupWriter(journal, 2);
  writer.state(1);
  other.state(1);
  for (const [i, payload] of payloads.entries()) {
    writer.append(entry(i + 1, 1, payload));
    other.append(entry(i + 1, 1, 'between'));
  }
  await settle();
  return { disk, journal, writer, log: writer.log, reports };
}

const PAYLOADS = ['', 'a', 'payload of eight and some', 'x'.repeat(20_000), 'last'];

describe('reading', () => {
  it('returns the same bytes from memory, from the disk, and from the disk asynchronously', async () => {
    const warm = await writtenLog(1_000_000, PAYLOADS);
    const cold = await writtenLog(0, PAYLOADS);
    const end = asLogIndex(PAYLOADS.length + 1);
    expect(logText(cold.log)).toEqual(logText(warm.log));
    const read = await cold.log.readEntries(asLogIndex(1), end, NO_LIMIT);
    expect(read.map(({ payload }) => Buffer.from(payload).toString())).toEqual(PAYLOADS);
    expect(read.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5]);
  });

  it('of what is in memory asks nothing of the disk', async () => {
    const { disk, log } = await writtenLog(1_000_000, PAYLOADS);
    disk.overwrite(filePath(1), new Uint8Array(0));
    expect(logText(log)).toHaveLength(PAYLOADS.length);
  });

  it('works before anything is on disk', async () => {
    const disk = new FaultyDisk();
    const { journal } = await openJournal(disk, { cacheBytes: 0 });
    disk.holdSyncs = true;
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    writer.append(entry(1, 1), entry(2, 1));
    expect(logText(writer.log)).toEqual(['1/1/1:e1', '2/1/1:e2']);
    await settle();
    expect(logText(writer.log)).toEqual(['1/1/1:e1', '2/1/1:e2']);
  });

  it('never looks on the disk for an entry that has not been written', async () => {
    const { disk, log, writer } = await writtenLog(0, ['a']);
    disk.failNextWrite('EIO');
    writer.append(entry(2, 1, 'b'));
    await settle();
    expect(logText(log)).toEqual(['1/1/1:a', '2/1/1:b']);
  });

  it('stops before bytesMax is exceeded, but returns at least one entry', async () => {
    for (const cacheBytes of [0, 1_000_000]) {
      const { log } = await writtenLog(cacheBytes, ['12345', '12345', '12345', '12345']);
      const count = (bytesMax: number): number => log.entries(asLogIndex(2), asLogIndex(5), bytesMax).length;
      expect([count(0), count(4), count(9), count(10), count(14), count(15), count(100)]).toEqual([
        1, 1, 1, 2, 2, 3, 3,
      ]);
      const read = await log.readEntries(asLogIndex(2), asLogIndex(5), 10);
      expect(read.map(({ index }) => index)).toEqual([2, 3]);
      expect(log.entries(asLogIndex(3), asLogIndex(3), 10)).toEqual([]);
    }
  });

  it('outside the log is a defect', async () => {
    const { log } = await writtenLog(0, ['a']);
    expect(() => log.entries(asLogIndex(0), asLogIndex(1), 1)).toThrow('reading inside the log');
    expect(() => log.entries(asLogIndex(1), asLogIndex(3), 1)).toThrow('reading inside the log');
    expect(() => log.termAt(asLogIndex(2))).toThrow('outside the log');
    expect(log.termAt(asLogIndex(0))).toBe(0);
  });
});

describe('truncation', () => {
  it('replaces what is read, in memory and on disk', async () => {
    for (const cacheBytes of [0, 1_000_000]) {
      const { writer, log } = await writtenLog(cacheBytes, ['a', 'b', 'c']);
      writer.state(2);
      writer.append(entry(2, 2, 'B'));
      expect(log.lastIndex).toBe(2);
      expect(log.termAt(asLogIndex(2))).toBe(2);
      expect(logText(log)).toEqual(['1/1/1:a', '2/2/1:B']);
      await settle();
      expect(logText(log)).toEqual(['1/1/1:a', '2/2/1:B']);
    }
  });

  it('of entries that are on their way to the disk keeps the replacement only', async () => {
    const disk = new FaultyDisk();
    const { journal } = await openJournal(disk, { cacheBytes: 0 });
    disk.holdSyncs = true;
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    writer.append(entry(1, 1, 'old'));
    await settle();
    writer.state(2);
    writer.append(entry(1, 2, 'new'));
    disk.releaseSyncs();
    await settle();
    expect(logText(writer.log)).toEqual(['1/2/1:new']);
    disk.releaseSyncs();
    await settle();
    expect(logText(writer.log)).toEqual(['1/2/1:new']);
  });

  it('during an asynchronous read never lets it return what was replaced', async () => {
    const { writer, log } = await writtenLog(0, ['a', 'b', 'c']);
    const reading = log.readEntries(asLogIndex(1), asLogIndex(4), NO_LIMIT);
    const readingTail = log.readEntries(asLogIndex(3), asLogIndex(4), NO_LIMIT);
    writer.state(2);
    writer.append(entry(2, 2, 'B'), entry(3, 2, 'C'));
    expect((await reading).map(({ payload }) => Buffer.from(payload).toString())).toEqual(['a']);
    expect(await readingTail).toEqual([]);
  });

  it('takes no gap, and no falling term', async () => {
    const { log } = await writtenLog(0, ['a']);
    expect(() => log.append([entry(3, 1)])).toThrow('a log has no gaps');
    expect(() => log.append([entry(2, 0)])).toThrow('terms never fall');
  });
});

describe('damage found by a cold read (B3)', () => {
  it('is never returned, and stops the journal', async () => {
    const { disk, journal, log, writer, reports } = await writtenLog(0, ['a', 'payload', 'c']);
    const position = Buffer.from(disk.bytes(filePath(1))).indexOf('payload');
    const inode = disk.inode(filePath(1));
    inode.visible[position] = 0;
    expect(logText.bind(undefined, log)).toThrow('entry 2 of group 1 is not there any more');
    const error = await rejection(log.readEntries(asLogIndex(2), asLogIndex(3), 1));
    expect(error).toMatchObject({ reason: 'STORAGE_CORRUPT', metadata: { file: filePath(1) } });
    await settle();
    expect(reports.failed).toHaveLength(1);
    expect(journal.failure).toMatchObject({ reason: 'STORAGE_CORRUPT' });
    expect(() => writer.append(entry(4, 1))).toThrow('is damaged');
  });

  it('a file cut short is damage too', async () => {
    const { disk, log } = await writtenLog(0, ['a', 'b']);
    const inode = disk.inode(filePath(1));
    inode.visible = inode.visible.slice(0, 4200);
    expect(() => logText(log)).toThrow('is damaged at byte');
  });
});
