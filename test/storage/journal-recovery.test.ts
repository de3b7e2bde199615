import { describe, expect, it } from 'vitest';

import { asGroupId } from '../../src/raft/types.js';
import { FILE_HEADER_BYTES } from '../../src/storage/journal-file.js';
import { FRAME_HEADER_BYTES, frameBytes } from '../../src/storage/journal-frame.js';
import { FaultyDisk, settle } from './faulty-file-system.js';
import {
  DIRECTORY,
  entry,
  filePath,
  GroupWriter,
  logText,
  openJournal,
  rejection,
} from './journal-harness.js';

const GROUP = asGroupId(1);
const STATE_BYTES = frameBytes(0);
/** Entries of 100 bytes make the positions easy to compute. */
const ENTRY_BYTES = frameBytes(100);

/** A journal that holds term 1 and `count` entries, each synced on its own. */
async function journalOf(count: number, options: Parameters<typeof openJournal>[1] = {}) {
  const disk = new FaultyDisk();
  const { journal } = await openJournal(disk, options);
  const writer = new GroupWriter(journal, GROUP);
  writer.state(1);
  await settle();
  for (let index = 1; index <= count; index++) {
    writer.append(entry(index, 1, new Uint8Array(100).fill(index)));
    await settle();
  }
  return { disk, journal, writer };
}

/** Byte at which the frame of entry `index` begins in the first file. */
function positionOf(index: number): number {
  return FILE_HEADER_BYTES + STATE_BYTES + (index - 1) * ENTRY_BYTES;
}

async function recoveredLast(disk: FaultyDisk): Promise<number | undefined> {
  const { groups } = await openJournal(disk);
  return groups.get(GROUP)?.log.lastIndex;
}

describe('a torn tail', () => {
  it('is cut at the first bad frame, wherever the last write was torn', async () => {
    for (let kept = 0; kept <= 2 * ENTRY_BYTES; kept += 4) {
      const { disk, writer } = await journalOf(1);
      disk.holdSyncs = true;
      writer.append(entry(2, 1, new Uint8Array(100).fill(2)), entry(3, 1, new Uint8Array(100).fill(3)));
      await settle();
      disk.crash((i) => i < kept);
      disk.holdSyncs = false;
      const payloadEnd = ENTRY_BYTES - 4;
      const expected = kept >= ENTRY_BYTES + payloadEnd ? 3 : kept >= payloadEnd ? 2 : 1;
      expect(await recoveredLast(disk), `${kept} bytes kept`).toBe(expected);
    }
  });

  it('may keep a later frame of the same write: disks reorder within what is not synced', async () => {
    const { disk, writer } = await journalOf(1);
    disk.holdSyncs = true;
    writer.append(entry(2, 1, new Uint8Array(100).fill(2)), entry(3, 1, new Uint8Array(100).fill(3)));
    await settle();
    disk.crash((i) => i >= ENTRY_BYTES);
    disk.holdSyncs = false;
    expect(await recoveredLast(disk)).toBe(1);
  });

  it('never comes back: its headers are zeros before anything new is written', async () => {
    const { disk, writer } = await journalOf(1);
    disk.holdSyncs = true;
    writer.append(entry(2, 1, new Uint8Array(100).fill(2)), entry(3, 1, new Uint8Array(100).fill(3)));
    await settle();
    disk.crash((i) => i >= ENTRY_BYTES);
    disk.holdSyncs = false;
    // Of the same size as the lost one, so that it ends where the stale frame of entry 3 began.
    const { journal, groups } = await openJournal(disk);
    const next = new GroupWriter(journal, GROUP, groups.get(GROUP));
    const remnants = disk.bytes(filePath(1)).subarray(positionOf(2), positionOf(3) + FRAME_HEADER_BYTES);
    expect([...remnants].every((byte) => byte === 0)).toBe(true);
    next.append(entry(2, 1, new Uint8Array(100).fill(22)));
    await settle();
    disk.crash(() => false);
    const again = (await openJournal(disk)).groups.get(GROUP);
    expect(again?.log.lastIndex).toBe(2);
    expect(again?.log.entries(again.log.lastIndex, asIndex(3), 0)[0]?.payload[0]).toBe(22);
  });

  it('stays cut when the machine dies again during the recovery', async () => {
    const { disk, writer } = await journalOf(2);
    disk.holdSyncs = true;
    writer.append(entry(3, 1, new Uint8Array(100).fill(3)));
    await settle();
    disk.crash((i) => i < 60);
    void openJournal(disk);
    await settle();
    disk.crash((i) => i % 3 === 0);
    disk.holdSyncs = false;
    expect(await recoveredLast(disk)).toBe(2);
  });

  it('is found in a batch that grew the file, of which the crash kept no size', async () => {
    const { disk, writer } = await journalOf(0);
    disk.holdSyncs = true;
    writer.append(entry(1, 1, new Uint8Array(9000)));
    await settle();
    disk.crash((i) => i < 50);
    disk.holdSyncs = false;
    expect(await recoveredLast(disk)).toBe(0);
  });
});

describe('damage to synced bytes is refused, naming file and position (B3, I23)', () => {
  it('a flipped bit in the middle of the last file', async () => {
    const offsets = [0, 4, 8, 12, 16, 20, 26, 27, 28, 34, 40, 139];
    for (const offset of offsets) {
      const { disk } = await journalOf(5);
      disk.flipBit(filePath(1), positionOf(3) + offset);
      const error = await rejection(openJournal(disk));
      expect(error, `flipped at ${offset}`).toMatchObject({
        reason: 'STORAGE_CORRUPT',
        metadata: { file: filePath(1), position: String(positionOf(3)) },
      });
    }
  });

  it('a zeroed stretch in the middle of the last file', async () => {
    const { disk } = await journalOf(5);
    const bytes = disk.bytes(filePath(1)).slice().fill(0, positionOf(2), positionOf(4));
    disk.overwrite(filePath(1), bytes);
    const error = await rejection(openJournal(disk));
    expect(error.message).toContain(`${filePath(1)} is damaged at byte ${positionOf(2)}`);
  });

  it('a flipped bit in the last frame of a batch that another batch follows', async () => {
    const { disk } = await journalOf(5);
    disk.flipBit(filePath(1), positionOf(4) + 50);
    expect((await rejection(openJournal(disk))).metadata['position']).toBe(String(positionOf(4)));
  });

  it('is left as it is: nothing is written to the folder', async () => {
    const { disk } = await journalOf(5);
    disk.flipBit(filePath(1), positionOf(3) + 50);
    const before = disk.bytes(filePath(1)).slice();
    await rejection(openJournal(disk));
    await rejection(openJournal(disk));
    expect(disk.bytes(filePath(1))).toEqual(before);
  });

  describe('in several files', () => {
    const SMALL = { fileBytes: 4600, preallocateBytes: 4600 };

    it('a bad frame in an earlier file, even in its last batch', async () => {
      const { disk } = await journalOf(12, SMALL);
      expect(disk.paths().length).toBeGreaterThan(2);
      for (const index of [1, 4]) {
        const saved = disk.bytes(filePath(1)).slice();
        disk.flipBit(filePath(1), positionOf(index) + 50);
        const error = await rejection(openJournal(disk));
        expect(error.message).toContain(`${filePath(1)} is damaged at byte ${positionOf(index)}`);
        disk.overwrite(filePath(1), saved);
      }
    });

    it('a last file without a header: it had one before it had its name', async () => {
      for (const bytes of [0, 5000]) {
        const { disk } = await journalOf(4, SMALL);
        disk.overwrite(filePath(2), new Uint8Array(bytes));
        const error = await rejection(openJournal(disk));
        expect(error.message).toContain(`${filePath(2)} is damaged at byte 0: the file header is bad`);
      }
    });

    it('an earlier file whose tail is gone', async () => {
      const { disk } = await journalOf(12, SMALL);
      disk.overwrite(filePath(1), disk.bytes(filePath(1)).slice(0, positionOf(3)));
      const error = await rejection(openJournal(disk));
      expect(error.message).toContain(`${filePath(1)} is damaged at byte ${positionOf(3)}`);
    });

    it('a missing file, the first included', async () => {
      for (const missing of [1, 2]) {
        const { disk } = await journalOf(12, SMALL);
        disk.delete(filePath(missing));
        const error = await rejection(openJournal(disk));
        expect(error.message).toContain(`${filePath(missing)} is damaged at byte 0: the file is missing`);
      }
    });

    it('a bad header of a file that is not the last', async () => {
      const { disk } = await journalOf(12, SMALL);
      disk.flipBit(filePath(2), 20);
      const error = await rejection(openJournal(disk));
      expect(error.message).toContain(`${filePath(2)} is damaged at byte 0`);
    });

    it('a file under the name of another', async () => {
      const { disk } = await journalOf(12, SMALL);
      disk.overwrite(filePath(2), disk.bytes(filePath(1)));
      const error = await rejection(openJournal(disk));
      expect(error.message).toContain(`${filePath(2)} is damaged at byte 0: the header is that of file 1`);
    });
  });

  it('a bad header of a last file that holds entries', async () => {
    const { disk } = await journalOf(2);
    disk.flipBit(filePath(1), 30);
    expect((await rejection(openJournal(disk))).message).toContain(`${filePath(1)} is damaged at byte 0`);
  });

  it('a journal of another incarnation', async () => {
    const { disk } = await journalOf(2);
    const incarnation = '00000000-0000-4000-8000-000000000000';
    const error = await rejection(openJournal(disk, { incarnation }));
    expect(error).toMatchObject({ reason: 'STORAGE_CORRUPT' });
    expect(error.message).toContain('belongs to incarnation');
  });
});

describe('a file whose creation was cut short', () => {
  it('is made anew, whatever part of it is there', async () => {
    for (const kept of [0, 1, 20, 63, 4000]) {
      const disk = new FaultyDisk();
      disk.holdSyncs = true;
      void openJournal(disk);
      await settle();
      disk.crash(
        (i) => i < kept,
        () => true,
      );
      disk.holdSyncs = false;
      const { journal } = await openJournal(disk);
      expect(disk.paths()).toEqual([filePath(1)]);
      new GroupWriter(journal, GROUP).state(1);
      await settle();
      disk.crash(() => false);
      expect(await recoveredLast(disk)).toBe(0);
    }
  });

  it('goes on behind the file before it', async () => {
    const options = { fileBytes: 4600, preallocateBytes: 4600 };
    const { disk, writer } = await journalOf(4, options);
    disk.holdSyncs = true;
    writer.append(entry(5, 1, new Uint8Array(100).fill(5)));
    await settle();
    expect(disk.paths()).toEqual([filePath(1), `${filePath(2)}.new`]);
    disk.crash(
      () => false,
      () => true,
    );
    disk.holdSyncs = false;
    const { journal, groups } = await openJournal(disk, options);
    expect(disk.paths()).toEqual([filePath(1)]);
    new GroupWriter(journal, GROUP, groups.get(GROUP)).append(entry(5, 1));
    await settle();
    disk.crash(() => false);
    const log = (await openJournal(disk, options)).groups.get(GROUP)?.log;
    expect(log === undefined ? [] : logText(log)).toHaveLength(5);
    expect(log === undefined ? [] : logText(log)[4]).toBe('5/1/1:e5');
  });

  it('other files in the folder are left alone', async () => {
    const { disk, journal } = await journalOf(1);
    await journal.close();
    disk.overwrite(`${DIRECTORY}/notes.txt`, new Uint8Array([1]));
    await openJournal(disk);
    expect(disk.paths()).toContain(`${DIRECTORY}/notes.txt`);
  });
});

function asIndex(value: number) {
  return entry(value, 1).index;
}
