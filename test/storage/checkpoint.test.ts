import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { asGroupId, asLogIndex } from '../../src/raft/types.js';
import type { JournalListener, JournalOptions } from '../../src/storage/journal-options.js';
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
  snapshotOf,
} from './journal-harness.js';

const SMALL: Partial<JournalOptions> = {
  fileBytes: 5000,
  segmentBytes: 1200,
  preallocateBytes: 512,
  cacheBytes: 0,
  checkpointFiles: 1,
};
const PAYLOAD = 'x'.repeat(300);

const IGNORE_REPORTS: JournalListener = {
  onDurable: () => undefined,
  onFailed: (error) => {
    throw error;
  },
};

/** Long enough for all that is under way in the background. */
async function rest(): Promise<void> {
  for (let i = 0; i < 60; i++) await settle();
}

/** Two groups over several journal files, with an entry that is replaced, a snapshot, and a group dropped. */
async function work(disk: FaultyDisk, acknowledged: string[][]): Promise<void> {
  const { journal } = await openJournal(disk, SMALL);
  const [one, two, gone] = [1, 2, 3].map((group) => new GroupWriter(journal, group));
  if (one === undefined || two === undefined || gone === undefined) throw new Error('three groups');
  journal.listen({
    onDurable: () => acknowledged.push([one, two].map(({ log }) => logText(log).join())),
    onFailed: (error) => {
      throw error;
    },
  });
  for (const writer of [one, two, gone]) writer.state(1, 'n1');
  for (let index = 1; index <= 12; index++) {
    one.append(entry(index, 1, `${String(index)}${PAYLOAD}`));
    two.append(entry(index, 1, `b${String(index)}`));
    if (index <= 4) gone.append(entry(index, 1, PAYLOAD));
    if (index === 5) gone.drop();
    await settle();
  }
  one.state(2, 'n2');
  one.append(entry(9, 2, `new${PAYLOAD}`), entry(10, 2, 'new'));
  await settle();
  one.install(snapshotOf(6, 1, 'state', 'n1'));
  await settle();
  journal.tight(1);
  await rest();
  journal.tight(undefined);
  for (let index = 13; index <= 30; index++) {
    two.append(entry(index, 1, `b${String(index)}${PAYLOAD}`));
    await settle();
  }
  await rest();
}

/** Returns false when the work takes fewer calls than that. */
async function dyingAt(calls: number): Promise<boolean> {
  const keep = calls % 3 === 1;
  // None, all, or any: then one file may stand under two names, or under none.
  const keepName = (path: string): boolean =>
    [false, true][calls % 5] ?? crc32(`${path} ${String(calls)}`) % 2 === 1;
  const disk = new FaultyDisk();
  disk.callsLeft = calls;
  const acknowledged: string[][] = [];
  let isDone = false;
  void work(disk, acknowledged).then(() => (isDone = true));
  while (!isDone && disk.callsLeft > 0) await settle();
  disk.callsLeft = Infinity;
  disk.crash(() => keep, keepName);
  // And once more, at a call of the recovery.
  disk.callsLeft = 1 + (calls % 23);
  void openJournal(disk, SMALL);
  await settle();
  disk.callsLeft = Infinity;
  disk.crash(() => keep);
  const { groups } = await openJournal(disk, SMALL);
  const found = [1, 2].map((id) => {
    const log = groups.get(asGroupId(id))?.log;
    return log === undefined ? '' : logText(log).join();
  });
  for (const [i, text] of (acknowledged.at(-1) ?? []).entries()) {
    // Behind what was acknowledged there may be more; a snapshot may have taken the oldest.
    const tail = text.slice(-300);
    expect(found[i], `died at call ${String(calls)}`).toContain(tail);
  }
  return !isDone;
}

function segmentFiles(disk: FaultyDisk, group: number): string[] {
  return disk.paths().filter((path) => path.startsWith(`data/segments/${String(group)}/`));
}

function journalFiles(disk: FaultyDisk): string[] {
  return disk.paths().filter((path) => path.startsWith(DIRECTORY) && path.endsWith('.log'));
}

describe('a checkpoint', () => {
  it('lets journal files go, and a restart finds everything without them', async () => {
    const disk = new FaultyDisk();
    const acknowledged: string[][] = [];
    await work(disk, acknowledged);
    expect(journalFiles(disk).length).toBeLessThanOrEqual(2);
    expect(disk.paths()).not.toContain(filePath(1));
    disk.crash(() => false);
    const { groups } = await openJournal(disk, SMALL);
    expect([1, 2].map((id) => logText(groups.get(asGroupId(id))!.log).join())).toEqual(acknowledged.at(-1));
    expect(groups.get(asGroupId(1))?.hardState).toMatchObject({ term: 2, votedFor: 'n2' });
    expect(groups.get(asGroupId(1))?.log.firstIndex).toBe(7);
  });

  it('removes the folder of a dropped group, and segments that a snapshot stands for', async () => {
    const disk = new FaultyDisk();
    await work(disk, []);
    expect(segmentFiles(disk, 3)).toEqual([]);
    expect(segmentFiles(disk, 1).some((path) => path.includes('00000000000000000001-'))).toBe(false);
    expect(segmentFiles(disk, 2).length).toBeGreaterThan(4);
  });

  it('begins a segment when one is as long as its group asks for', async () => {
    const countOf = async (segmentBytes: number | undefined): Promise<number> => {
      const disk = new FaultyDisk();
      const { journal } = await openJournal(disk, { ...SMALL, segmentBytes: 100_000 });
      journal.listen({ ...IGNORE_REPORTS, segmentBytes: () => segmentBytes });
      const writer = new GroupWriter(journal, 1);
      writer.state(1, 'n1');
      for (let index = 1; index <= 60; index++) {
        writer.append(entry(index, 1, `${String(index)}${PAYLOAD}`));
        await settle();
      }
      await rest();
      return segmentFiles(disk, 1).filter((path) => path.endsWith('.log')).length;
    };
    expect(await countOf(undefined)).toBe(1);
    expect(await countOf(2_000)).toBeGreaterThan(5);
  });

  // Every call is covered; in parts, so that no test is a long one.
  it.each(Array.from({ length: 8 }, (_, part) => part))(
    'whatever call the process dies at, nothing acknowledged is lost: part %i',
    async (part) => {
      let calls = 1 + part;
      for (; await dyingAt(calls); calls += 8);
      expect(calls).toBeGreaterThan(100);
    },
  );

  it('and a full disk do not hurt: the copy is made again later', async () => {
    const disk = new FaultyDisk();
    const { journal } = await openJournal(disk, SMALL);
    const { failed } = recordReports(journal);
    const writer = new GroupWriter(journal, 1);
    writer.state(1);
    disk.fullPrefix = 'data/segments';
    for (let index = 1; index <= 40; index++) {
      writer.append(entry(index, 1, PAYLOAD));
      await settle();
    }
    expect(journalFiles(disk).length).toBeGreaterThan(3);
    disk.fullPrefix = undefined;
    for (let index = 41; index <= 110; index++) {
      writer.append(entry(index, 1, 'small'));
      await settle();
    }
    // Those that are kept to be written over are not wanted now.
    journal.tight(1);
    await rest();
    expect(failed).toEqual([]);
    expect(journalFiles(disk).length).toBeLessThanOrEqual(2);
    expect(logText(writer.log)).toHaveLength(110);
  });
});

describe('segments that were emptied before a checkpoint', () => {
  it.each([16, 17, 18, 19, 20])(
    'are not written to again after a crash: a snapshot at %i',
    async (snapshotIndex) => {
      const disk = new FaultyDisk();
      // One segment, of which the checkpoint has the first 18 entries.
      const options = { ...SMALL, segmentBytes: 20_000 };
      const { journal } = await openJournal(disk, options);
      journal.listen(IGNORE_REPORTS);
      const before = new GroupWriter(journal, 1);
      before.state(1, 'n1');
      for (let index = 1; index <= 20; index++) {
        before.append(entry(index, 1, `${String(index)}${PAYLOAD}`));
        await settle();
      }
      await rest();
      disk.fullPrefix = `${DIRECTORY}/checkpoint`;
      before.install(snapshotOf(snapshotIndex, 1, 'state', 'n1'));
      await settle();
      journal.tight(1);
      await rest();
      expect(segmentFiles(disk, 1).some((path) => disk.bytes(path).length === 0)).toBe(snapshotIndex >= 18);
      disk.crash(() => true);
      disk.fullPrefix = undefined;
      const again = await openJournal(disk, options);
      again.journal.listen(IGNORE_REPORTS);
      const after = new GroupWriter(again.journal, 1, again.groups.get(asGroupId(1)));
      for (let index = 21; index <= 60; index++) {
        after.append(entry(index, 1, `${String(index)}${PAYLOAD}`));
        await settle();
      }
      await rest();
      const found = (await openJournal(disk, options)).groups.get(asGroupId(1))!.log;
      const kept = Array.from({ length: 60 - snapshotIndex }, (_, i) => {
        const index = snapshotIndex + 1 + i;
        return `${String(index)}/1/1:${String(index)}${PAYLOAD}`;
      });
      expect(logText(found)).toEqual(kept);
    },
  );
});

describe('damage (B3)', () => {
  async function written(): Promise<FaultyDisk> {
    const disk = new FaultyDisk();
    await work(disk, []);
    disk.crash(() => false);
    return disk;
  }

  it('to the checkpoint is refused, wherever it is', async () => {
    const disk = await written();
    const path = `${DIRECTORY}/checkpoint`;
    const size = disk.bytes(path).length;
    for (let at = 0; at < size; at += 7) {
      disk.flipBit(path, at);
      const error = await rejection(openJournal(disk, SMALL));
      expect(error).toMatchObject({ reason: 'STORAGE_CORRUPT', metadata: { file: path } });
      disk.flipBit(path, at);
    }
  });

  it('a checkpoint, or a segment, that is gone is refused', async () => {
    const disk = await written();
    const [segment] = segmentFiles(disk, 2);
    for (const path of [segment ?? '', `${DIRECTORY}/checkpoint`]) {
      const bytes = disk.bytes(path);
      disk.delete(path);
      expect(await rejection(openJournal(disk, SMALL))).toMatchObject({ reason: 'STORAGE_CORRUPT' });
      disk.overwrite(path, bytes);
    }
    await openJournal(disk, SMALL);
  });

  it('to a segment is found when it is read, and names it', async () => {
    const disk = await written();
    for (const path of segmentFiles(disk, 2).slice(0, 2)) {
      disk.flipBit(path, 10);
      const { journal, groups } = await openJournal(disk, SMALL);
      const log = groups.get(asGroupId(2))!.log;
      expect(() => logText(log)).toThrow(path);
      const error = await rejection(log.readEntries(asLogIndex(1), asLogIndex(30), 1_000_000));
      expect(error).toMatchObject({ reason: 'STORAGE_CORRUPT', metadata: { file: path } });
      expect(journal.failure).toMatchObject({ reason: 'STORAGE_CORRUPT' });
      disk.flipBit(path, 10);
    }
  });
});
