import { describe, expect, it } from 'vitest';

import { asGroupId } from '../../src/raft/types.js';
import type { JournalOptions } from '../../src/storage/journal-options.js';
import { FaultyDisk, settle } from './faulty-file-system.js';
import { entry, filePath, GroupWriter, logText, openJournal, recordReports } from './journal-harness.js';

describe('a journal on a disk that is full', () => {
  /** A journal that writes again when it is told to. */
  async function fullJournal(options: Partial<JournalOptions> = {}) {
    const disk = new FaultyDisk();
    const retries: (() => void)[] = [];
    const roomRetry = (): Promise<void> => new Promise((resolve) => retries.push(resolve));
    const { journal } = await openJournal(disk, { ...options, roomRetry });
    const reports = recordReports(journal);
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    writer.append(entry(1, 1));
    await settle();
    const retry = async (): Promise<void> => {
      retries.splice(0).forEach((resolve) => {
        resolve();
      });
      await settle();
    };
    return { disk, journal, reports, writer, retry };
  }

  it('waits, and goes on by itself when there is room, in order and with nothing lost', async () => {
    const { disk, journal, reports, writer, retry } = await fullJournal();
    disk.isFull = true;
    writer.append(entry(2, 1));
    await settle();
    writer.append(entry(3, 1));
    for (let attempt = 0; attempt < 3; attempt++) await retry();
    expect(reports).toEqual({ durable: [2], failed: [] });
    expect(journal.isFull).toBe(true);
    disk.isFull = false;
    await retry();
    expect(reports).toEqual({ durable: [2, 3, 4], failed: [] });
    expect(journal.isFull).toBe(false);
    disk.crash(() => false);
    expect(logText((await openJournal(disk)).groups.get(asGroupId(1))!.log)).toEqual(logText(writer.log));
  });

  it('has what was durable after a crash, whatever is left of the write that was cut short', async () => {
    for (const keep of [true, false]) {
      const { disk, writer } = await fullJournal();
      disk.isFull = true;
      writer.append(entry(2, 1));
      await settle();
      disk.crash(() => keep);
      disk.isFull = false;
      expect((await openJournal(disk)).groups.get(asGroupId(1))?.log.lastIndex).toBe(1);
    }
  });

  it('begins a new file when there is room for it', async () => {
    const { disk, reports, writer, retry } = await fullJournal({ fileBytes: 8192, preallocateBytes: 4096 });
    writer.append(entry(2, 1, 'x'.repeat(9000)));
    await settle();
    disk.isFull = true;
    writer.append(entry(3, 1));
    await settle();
    await retry();
    expect(reports).toEqual({ durable: [2, 3], failed: [] });
    disk.isFull = false;
    await retry();
    expect(reports).toEqual({ durable: [2, 3, 4], failed: [] });
    expect(disk.paths()).toContain(filePath(2));
    disk.crash(() => false);
    expect((await openJournal(disk)).groups.get(asGroupId(1))?.log.lastIndex).toBe(3);
  });

  it('writes over what was cut short before it begins a new file to make room', async () => {
    const { disk, journal, reports, writer, retry } = await fullJournal();
    disk.isFull = true;
    writer.append(entry(2, 1, 'x'.repeat(900)));
    await settle();
    journal.makeRoom();
    await retry();
    disk.isFull = false;
    await retry();
    writer.append(entry(3, 1));
    await settle();
    expect(reports.failed).toEqual([]);
    expect(disk.paths()).toContain(filePath(2));
    disk.crash(() => true);
    expect((await openJournal(disk)).groups.get(asGroupId(1))?.log.lastIndex).toBe(3);
  });

  it('can be closed: what nobody was told of is given up', async () => {
    const { disk, journal, writer, retry } = await fullJournal();
    disk.isFull = true;
    writer.append(entry(2, 1));
    await settle();
    const closed = journal.close();
    await retry();
    await closed;
    disk.isFull = false;
    disk.crash(() => true);
    expect((await openJournal(disk)).groups.get(asGroupId(1))?.log.lastIndex).toBe(1);
  });
});
