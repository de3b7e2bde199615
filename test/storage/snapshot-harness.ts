/** A group of five entries, what a restart makes of it, and frames planted behind it. */
import { crc32 } from 'node:zlib';

import { asGroupId } from '../../src/raft/types.js';
import { FILE_HEADER_BYTES, frameSeed } from '../../src/storage/journal-file.js';
import { encodeFrameHeader, frameBytes } from '../../src/storage/journal-frame.js';
import { FaultyDisk, settle } from './faulty-file-system.js';
import { entry, GroupWriter, INCARNATION, membershipEntry, openJournal } from './journal-harness.js';

export const GROUP = asGroupId(1);

/** Term 2; entries 1 and 2 of term 1, a membership of n1 and n2 at 3, entries 4 and 5 of term 2. */
export async function fiveEntries(cacheBytes = 1_000_000) {
  const disk = new FaultyDisk();
  const { journal } = await openJournal(disk, { cacheBytes });
  const writer = new GroupWriter(journal, GROUP);
  writer.state(2);
  writer.append(entry(1, 1), entry(2, 1), membershipEntry(3, 1, 'n1', 'n2'), entry(4, 2), entry(5, 2));
  await settle();
  return { disk, journal, writer, log: writer.log };
}

/** The group after a loss of power. */
export async function recovered(disk: FaultyDisk) {
  disk.crash(() => false);
  const { journal, groups } = await openJournal(disk);
  const group = groups.get(GROUP);
  if (group === undefined) throw new Error('the group is there');
  return { journal, ...group, writer: new GroupWriter(journal, GROUP, group) };
}

export interface PlantedFrame {
  readonly type: number;
  readonly kind?: number;
  readonly term: number;
  readonly index: number;
  readonly payload: Buffer;
}

/** Puts well-formed frames, as batch 2, behind what a journal of `fiveEntries` holds. */
export function plant(bytes: Buffer, frames: readonly PlantedFrame[]): void {
  const sizes = frameBytes(0) + 4 * frameBytes(2) + frameBytes('1;n1,n2;'.length);
  const batchStart = FILE_HEADER_BYTES + sizes;
  let at = batchStart;
  for (const { type, kind = 1, term, index, payload } of frames) {
    const [payloadBytes, payloadCrc] = [payload.length, crc32(payload)];
    const header = { payloadBytes, payloadCrc, term, batchStart, batch: 2, type, kind, group: GROUP, index };
    encodeFrameHeader(bytes, at, header, frameSeed(1, INCARNATION));
    payload.copy(bytes, at + frameBytes(0));
    at += frameBytes(payload.length);
  }
}
