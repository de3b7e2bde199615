import { describe, expect, it } from 'vitest';

import { asGroupId } from '../../src/raft/types.js';
import type { JournalOptions } from '../../src/storage/journal-options.js';
import { FaultyDisk, settle } from './faulty-file-system.js';
import {
  DIRECTORY,
  entry,
  filePath,
  GroupWriter,
  logText,
  openJournal,
  recordReports,
  snapshotOf,
} from './journal-harness.js';

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
    // Until somebody has looked how much is free: room from the ballast is not for records.
    expect(journal.isFull).toBe(true);
    journal.tight(undefined);
    expect(journal.isFull).toBe(false);
    disk.crash(() => false);
    expect(logText((await openJournal(disk)).groups.get(asGroupId(1))!.log)).toEqual(logText(writer.log));
  });

  it('writes a small batch again whose own sync found no room: all of it goes to the disk anew', async () => {
    const { disk, reports, writer, retry } = await fullJournal();
    disk.failNextSync('ENOSPC');
    writer.append(entry(2, 1));
    await settle();
    await retry();
    expect(reports).toEqual({ durable: [2, 3], failed: [] });
    disk.crash(() => false);
    expect(logText((await openJournal(disk)).groups.get(asGroupId(1))!.log)).toEqual(logText(writer.log));
  });

  it('stops when the sync of a large batch finds no room: nobody knows what it wrote (B10)', async () => {
    const { disk, journal, reports, writer, retry } = await fullJournal();
    disk.failNextSync('ENOSPC');
    writer.append(entry(2, 1, 'x'.repeat(70_000)));
    await settle();
    await retry();
    expect(journal.failure).toMatchObject({ metadata: { operation: 'fdatasync', errno: 'ENOSPC' } });
    expect(reports).toEqual({ durable: [2], failed: [journal.failure] });
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

describe('a journal on a disk that is small', () => {
  const BALLAST = 2 ** 23;
  const SMALL: Partial<JournalOptions> = {
    ...{ fileBytes: 2 ** 22, segmentBytes: 2 ** 20, preallocateBytes: 4096, cacheBytes: 0 },
    ...{ checkpointFiles: 1, ballastBytes: BALLAST },
  };
  const PAYLOAD = 'x'.repeat(2 ** 17);

  async function rest(): Promise<void> {
    for (let i = 0; i < 200; i++) await settle();
  }

  /** A journal with a ballast, on a disk that its entries fill to the last byte. */
  async function filled() {
    const disk = new FaultyDisk();
    disk.capacityBytes = 2 ** 25;
    const { journal } = await openJournal(disk, {
      ...SMALL,
      roomRetry: () => new Promise((resolve) => setImmediate(resolve)),
    });
    const reports = recordReports(journal);
    for (let step = 0; journal.ballastMissing > 0; step++) {
      journal.stockUp();
      await settle();
      expect(step).toBeLessThan(100);
    }
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    let index = 0;
    while (!journal.isFull) {
      index += 1;
      writer.append(entry(index, 1, `${String(index)} ${PAYLOAD}`));
      await settle();
    }
    await settle();
    return { disk, journal, reports, writer, index };
  }

  it('writes what was on its way with room from the ballast, and says that the disk is full', async () => {
    const { disk, journal, reports, writer } = await filled();
    expect(journal.isFull).toBe(true);
    expect(journal.ballastMissing).toBeGreaterThan(0);
    expect(journal.ballastMissing).toBeLessThan(BALLAST / 2);
    const votedIn = writer.state(2, 'n2');
    await settle();
    expect(reports.durable.at(-1)).toBe(votedIn);
    disk.crash(() => false);
    expect((await openJournal(disk, SMALL)).groups.get(asGroupId(1))?.hardState.votedFor).toBe('n2');
  });

  it('gets room by a deletion, though it has none to copy what it holds, and takes its ballast again', async () => {
    const { disk, journal, reports, writer, index } = await filled();
    const usedBytes = disk.usedBytes;
    writer.install(snapshotOf(index - 1, 1, 'state', 'n1'));
    await settle();
    for (let look = 0; look < 10; look++) {
      journal.tight(0);
      journal.makeRoom();
      await rest();
    }
    expect(reports.failed).toEqual([]);
    expect(disk.usedBytes).toBeLessThan(usedBytes / 3);
    journal.tight(undefined);
    for (let step = 0; step < 10; step++) {
      journal.stockUp();
      await settle();
    }
    expect(journal.ballastMissing).toBe(0);
    writer.append(entry(index + 1, 1, 'goes on'));
    await settle();
    disk.crash(() => false);
    const { groups } = await openJournal(disk, SMALL);
    expect(logText(groups.get(asGroupId(1))!.log)).toEqual(logText(writer.log));
  });

  it('keeps in segments nothing that a snapshot stands for already, and finds the rest after a crash', async () => {
    const disk = new FaultyDisk();
    const { journal } = await openJournal(disk, SMALL);
    const { failed } = recordReports(journal);
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    for (let index = 1; index <= 20; index++) writer.append(entry(index, 1, `${String(index)} ${PAYLOAD}`));
    writer.install(snapshotOf(15, 1, 'state', 'n1'));
    await settle();
    // The file rolls only now: what is copied out of it was deleted in the same file.
    for (let index = 21; index <= 60; index++) {
      writer.append(entry(index, 1, `${String(index)} ${PAYLOAD}`));
      await settle();
    }
    await rest();
    expect(disk.paths()).toContain(`${DIRECTORY}/checkpoint`);
    const segments = disk.paths().filter((path) => path.startsWith('data/segments/1/'));
    const bytes = segments.reduce((sum, path) => sum + disk.bytes(path).length, 0);
    expect(bytes).toBeLessThan(45 * 2 ** 17 * 1.1);
    disk.crash(() => false);
    const { groups } = await openJournal(disk, SMALL);
    expect(logText(groups.get(asGroupId(1))!.log)).toEqual(logText(writer.log));
    expect(failed).toEqual([]);
  });
});
