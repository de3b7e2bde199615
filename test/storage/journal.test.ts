import { describe, expect, it } from 'vitest';

import { BellwetherError } from '../../src/errors.js';
import { asGroupId } from '../../src/raft/types.js';
import { FaultyDisk, settle } from './faulty-file-system.js';
import {
  entry,
  filePath,
  GroupWriter,
  hardState,
  logText,
  openJournal,
  recordReports,
} from './journal-harness.js';

async function freshJournal(options: Parameters<typeof openJournal>[1] = {}) {
  const disk = new FaultyDisk();
  const { journal } = await openJournal(disk, options);
  return { disk, journal, reports: recordReports(journal) };
}

describe('group commit', () => {
  it('lets everything submitted during a sync ride on the next one', async () => {
    const { disk, journal, reports } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    disk.holdSyncs = true;
    await settle();
    const before = disk.syncCount;
    for (let index = 1; index <= 100; index++) writer.append(entry(index, 1));
    await settle();
    expect(disk.syncCount).toBe(before);
    disk.releaseSyncs();
    await settle();
    expect(disk.syncCount).toBe(before + 1);
    disk.releaseSyncs();
    await settle();
    expect(disk.syncCount).toBe(before + 1);
    expect(reports.durable).toEqual([1, 101]);
  });

  it('puts what is submitted in one turn of the event loop, by any group, under one sync', async () => {
    const { disk, journal, reports } = await freshJournal();
    const before = disk.syncCount;
    for (let group = 1; group <= 20; group++) new GroupWriter(journal, group).state(1);
    await settle();
    expect(disk.syncCount).toBe(before + 1);
    expect(reports.durable).toEqual([20]);
  });

  it('hands payloads to the disk uncopied', async () => {
    const { disk, journal } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    const payload = new Uint8Array(100).fill(7);
    writer.state(1);
    writer.append(entry(1, 1, payload));
    await settle();
    expect(disk.lastWrite).toContain(payload);
  });

  it('takes an empty submission as a barrier behind what was submitted before', async () => {
    const { disk, journal, reports } = await freshJournal();
    disk.holdSyncs = true;
    new GroupWriter(journal, 1).state(1);
    await settle();
    expect(journal.submit([])).toBe(2);
    await settle();
    expect(reports.durable).toEqual([]);
    disk.releaseSyncs();
    await settle();
    expect(reports.durable).toEqual([1, 2]);
  });
});

describe('durability reports', () => {
  it('never come before the sync has finished (B1, B8), and come in order', async () => {
    const { disk, journal, reports } = await freshJournal();
    disk.holdSyncs = true;
    const writer = new GroupWriter(journal, 1);
    expect([writer.state(1), writer.append(entry(1, 1)), writer.append(entry(2, 1))]).toEqual([1, 2, 3]);
    await settle();
    expect(reports.durable).toEqual([]);
    expect(journal.durableSequence).toBe(0);
    writer.append(entry(3, 1));
    disk.releaseSyncs();
    await settle();
    expect(reports.durable).toEqual([3]);
    disk.releaseSyncs();
    await settle();
    expect(reports.durable).toEqual([3, 4]);
    expect(journal.durableSequence).toBe(4);
  });

  it('wait for the folder when a file is new, so that its name survives too', async () => {
    const disk = new FaultyDisk();
    for (let index = 1; index <= 8; index++) {
      const { journal, groups } = await openJournal(disk, { fileBytes: 8192 });
      const recovered = groups.get(asGroupId(1));
      expect(recovered?.log.lastIndex ?? 0).toBe(index - 1);
      const writer = new GroupWriter(journal, 1, recovered);
      if (recovered === undefined) writer.state(1);
      const sequence = writer.append(entry(index, 1, new Uint8Array(1500).fill(index)));
      await settle();
      expect(journal.durableSequence).toBe(sequence);
      disk.crash(() => false);
    }
    expect(disk.paths()).toContain(filePath(2));
  });
});

describe('fail-stop', () => {
  it('a failed fsync is never asked again, though a second one would succeed (B10)', async () => {
    const { disk, journal, reports } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    await settle();
    disk.failNextSync('EIO');
    writer.append(entry(1, 1));
    await settle();
    const { syncCount } = disk;
    expect(reports.failed).toHaveLength(1);
    expect(reports.failed[0]).toMatchObject({
      reason: 'STORAGE_FAILED',
      message: `synced write of ${filePath(1)} failed: EIO`,
      metadata: { file: filePath(1), operation: 'synced write', errno: 'EIO' },
    });
    expect(() => writer.append(entry(2, 1))).toThrow(reports.failed[0]);
    expect(() => journal.submit([])).toThrow(BellwetherError);
    await settle();
    expect(disk.syncCount).toBe(syncCount);
    expect(reports).toEqual({ durable: [1], failed: [journal.failure] });
  });

  it('stops at a failed write, and drops what was queued behind it', async () => {
    const { disk, journal, reports } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    disk.holdSyncs = true;
    writer.state(1);
    await settle();
    disk.failNextWrite('EIO');
    writer.append(entry(1, 1));
    disk.releaseSyncs();
    await settle();
    expect(reports.durable).toEqual([1]);
    expect(reports.failed.map((error) => error.metadata['errno'])).toEqual(['EIO']);
    disk.holdSyncs = false;
    await journal.close();
    disk.crash(() => false);
    const { groups } = await openJournal(disk);
    expect(groups.get(asGroupId(1))?.log.lastIndex).toBe(0);
  });

  it('what recovery returns after a failed fsync is on disk, not only in the memory of the kernel', async () => {
    const { disk, journal } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    await settle();
    disk.failNextSync('EIO');
    writer.append(entry(1, 1));
    await settle();
    disk.kill();
    const first = await openJournal(disk);
    const seen = first.groups.get(asGroupId(1));
    expect(seen === undefined ? undefined : logText(seen.log)).toEqual(['1/1/1:e1']);
    disk.crash(() => false);
    const second = await openJournal(disk);
    expect(second.groups.get(asGroupId(1))?.log.lastIndex).toBe(1);
  });

  it('close writes what was submitted before', async () => {
    const { disk, journal, reports } = await freshJournal();
    new GroupWriter(journal, 1).state(3, 'b2');
    await journal.close();
    expect(reports.durable).toEqual([1]);
    disk.crash(() => false);
    const { groups } = await openJournal(disk);
    expect(groups.get(asGroupId(1))?.hardState).toEqual(hardState(3, 'b2'));
  });
});

describe('rules of submission', () => {
  it('a term goes before its entries (B13), and never falls', async () => {
    const { journal } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    expect(() => writer.append(entry(1, 1))).toThrow('a term is submitted before its entries');
    writer.state(5);
    expect(() => writer.state(4)).toThrow('a term never falls');
  });

  it('a vote is never changed within a term (B11)', async () => {
    const { journal } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    writer.state(5, 'b1');
    expect(() => writer.state(5, 'b2')).toThrow('a vote is never changed within a term');
    expect(() => writer.state(5)).toThrow('a vote is never changed within a term');
    writer.state(6, 'b2');
  });

  it('a committed entry is never replaced (I7)', async () => {
    const { journal } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    writer.append(entry(1, 1), entry(2, 1));
    writer.state(1, undefined, 2);
    expect(() => writer.append(entry(2, 1))).toThrow('a committed entry is never replaced');
  });

  it('a commit hint is lowered to what was submitted before, as a torn tail may cut the rest', async () => {
    const { disk, journal } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    writer.append(entry(1, 1));
    writer.state(1, undefined, 5);
    await settle();
    disk.crash(() => false);
    const { groups } = await openJournal(disk);
    expect(groups.get(asGroupId(1))?.hardState.commit).toBe(1);
  });

  it('entries that are not in the log first, or differ from it, are refused', async () => {
    const { journal } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    writer.log.append([entry(1, 1)]);
    expect(() => journal.submit([{ kind: 'entries', group: writer.group, entries: [entry(1, 1)] }])).toThrow(
      'submitted as they were appended',
    );
  });

  it('bounds what is pending', async () => {
    const { disk, journal } = await freshJournal({ pendingBytesMax: 10_000 });
    disk.holdSyncs = true;
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    writer.append(entry(1, 1, new Uint8Array(9000)));
    expect(() => writer.append(entry(2, 1, new Uint8Array(1000)))).toThrow('callers bound what is pending');
  });

  it('what is durable is not pending any more', async () => {
    const { journal, reports } = await freshJournal({ pendingBytesMax: 10_000 });
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    for (let index = 1; index <= 5; index++) {
      writer.append(entry(index, 1, new Uint8Array(9000)));
      await settle();
    }
    expect(reports.durable.at(-1)).toBe(6);
  });
});

describe('files', () => {
  it('a new file begins when the size is exceeded, and all of them come back', async () => {
    const { disk, journal } = await freshJournal({ fileBytes: 8192, cacheBytes: 0 });
    const writer = new GroupWriter(journal, 7);
    writer.state(2, 'b1');
    for (let index = 1; index <= 40; index++) {
      writer.append(entry(index, 2, `${index}`.padEnd(500, '.')));
      await settle();
    }
    const expected = logText(writer.log);
    await journal.close();
    expect(disk.paths().length).toBeGreaterThan(4);
    disk.crash(() => false);
    const { groups } = await openJournal(disk, { cacheBytes: 0 });
    const recovered = groups.get(asGroupId(7));
    expect(recovered?.hardState).toEqual(hardState(2, 'b1'));
    expect(recovered === undefined ? [] : logText(recovered.log)).toEqual(expected);
  });

  it('zeros are written ahead, so that most syncs need no new size', async () => {
    const { disk, journal } = await freshJournal({ preallocateBytes: 16_384 });
    const writer = new GroupWriter(journal, 1);
    const sizes = new Set<number>();
    writer.state(1);
    for (let index = 1; index <= 100; index++) {
      writer.append(entry(index, 1, new Uint8Array(200)));
      await settle();
      sizes.add(disk.bytes(filePath(1)).length);
    }
    expect([...sizes]).toEqual([16_384, 32_768]);
  });

  it('a truncation by an overlapping append survives a restart', async () => {
    const { disk, journal } = await freshJournal();
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    writer.append(entry(1, 1), entry(2, 1, 'old'), entry(3, 1, 'old'));
    writer.state(2);
    writer.append(entry(2, 2, 'new'));
    await settle();
    disk.crash(() => false);
    const { groups } = await openJournal(disk);
    const recovered = groups.get(asGroupId(1));
    expect(recovered === undefined ? [] : logText(recovered.log)).toEqual(['1/1/1:e1', '2/2/1:new']);
  });

  it('a dropped group stays dropped, and the others stay', async () => {
    const { disk, journal } = await freshJournal();
    const dropped = new GroupWriter(journal, 1);
    const kept = new GroupWriter(journal, 2);
    for (const writer of [dropped, kept]) {
      writer.state(1);
      writer.append(entry(1, 1));
    }
    dropped.drop();
    expect(() => dropped.state(2)).toThrow('a group has a log before');
    await settle();
    disk.crash(() => false);
    const { groups } = await openJournal(disk);
    expect([...groups.keys()]).toEqual([2]);
  });
});
