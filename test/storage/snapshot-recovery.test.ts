import { describe, expect, it } from 'vitest';

import { FRAME_TYPE, frameBytes } from '../../src/storage/journal-frame.js';
import { encodeSnapshotPayload } from '../../src/storage/snapshot-frame.js';
import { settle } from './faulty-file-system.js';
import { entry, filePath, openJournal, rejection, snapshotOf, snapshotText } from './journal-harness.js';
import { fiveEntries, plant, recovered } from './snapshot-harness.js';

describe('recovery of snapshots', () => {
  it('of a snapshot frame torn anywhere finds the state before it', async () => {
    const snapshot = snapshotOf(9, 2, 'x'.repeat(100), 'n1');
    const payloadBytes = encodeSnapshotPayload(snapshot).length;
    const whole = frameBytes(0) + payloadBytes;
    for (let kept = 0; kept <= frameBytes(payloadBytes); kept += 4) {
      const { disk, writer } = await fiveEntries();
      disk.holdSyncs = true;
      writer.install(snapshot);
      await settle();
      disk.crash((i) => i < kept);
      disk.holdSyncs = false;
      const { log, hardState } = await recovered(disk);
      const found = [snapshotText(log) !== undefined, log.lastIndex, hardState.commit];
      expect(found, `${kept} bytes kept`).toEqual(kept >= whole ? [true, 9, 9] : [false, 5, 0]);
    }
  });

  it('refuses a snapshot damaged before a later write (B4)', async () => {
    const { disk, writer } = await fiveEntries();
    writer.install(snapshotOf(9, 2, 'the state', 'n1'));
    await settle();
    writer.append(entry(10, 2));
    await settle();
    const at = Buffer.from(disk.bytes(filePath(1))).indexOf('the state');
    disk.flipBit(filePath(1), at);
    expect(await rejection(openJournal(disk))).toMatchObject({ reason: 'STORAGE_CORRUPT' });
  });

  const payload = encodeSnapshotPayload(snapshotOf(1, 1, '', 'n1', 'n2'));
  const other = encodeSnapshotPayload(snapshotOf(1, 1, '', 'n3'));
  const { SNAPSHOT, HARD_STATE, ENTRY } = FRAME_TYPE;
  it.each([
    ['a term above', [{ type: SNAPSHOT, index: 9, term: 3, payload }], 'has a term above'],
    ['no index', [{ type: SNAPSHOT, index: 0, term: 1, payload }], 'stands for an entry'],
    ['another layout', [{ type: SNAPSHOT, index: 4, term: 2, payload, kind: 2 }], 'unknown layout'],
    ['no membership', [{ type: SNAPSHOT, index: 4, term: 2, payload: Buffer.alloc(8) }], 'unknown layout'],
    ['a wrong membership', [{ type: SNAPSHOT, index: 4, term: 2, payload: other }], 'another membership'],
    [
      'a step back',
      [
        { type: SNAPSHOT, index: 4, term: 2, payload },
        { type: SNAPSHOT, index: 3, term: 1, payload },
      ],
      'goes back',
    ],
    [
      'a committed entry replaced',
      [
        { type: HARD_STATE, index: 5, term: 2, payload: Buffer.alloc(0) },
        { type: SNAPSHOT, index: 5, term: 1, payload },
      ],
      'replaces a committed entry',
    ],
    [
      'a commit index before it',
      [
        { type: SNAPSHOT, index: 4, term: 2, payload },
        { type: HARD_STATE, index: 3, term: 2, payload: Buffer.alloc(0) },
      ],
      'before the snapshot',
    ],
    [
      'a gap behind it',
      [
        { type: SNAPSHOT, index: 9, term: 2, payload },
        { type: ENTRY, index: 11, term: 2, payload },
      ],
      'entry 11 follows entry 9',
    ],
    ['a bad membership entry', [{ type: ENTRY, index: 6, term: 2, payload, kind: 4 }], 'is no membership'],
  ])('refuses what cannot have been written: %s', async (_name, frames, reason) => {
    const { disk } = await fiveEntries();
    const bytes = Buffer.from(disk.bytes(filePath(1)));
    plant(bytes, frames);
    disk.overwrite(filePath(1), bytes);
    const error = await rejection(openJournal(disk));
    expect(error).toMatchObject({ reason: 'STORAGE_CORRUPT' });
    expect(error.message).toContain(reason);
  });
});
