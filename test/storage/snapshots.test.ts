import { describe, expect, it } from 'vitest';

import { asGroupId, asLogIndex } from '../../src/raft/types.js';
import { GroupLog } from '../../src/storage/group-log.js';
import { PayloadCache } from '../../src/storage/payload-cache.js';
import { FaultyDisk, settle } from './faulty-file-system.js';
import {
  entry,
  filePath,
  GroupWriter,
  logText,
  membershipEntry,
  membershipsText,
  openJournal,
  snapshotOf,
  snapshotText,
} from './journal-harness.js';
import { fiveEntries, GROUP, recovered } from './snapshot-harness.js';

const NO_LIMIT = Number.MAX_SAFE_INTEGER;

describe('a snapshot at an entry of the log', () => {
  it('takes the place of the entries up to it, and the rest stays, also after a restart', async () => {
    const { disk, writer, log } = await fiveEntries();
    writer.install(snapshotOf(4, 2, 'four', 'n2', 'n1'));
    await settle();
    const again = await recovered(disk);
    for (const each of [log, again.log]) {
      expect([each.firstIndex, each.lastIndex]).toEqual([5, 5]);
      expect(snapshotText(each)).toBe('4/2/n2,n1:four');
      expect(logText(each)).toEqual(['5/2/1:e5']);
      expect(membershipsText(each)).toEqual([]);
      expect([each.termAt(asLogIndex(4)), each.termAt(asLogIndex(5))]).toEqual([2, 2]);
      expect(() => each.termAt(asLogIndex(3))).toThrow('outside the log');
      expect(() => each.entries(asLogIndex(4), asLogIndex(5), 1)).toThrow('reading inside the log');
    }
    expect(again.hardState.commit).toBe(4);
  });

  it('may stand at the last entry: the log goes on behind it', async () => {
    const { disk, writer } = await fiveEntries();
    writer.install(snapshotOf(5, 2, 'five', 'n1', 'n2'));
    expect(writer.log.lastIndex).toBe(5);
    writer.append(entry(6, 2));
    await settle();
    const { log } = await recovered(disk);
    expect(logText(log)).toEqual(['6/2/1:e6']);
  });

  it('keeps the memberships behind it', async () => {
    const { disk, writer } = await fiveEntries();
    writer.append(membershipEntry(6, 2, 'n1', 'n2', 'n3'));
    writer.install(snapshotOf(2, 1, 'two', 'n1'));
    await settle();
    const { log } = await recovered(disk);
    for (const each of [writer.log, log]) expect(membershipsText(each)).toEqual(['3/n1,n2', '6/n1,n2,n3']);
  });

  it('takes the place of the one before it, at the same index too', async () => {
    const { disk, writer } = await fiveEntries();
    writer.install(snapshotOf(4, 2, 'old', 'n1', 'n2'));
    writer.install(snapshotOf(4, 2, 'new', 'n1', 'n2'));
    await settle();
    const { log } = await recovered(disk);
    expect([snapshotText(log), logText(log)]).toEqual(['4/2/n1,n2:new', ['5/2/1:e5']]);
  });

  it('lets the cache go of the entries that it stands for', async () => {
    const cache = new PayloadCache(100);
    const log = new GroupLog(GROUP, { cache, onReadFailed: () => undefined });
    const entries = [entry(1, 1, 'one'), entry(2, 1, 'two'), entry(3, 1, 'three')];
    log.append(entries);
    const path = filePath(1);
    const storage = await new FaultyDisk().mount().open(path, { create: true });
    for (const slot of log.takeUnsubmitted(entries)) {
      slot.file = {
        ...{ sequence: 1, path, seed: 0, storage },
        ...{ seal: undefined, readers: 0, isRetired: false },
      };
      cache.add(slot);
    }
    log.install(snapshotOf(2, 1));
    expect([cache.bytes, logText(log)]).toEqual(['three'.length, ['3/1/1:three']]);
  });

  it('of entries on their way to the disk leaves what is behind them', async () => {
    const { journal, disk } = await fiveEntries();
    const writer = new GroupWriter(journal, 2);
    disk.holdSyncs = true;
    writer.state(1);
    writer.append(entry(1, 1), entry(2, 1));
    writer.install(snapshotOf(1, 1));
    await settle();
    disk.holdSyncs = false;
    disk.releaseSyncs();
    await settle();
    expect(logText(writer.log)).toEqual(['2/1/1:e2']);
    disk.kill();
    const { groups } = await openJournal(disk);
    expect(groups.get(asGroupId(2))?.log.snapshot?.index).toBe(1);
  });
});

describe('a snapshot at an entry that the log does not have', () => {
  it.each([
    ['beyond its end', 9, 2],
    ['where it has an entry of another term (B19)', 5, 1],
  ])('takes the place of the whole log: %s', async (_name, index, term) => {
    const { disk, writer, log } = await fiveEntries();
    writer.install(snapshotOf(index, term, 'restored', 'n7'));
    writer.append(entry(index + 1, 2, 'next'));
    await settle();
    const again = await recovered(disk);
    for (const each of [log, again.log]) {
      expect([snapshotText(each), logText(each), membershipsText(each)]).toEqual([
        `${index}/${term}/n7:restored`,
        [`${index + 1}/2/1:next`],
        [],
      ]);
    }
    expect(again.hardState.commit).toBe(index);
  });

  it('may be the first that a replica hears of the group', async () => {
    const disk = new FaultyDisk();
    const { journal } = await openJournal(disk);
    const writer = new GroupWriter(journal, GROUP);
    writer.state(4);
    writer.install(snapshotOf(7, 3, 'state', 'n1'));
    await settle();
    const { log, hardState } = await recovered(disk);
    expect([log.firstIndex, log.lastIndex, log.termAt(asLogIndex(7)), hardState.commit]).toEqual([
      8, 7, 3, 7,
    ]);
  });

  it('is forgotten with its group', async () => {
    const { disk, journal, writer } = await fiveEntries();
    writer.install(snapshotOf(9, 2, 'restored', 'n1'));
    writer.drop();
    expect([writer.log.snapshot, writer.log.lastIndex]).toEqual([undefined, 0]);
    new GroupWriter(journal, GROUP).state(1);
    await settle();
    const { log } = await recovered(disk);
    expect([log.snapshot, log.lastIndex]).toEqual([undefined, 0]);
  });
});

describe('a read from the disk that is under way', () => {
  it('returns what it was asked for although a snapshot takes the entries: they were committed', async () => {
    const { log, writer } = await fiveEntries(0);
    const reading = log.readEntries(asLogIndex(2), asLogIndex(6), NO_LIMIT);
    writer.install(snapshotOf(4, 2, '', 'n1', 'n2'));
    expect((await reading).map(({ index }) => index)).toEqual([2, 3, 4, 5]);
  });

  it('never returns an entry that was replaced before a snapshot took it', async () => {
    const { log, writer } = await fiveEntries(0);
    const reading = log.readEntries(asLogIndex(2), asLogIndex(6), NO_LIMIT);
    writer.state(3);
    writer.append(entry(4, 3, 'other'));
    writer.install(snapshotOf(4, 3, '', 'n1', 'n2'));
    expect((await reading).map(({ index }) => index)).toEqual([2, 3]);
  });

  it('returns nothing of a log that a snapshot replaced', async () => {
    const { log, writer } = await fiveEntries(0);
    const reading = log.readEntries(asLogIndex(2), asLogIndex(6), NO_LIMIT);
    writer.install(snapshotOf(9, 2));
    expect(await reading).toEqual([]);
  });
});

describe('what a group must keep', () => {
  it('a snapshot never goes back, and never changes what is committed', async () => {
    const { writer } = await fiveEntries();
    writer.install(snapshotOf(4, 2, '', 'n1', 'n2'));
    expect(() => writer.install(snapshotOf(3, 1, '', 'n1'))).toThrow('goes back from 4 to 3');
    expect(() => writer.install(snapshotOf(4, 1, '', 'n1', 'n2'))).toThrow('changes its term');
    expect(() => writer.install(snapshotOf(5, 2, '', 'n1'))).toThrow('another membership');
    expect(() => writer.install(snapshotOf(0, 0))).toThrow('stands for an entry');
  });

  it('a snapshot of a later term than the group, or in the place of a committed entry, is a defect', async () => {
    const late = await fiveEntries();
    expect(() => late.writer.install(snapshotOf(9, 3))).toThrow('a term is submitted before its snapshot');
    const conflicting = await fiveEntries();
    conflicting.writer.state(2, undefined, 5);
    expect(() => conflicting.writer.install(snapshotOf(5, 1))).toThrow('a committed entry is never replaced');
  });

  it('after a snapshot entries follow at the next index, and no commit index before it is written', async () => {
    const { disk, writer } = await fiveEntries();
    writer.install(snapshotOf(9, 2, '', 'n1'));
    expect(() => writer.append(entry(11, 2))).toThrow('a log has no gaps');
    expect(() => writer.append(entry(9, 2))).toThrow('truncating inside the log');
    writer.state(3, 'n1', 2);
    await settle();
    expect((await recovered(disk)).hardState).toMatchObject({ term: 3, commit: 9 });
  });

  it('a snapshot is submitted as it was installed, in its order among the entries', async () => {
    const { journal, writer } = await fiveEntries();
    const snapshot = snapshotOf(5, 2, '', 'n1', 'n2');
    const write = { kind: 'snapshot', group: GROUP, snapshot } as const;
    expect(() => journal.submit([write])).toThrow('as it was installed');
    writer.log.append([entry(6, 2)]);
    writer.log.install(snapshot);
    expect(() => journal.submit([write])).toThrow('as it was installed');
  });
});
